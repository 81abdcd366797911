// SPDX-License-Identifier: MIT
/*
 * Device vectors: the number of a vector is the bit that a PCI function sets when it sends the
 * message. All functions share one word of indicators, so a number means the same to each. The
 * interruption is floating, so the CPU asked for is not kept. There are no lines.
 */
#include <platform/irq.h>

#include <platform/cpu.h>
#include <platform/s390x/io_interrupt.h>
#include <kernel/attributes.h>
#include <kernel/hook.h>
#include <kernel/lock.h>
#include <kernel/log.h>
#include <errno.h>

struct vector {
	irq_handler_fn *handler; /* NULL: free; vectors_lock, read by handlers without */
	void *arg;
	_Atomic unsigned running;
};

static struct lock_class vectors_class = {.name = "interrupt vectors"};
static struct spin_lock vectors_lock = SPIN_LOCK_INIT(&vectors_class);
static struct vector vectors[IRQ_VECTORS];
static _Atomic uint64_t unexpected; /* numbers that were told about */

struct irq_indicators irq_indicators;

static bool run_is_free(unsigned first, unsigned count)
{
	for (unsigned number = first; number < first + count; number++) {
		if (vectors[number].handler)
			return false;
	}
	return true;
}

int irq_vectors_alloc(unsigned cpu UNUSED, unsigned count, irq_handler_fn *handler, void *arg,
		      size_t step, struct irq_vector *vector)
{
	uint64_t address = zpci_message_address();
	unsigned limit = address ? zpci_message_limit() : 0, first = 0;
	struct irq_state state = spin_lock_irqsave(&vectors_lock);
	bool found;

	while (first + count <= limit && !run_is_free(first, count))
		first += count;
	found = first + count <= limit;
	for (unsigned i = 0; found && i < count; i++) {
		vectors[first + i].arg = (void *)((uintptr_t)arg + i * step);
		__atomic_store_n(&vectors[first + i].handler, handler, __ATOMIC_RELEASE);
	}
	if (found)
		*vector = (struct irq_vector){first, address, first};
	spin_unlock_irqrestore(&vectors_lock, state);
	return found ? 0 : -ENOSPC;
}

/* What a slot calls while it is given back: nobody's any more, and not free yet. */
static void given_back(void *arg UNUSED)
{
}

/* Free only when no CPU is between handler and argument: that would be the next owner's. */
void irq_vector_free(const struct irq_vector *vector)
{
	struct vector *slot = &vectors[vector->number];

	__atomic_store_n(&slot->handler, given_back, __ATOMIC_SEQ_CST);
	HOOK(irq_vector_free);
	while (atomic_load(&slot->running) > 0)
		cpu_relax();
	__atomic_store_n(&slot->handler, NULL, __ATOMIC_RELEASE);
}

static void vector_raise(unsigned number)
{
	struct vector *slot = &vectors[number];
	irq_handler_fn *handler;

	atomic_fetch_add(&slot->running, 1);
	handler = __atomic_load_n(&slot->handler, __ATOMIC_SEQ_CST);
	if (handler)
		handler(slot->arg);
	else if (!(atomic_fetch_or(&unexpected, UINT64_C(1) << number) >> number & 1))
		log_warn("irq: message %u has no handler; further ones are ignored", number);
	atomic_fetch_sub(&slot->running, 1);
}

/* First the summary, then the bits: what comes in between interrupts again. */
void irq_vectors_interrupt(void)
{
	uint64_t bits;

	__atomic_store_n(&irq_indicators.summary, 0, __ATOMIC_SEQ_CST);
	bits = __atomic_exchange_n(&irq_indicators.vectors, 0, __ATOMIC_SEQ_CST);
	while (bits) {
		unsigned number = (unsigned)__builtin_clzll(bits);

		bits &= ~(UINT64_C(1) << 63 >> number);
		vector_raise(number);
	}
}

int irq_line_route(unsigned line, bool level, bool active_low, const struct irq_vector *vector)
{
	(void)line, (void)level, (void)active_low, (void)vector;
	return -ENODEV;
}
