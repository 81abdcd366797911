# SPDX-License-Identifier: MIT
# The developer's machine as a port.
sources-hosted += \
	platform/hosted/boot_info.c \
	platform/hosted/clock.c \
	platform/hosted/console.c \
	platform/hosted/context.c \
	platform/hosted/cpu.c \
	platform/hosted/exit.c \
	platform/hosted/irq.c \
	platform/hosted/library.c \
	platform/hosted/main.c \
	platform/hosted/memory.c \
	platform/hosted/mmu.c \
	platform/hosted/page_table.c \
	platform/hosted/pci_config.c \
	platform/hosted/random.c \
	platform/hosted/serve.c \
	platform/vmware_none.c

# The allocator for other programs, and one that uses it: not part of the hosted machine.
library := platform/hosted/quire_mm.c
library-example := platform/hosted/quire_mm_example.c
