# SPDX-License-Identifier: MIT

tests += \
	tests/kernel/boot_report_test.c \
	tests/kernel/command_line_test.c \
	tests/kernel/format_test.c \
	tests/kernel/json_test.c \
	tests/kernel/line_editor_test.c \
	tests/kernel/log_test.c \
	tests/kernel/pager_test.c \
	tests/kernel/text_sink.c

# One instance, which on a target describes the real machine.
tests-hosted += \
	tests/kernel/acpi_affinity_test.c \
	tests/kernel/acpi_root_buses_test.c \
	tests/kernel/acpi_test.c \
	tests/kernel/boot_memory_test.c

# Registers commands of its own, which a target's `help` should not show.
tests-hosted += tests/kernel/shell_test.c

tests += \
	tests/kernel/cpu_commands_test.c \
	tests/kernel/ipi_test.c \
	tests/kernel/lock_test.c \
	tests/kernel/random_test.c \
	tests/kernel/shutdown_test.c \
	tests/kernel/rcu_test.c \
	tests/kernel/thread_test.c \
	tests/kernel/threads.c \
	tests/kernel/timer_test.c \
	tests/kernel/wait_test.c \
	tests/kernel/watchdog_test.c \
	tests/kernel/work_test.c

# Panics for real, in a child process; a fork of many threads may hang under TSan.
tests-hosted += $(if $(filter tsan,$(BUILD)),,tests/kernel/panic_test.c)
