# SPDX-License-Identifier: MIT
sources += tests/run.c tests/faults.c
sources-target += tests/commands.c
tests += tests/canary_test.c tests/run_test.c
include $(wildcard tests/*/files.mk)
