// SPDX-License-Identifier: MIT
/*
 * I/O interruptions. They are floating: any CPU with the subclass open takes one, and the one
 * that runs platform start-up opens all of them. One subclass is for devices of the channel
 * subsystem, their adapters included, one for PCI functions.
 */
#ifndef PLATFORM_S390X_IO_INTERRUPT_H
#define PLATFORM_S390X_IO_INTERRUPT_H

#include <platform/types.h>

#define IO_SUBCLASS_PCI     2u
#define IO_SUBCLASS_DEVICES 3u

/* The three words the machine stores; inside interrupt_enter() and interrupt_exit(). */
void s390x_io_interrupt(uint32_t subchannel, uint32_t parameter, uint32_t word);

/* Let this CPU take I/O interruptions of a subclass. */
void io_subclass_open(unsigned subclass);

/* channel.c */
void channel_interrupt(uint32_t subchannel);
void channel_adapter_interrupt(void);

/* irq_vector.c: PCI functions have set bits among the vectors' indicators. */
void irq_vectors_interrupt(void);

/* Where PCI functions set bits: one per vector number, counted from the left, and a summary. */
#define IRQ_VECTORS 64u
struct irq_indicators {
	uint64_t vectors;
	uint64_t summary;
};
extern struct irq_indicators irq_indicators;

/* zpci_machine.c: where messages go (0: no function takes any), and how many numbers they may
 * have. */
uint64_t zpci_message_address(void);
unsigned zpci_message_limit(void);

#endif
