# SPDX-License-Identifier: MIT

tests += tests/mm/balloon_test.c
