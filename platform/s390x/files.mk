# SPDX-License-Identifier: MIT

# What newlib has not.
sources-s390x += platform/s390x/setjmp.S
