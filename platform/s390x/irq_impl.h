// SPDX-License-Identifier: MIT
/*
 * I/O and external interruptions are two bits of the PSW's system mask, opened and closed
 * together. Machine checks stay open.
 */
#ifndef PLATFORM_S390X_IRQ_IMPL_H
#define PLATFORM_S390X_IRQ_IMPL_H

#include <platform/s390x/layout.h>

static inline void irq_enable(void)
{
	uint8_t before;

	__asm__ volatile("stosm %0,%1" : "=Q"(before) : "i"(SYSTEM_MASK_INTERRUPTS) : "memory");
}

static inline struct irq_state irq_save(void)
{
	uint8_t before;

	__asm__ volatile("stnsm %0,%1"
			 : "=Q"(before)
			 : "i"(0xff & ~SYSTEM_MASK_INTERRUPTS)
			 : "memory");
	return (struct irq_state){before};
}

static inline void irq_disable(void)
{
	irq_save();
}

static inline void irq_restore(struct irq_state state)
{
	if (state.flags & SYSTEM_MASK_INTERRUPTS)
		irq_enable();
	else
		irq_disable();
}

static inline bool irq_enabled(void)
{
	uint8_t mask;

	__asm__ volatile("stosm %0,0" : "=Q"(mask) : : "memory");
	return (mask & SYSTEM_MASK_INTERRUPTS) != 0;
}

#endif
