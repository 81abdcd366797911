# SPDX-License-Identifier: MIT

tests += \
	tests/kernel/command_line_test.c \
	tests/kernel/format_test.c \
	tests/kernel/json_test.c \
	tests/kernel/log_test.c \
	tests/kernel/text_sink.c
