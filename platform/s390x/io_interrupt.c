// SPDX-License-Identifier: MIT
/*
 * Sorts I/O interruptions by who raised them: a subchannel, or an adapter of a subclass.
 */
#include <platform/s390x/io_interrupt.h>

#include <platform/irq.h>
#include <platform/s390x/interrupts.h>

/* Interruption-identification word. */
#define WORD_ADAPTER        0x80000000u
#define WORD_SUBCLASS_SHIFT 27
#define WORD_SUBCLASS_MASK  7u

void io_subclass_open(unsigned subclass)
{
	struct irq_state state = irq_save();

	cr6_write(cr6_read() | CR6_SUBCLASS(subclass));
	irq_restore(state);
}

void s390x_io_interrupt(uint32_t subchannel, uint32_t parameter, uint32_t word)
{
	(void)parameter; /* the subchannel's id says more */
	if (!(word & WORD_ADAPTER))
		channel_interrupt(subchannel);
	else if ((word >> WORD_SUBCLASS_SHIFT & WORD_SUBCLASS_MASK) == IO_SUBCLASS_PCI)
		irq_vectors_interrupt();
	else
		channel_adapter_interrupt();
}
