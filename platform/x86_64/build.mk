# SPDX-License-Identifier: MIT
# How the x86-64 kernel is compiled and what is made of it beside quire.elf: the EFI loader.
# Included by tools/build.mk first, which says what each name means.

flags-x86_64 := -mcmodel=kernel -mno-red-zone -fcf-protection=none
flags-x86_64-debug := -fstack-protector-strong -mstack-protector-guard=global
flags-x86_64-clang := -target x86_64-unknown-none-elf
flags-kernel := -mgeneral-regs-only

port-outputs := $(out)/quire.efi
port-rules := boot/efi.mk
image-source := $(out)/quire.efi
image-option := --efi
