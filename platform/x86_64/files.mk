# SPDX-License-Identifier: MIT

# Start and address space.
sources-x86_64 += \
	$(paging-sources) \
	platform/x86_64/address_space.c \
	platform/x86_64/entry.S \
	platform/x86_64/features.c \
	platform/x86_64/memory.c \
	platform/x86_64/mmio.c \
	platform/x86_64/private.c \
	platform/x86_64/start.c \
	platform/x86_64/tlb.c

# Exceptions and contexts.
sources-x86_64 += \
	platform/x86_64/context.c \
	platform/x86_64/context_switch.S \
	platform/x86_64/descriptors.c \
	platform/x86_64/fpu.c \
	platform/x86_64/trap.c \
	platform/x86_64/trap_report.c \
	platform/x86_64/vectors.S

# Interrupts, time, other CPUs, the way out.
sources-x86_64 += \
	platform/x86_64/apic.c \
	platform/x86_64/clock.c \
	platform/x86_64/clock_calibrate.c \
	platform/x86_64/cpu.c \
	platform/x86_64/exit.c \
	platform/x86_64/io_apic.c \
	platform/x86_64/irq.c \
	platform/x86_64/local_apic.c \
	platform/x86_64/pci_ports.c \
	platform/x86_64/power_button.c \
	platform/x86_64/random.c \
	platform/x86_64/reference_counter.c \
	platform/x86_64/rtc.c \
	platform/x86_64/rtc_read.c \
	platform/x86_64/smp.c \
	platform/x86_64/smp_start.S \
	platform/x86_64/smp_trampoline.c \
	platform/x86_64/vmware.c

# Consoles.
sources-x86_64 += \
	platform/x86_64/console.c \
	platform/x86_64/framebuffer_console.c \
	platform/x86_64/framebuffer_font.c \
	platform/x86_64/i8042.c \
	platform/x86_64/keyboard.c \
	platform/x86_64/serial_console.c
