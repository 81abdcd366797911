// SPDX-License-Identifier: MIT
/*
 * Device vectors of the hosted port: a table of handlers; simulated devices in tests raise them
 * by number from any host thread.
 */
#include <platform/hosted/hosted.h>
#include <kernel/attributes.h>
#include <kernel/lock.h>
#include <platform/channel_io.h>
#include <platform/irq.h>
#include <errno.h>

struct vector {
	irq_handler_fn *handler; /* NULL: free */
	void *arg;
	unsigned cpu;
	unsigned running;
};

static struct lock_class vectors_class = {.name = "hosted vectors"};
static struct spin_lock vectors_lock = SPIN_LOCK_INIT(&vectors_class);
static struct vector vectors[HOSTED_VECTORS]; /* vectors_lock */

static bool run_is_free(unsigned first, unsigned count)
{
	for (unsigned number = first; number < first + count; number++) {
		if (vectors[number].handler)
			return false;
	}
	return true;
}

int irq_vectors_alloc(unsigned cpu, unsigned count, irq_handler_fn *handler, void *arg,
		      size_t step, struct irq_vector *vector)
{
	struct irq_state irq = spin_lock_irqsave(&vectors_lock);
	unsigned first = 0;
	bool found;

	while (first + count <= HOSTED_VECTORS && !run_is_free(first, count))
		first += count;
	found = first + count <= HOSTED_VECTORS;
	for (unsigned i = 0; found && i < count; i++)
		vectors[first + i] =
			(struct vector){handler, (void *)((uintptr_t)arg + i * step), cpu, 0};
	if (found)
		*vector = (struct irq_vector){
			.number = first, .msi_address = 0xfee00000, .msi_data = first};
	spin_unlock_irqrestore(&vectors_lock, irq);
	return found ? 0 : -ENOSPC;
}

static bool vector_release(unsigned number)
{
	struct irq_state irq = spin_lock_irqsave(&vectors_lock);
	bool idle = vectors[number].running == 0;

	if (idle)
		vectors[number].handler = NULL;
	spin_unlock_irqrestore(&vectors_lock, irq);
	return idle;
}

void irq_vector_free(const struct irq_vector *vector)
{
	while (!vector_release(vector->number))
		cpu_relax();
}

static void vector_run(unsigned number)
{
	struct irq_state irq = spin_lock_irqsave(&vectors_lock);
	struct vector vector = vectors[number];

	if (vector.handler)
		vectors[number].running++;
	spin_unlock_irqrestore(&vectors_lock, irq);
	if (!vector.handler)
		return; /* raised before it was freed */
	vector.handler(vector.arg);
	irq = spin_lock_irqsave(&vectors_lock);
	vectors[number].running--;
	spin_unlock_irqrestore(&vectors_lock, irq);
}

void hosted_vectors_deliver(uint64_t bits)
{
	for (bits >>= 8; bits; bits &= bits - 1)
		vector_run((unsigned)__builtin_ctzll(bits));
}

void hosted_vector_raise(unsigned number)
{
	struct irq_state irq = spin_lock_irqsave(&vectors_lock);
	unsigned cpu = vectors[number].cpu;

	spin_unlock_irqrestore(&vectors_lock, irq);
	hosted_raise(hosted_cpu(cpu), HOSTED_PENDING_VECTOR(number));
}

/* There is no interrupt controller with lines. */
int irq_line_route(unsigned line, bool level, bool active_low, const struct irq_vector *vector)
{
	(void)line, (void)level, (void)active_low, (void)vector;
	return -ENODEV;
}

/* Channel I/O is z/Architecture's. */
struct channel_io *platform_channel_io(void)
{
	return NULL;
}
