# SPDX-License-Identifier: MIT
sources += tests/run.c
sources-target += tests/commands.c
tests += tests/run_test.c
include $(wildcard tests/*/files.mk)
