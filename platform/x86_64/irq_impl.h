// SPDX-License-Identifier: MIT
/*
 * The interrupt mask of an x86 CPU is one bit of its flags.
 */
#ifndef PLATFORM_X86_64_IRQ_IMPL_H
#define PLATFORM_X86_64_IRQ_IMPL_H

#define X86_FLAGS_INTERRUPT (UINT64_C(1) << 9)

static inline uint64_t x86_flags(void)
{
	uint64_t flags;

	__asm__ volatile("pushfq; popq %0" : "=r"(flags) : : "memory");
	return flags;
}

static inline void irq_enable(void)
{
	__asm__ volatile("sti" : : : "memory");
}

static inline void irq_disable(void)
{
	__asm__ volatile("cli" : : : "memory");
}

static inline struct irq_state irq_save(void)
{
	struct irq_state state = {x86_flags()};

	irq_disable();
	return state;
}

static inline void irq_restore(struct irq_state state)
{
	if (state.flags & X86_FLAGS_INTERRUPT)
		irq_enable();
	else
		irq_disable();
}

static inline bool irq_enabled(void)
{
	return (x86_flags() & X86_FLAGS_INTERRUPT) != 0;
}

#endif
