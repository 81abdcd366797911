# SPDX-License-Identifier: MIT

# Start and interruptions.
sources-s390x += \
	platform/s390x/entry.S \
	platform/s390x/features.c \
	platform/s390x/start.c \
	platform/s390x/trap.c \
	platform/s390x/trap_report.c

# Time, sleep, contexts, the way out.
sources-s390x += \
	platform/s390x/clock.c \
	platform/s390x/context.c \
	platform/s390x/context_switch.S \
	platform/s390x/cpu.c \
	platform/s390x/exit.c \
	platform/s390x/fpu.c \
	platform/s390x/fpu_state.S \
	platform/s390x/random.c

# The service processor and its consoles.
sources-s390x += \
	platform/s390x/console.c \
	platform/s390x/ebcdic.c \
	platform/s390x/line_text.c \
	platform/s390x/sclp.c \
	platform/s390x/sclp_block.c

# Address translation and other CPUs.
sources-s390x += \
	$(paging-sources) \
	platform/s390x/address_space.c \
	platform/s390x/direct_map.c \
	platform/s390x/memory.c \
	platform/s390x/paging_features.c \
	platform/s390x/private.c \
	platform/s390x/smp.c \
	platform/s390x/smp_signal.c \
	platform/s390x/smp_start.S \
	platform/s390x/tlb.c

# What newlib has not, and what no such machine has.
sources-s390x += \
	platform/s390x/setjmp.S \
	platform/vmware_none.c

# Channel I/O and PCI by instructions.
sources-s390x += platform/s390x/channel.c
sources-s390x += \
	platform/s390x/io_interrupt.c \
	platform/s390x/irq_vector.c \
	platform/s390x/zpci.c \
	platform/s390x/zpci_call.c \
	platform/s390x/zpci_machine.c
