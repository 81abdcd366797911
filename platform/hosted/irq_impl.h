// SPDX-License-Identifier: MIT
/*
 * The simulated interrupt mask of a hosted CPU.
 */
#ifndef PLATFORM_HOSTED_IRQ_IMPL_H
#define PLATFORM_HOSTED_IRQ_IMPL_H

bool hosted_irq_close(void);
void hosted_irq_open(void);
bool hosted_irq_is_open(void);

static inline struct irq_state irq_save(void)
{
	return (struct irq_state){hosted_irq_close()};
}

static inline void irq_restore(struct irq_state state)
{
	if (state.flags)
		hosted_irq_open();
	else
		hosted_irq_close();
}

static inline bool irq_enabled(void)
{
	return hosted_irq_is_open();
}

static inline void irq_enable(void)
{
	hosted_irq_open();
}

static inline void irq_disable(void)
{
	hosted_irq_close();
}

#endif
