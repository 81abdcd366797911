// SPDX-License-Identifier: MIT
/*
 * Calls between CPUs. Each CPU owns a ring of requests in shared memory; callers put copies of
 * function and argument in, so that no pointer to a caller's stack crosses over, and wait for
 * the state of their slot. A slot is used again only when its call has ended, so calls that end
 * out of order (a function that waits for another CPU answers meanwhile) do no harm.
 * Lock order: a ring's lock is a leaf.
 */
#include <kernel/ipi.h>
#include <kernel/assert.h>
#include <kernel/lock.h>
#include <kernel/lock_order.h>
#include <kernel/percpu.h>
#include <kernel/scheduler.h>
#include <platform/memory.h>

#define RING_SIZE 32u

static struct lock_class ring_class = {.name = "ipi ring"};

/* state: 2 * ticket + 1 while the call of that ticket is due or runs, even when it has ended.
 */
struct ipi_request {
	ipi_function *function;
	void *arg;
	_Atomic uint64_t state;
};

struct ipi_ring {
	struct spin_lock lock;
	uint64_t put; /* lock */
	uint64_t got; /* lock */
	_Atomic bool reschedule;
	struct ipi_request requests[RING_SIZE];
};

static PER_CPU(struct ipi_ring, rings);

void ipi_init_cpu(void)
{
	spin_lock_init(&this_cpu(rings)->lock, &ring_class);
}

/* The ticket of a queued call, or -1 when the ring is full. */
static int64_t ring_put(struct ipi_ring *ring, ipi_function *function, void *arg)
{
	struct irq_state state = spin_lock_irqsave(&ring->lock);
	struct ipi_request *request = &ring->requests[ring->put % RING_SIZE];
	int64_t ticket = -1;

	if ((atomic_load_explicit(&request->state, memory_order_acquire) & 1) == 0) {
		ticket = (int64_t)ring->put++;
		request->function = function;
		request->arg = arg;
		atomic_store_explicit(&request->state, (uint64_t)ticket * 2 + 1,
				      memory_order_release);
	}
	spin_unlock_irqrestore(&ring->lock, state);
	return ticket;
}

static struct ipi_request *ring_get(struct ipi_ring *ring, struct ipi_request *copy)
{
	struct irq_state state = spin_lock_irqsave(&ring->lock);
	struct ipi_request *request = NULL;

	if (ring->got != ring->put) {
		request = &ring->requests[ring->got++ % RING_SIZE];
		copy->function = request->function;
		copy->arg = request->arg;
	}
	spin_unlock_irqrestore(&ring->lock, state);
	return request;
}

void ipi_answer(void)
{
	struct ipi_ring *ring = this_cpu(rings);
	struct ipi_request copy;
	struct ipi_request *request;

	if (atomic_load_explicit(&ring->reschedule, memory_order_relaxed) &&
	    atomic_exchange(&ring->reschedule, false))
		scheduler_ipi();
	while ((request = ring_get(ring, &copy)) != NULL) {
		copy.function(copy.arg);
		atomic_fetch_add_explicit(&request->state, 1, memory_order_release);
	}
}

/* A CPU that waits for another may be the one the other waits for. */
static void answer_while_waiting(void)
{
	struct irq_state state = irq_save();
	struct thread *current = context_thread();

	if (current) {
		current->preempt_count++;
		current->interrupt_depth++;
	}
	ipi_answer();
	if (current) {
		current->interrupt_depth--;
		current->preempt_count--;
	}
	irq_restore(state);
	cpu_relax();
}

static uint64_t send(unsigned cpu, ipi_function *function, void *arg)
{
	struct ipi_ring *ring = on_cpu(rings, cpu);
	int64_t ticket;

	while ((ticket = ring_put(ring, function, arg)) < 0)
		answer_while_waiting();
	irq_send_ipi(cpu);
	return (uint64_t)ticket;
}

static void wait_for(unsigned cpu, uint64_t ticket)
{
	struct ipi_request *request = &on_cpu(rings, cpu)->requests[ticket % RING_SIZE];

	while (atomic_load_explicit(&request->state, memory_order_acquire) == ticket * 2 + 1)
		answer_while_waiting();
}

static void check_call(const void *arg, bool wait, uintptr_t caller)
{
	if (UNLIKELY(arg && memory_is_cpu_private(arg)))
		panic("ipi: argument %p lies in memory private to cpu %u", arg, cpu_current());
	if (wait)
		lock_order_check_wait(caller);
}

static void call_here(ipi_function *function, void *arg)
{
	struct irq_state state = irq_save();

	function(arg);
	irq_restore(state);
}

void ipi_call(unsigned cpu, ipi_function *function, void *arg, bool wait)
{
	ASSERT(cpumask_has(&cpus_online, cpu));
	check_call(arg, wait, (uintptr_t)__builtin_return_address(0));
	preempt_disable();
	if (cpu == cpu_current()) {
		call_here(function, arg);
	} else {
		uint64_t ticket = send(cpu, function, arg);

		if (wait)
			wait_for(cpu, ticket);
	}
	preempt_enable();
}

bool ipi_try_call(unsigned cpu, ipi_function *function, void *arg)
{
	check_call(arg, false, (uintptr_t)__builtin_return_address(0));
	if (ring_put(on_cpu(rings, cpu), function, arg) < 0)
		return false;
	irq_send_ipi(cpu);
	return true;
}

void ipi_call_others(ipi_function *function, void *arg, bool wait)
{
	uint64_t tickets[CPUS_MAX];
	uint64_t others;

	check_call(arg, wait, (uintptr_t)__builtin_return_address(0));
	preempt_disable();
	others = cpumask_load(&cpus_online) & ~cpu_bit(cpu_current());
	cpumask_for_each (cpu, others)
		tickets[cpu] = send(cpu, function, arg);
	if (wait)
		cpumask_for_each (cpu, others)
			wait_for(cpu, tickets[cpu]);
	preempt_enable();
}

void ipi_reschedule(unsigned cpu)
{
	if (!atomic_exchange(&on_cpu(rings, cpu)->reschedule, true))
		irq_send_ipi(cpu);
}
