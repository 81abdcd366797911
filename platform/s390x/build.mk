# SPDX-License-Identifier: MIT
# How the s390x kernel is compiled. Included by tools/build.mk first, which says what each name
# means. z196 is the oldest machine the cross compiler's libgcc is made for; the lowcore is at
# address 0, hence -fno-delete-null-pointer-checks in the flags of every target.

cross := s390x-linux-gnu-
flags-s390x := -m64 -march=z196 -mbackchain
# The lowcore is at address 0: checks for null pointers are left to the other ports.
flags-s390x-debug := -fstack-protector-strong -fno-sanitize=null
flags-s390x-clang := -target s390x-linux-gnu
flags-kernel := -msoft-float

image-source := $(out)/quire.elf
image-option := --s390x
