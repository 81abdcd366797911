# SPDX-License-Identifier: MIT
sources-target += tests/load/load_command.c
tests += \
	tests/load/load.c \
	tests/load/load_items.c \
	tests/load/load_step.c \
	tests/load/load_test.c \
	tests/load/page_stamps_test.c \
	tests/load/stamping_host.c
