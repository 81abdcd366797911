// SPDX-License-Identifier: MIT
/*
 * The simulated interrupt mask of a hosted CPU.
 */
#ifndef PLATFORM_HOSTED_IRQ_IMPL_H
#define PLATFORM_HOSTED_IRQ_IMPL_H

extern _Thread_local uint64_t hosted_irq_open;

static inline struct irq_state irq_save(void)
{
	struct irq_state state = {hosted_irq_open};

	hosted_irq_open = 0;
	return state;
}

static inline void irq_restore(struct irq_state state)
{
	hosted_irq_open = state.flags;
}

static inline bool irq_enabled(void)
{
	return hosted_irq_open != 0;
}

static inline void irq_enable(void)
{
	hosted_irq_open = 1;
}

static inline void irq_disable(void)
{
	hosted_irq_open = 0;
}

#endif
