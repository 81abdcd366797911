# SPDX-License-Identifier: MIT
# What every folder stands on.

# Text: log, panic, command line, reports.
sources += \
	kernel/banner.c \
	kernel/boot_report.c \
	kernel/command_line.c \
	kernel/command_line_parse.c \
	kernel/format.c \
	kernel/json.c \
	kernel/line_editor.c \
	kernel/log.c \
	kernel/pager.c \
	kernel/panic.c \
	kernel/shell.c \
	kernel/shell_commands.c \
	kernel/symbols.c

sources-target += \
	kernel/main.c \
	kernel/power_button.c \
	kernel/shell_console.c \
	kernel/stack_protector.c \
	kernel/ubsan.c

# Memory before mm.
sources += kernel/boot_memory.c

# Firmware's tables.
sources += kernel/acpi.c kernel/acpi_tables.c kernel/acpi_power.c kernel/acpi_root_buses.c
sources-target += kernel/acpi_init.c
# CPUs, locks, threads and what puts them to sleep.
sources += \
	kernel/boot_cost.c \
	kernel/completion.c \
	kernel/cpu_commands.c \
	kernel/fault.c \
	kernel/halt_account.c \
	kernel/hook.c \
	kernel/interrupt.c \
	kernel/ipi.c \
	kernel/kmem.c \
	kernel/lock.c \
	kernel/lock_order.c \
	kernel/mailbox.c \
	kernel/mutex.c \
	kernel/random.c \
	kernel/rcu.c \
	kernel/scheduler.c \
	kernel/semaphore.c \
	kernel/shutdown.c \
	kernel/thread.c \
	kernel/timer.c \
	kernel/wait.c \
	kernel/wall_clock.c \
	kernel/watchdog.c \
	kernel/work.c

# What newlib asks of us; the hosted port runs on its host's library.
sources-target += \
	kernel/newlib_calls.c \
	kernel/newlib_locks.c \
	kernel/newlib_memory.c \
	kernel/newlib_reent.c
