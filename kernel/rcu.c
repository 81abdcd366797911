// SPDX-License-Identifier: MIT
/*
 * Grace periods. One thread collects the callbacks of all CPUs, marks every CPU that is not
 * idle as owing a quiescent state and interrupts it: if the interrupt finds it outside a reader
 * it has passed at once, else the running thread owes it until its preemption count falls to 0
 * or it is switched out (ATTENTION_RCU). Nothing happens, and nobody ticks, without callbacks.
 * Lock order: a CPU's callback lock is a leaf.
 */
#include <kernel/rcu.h>
#include <kernel/assert.h>
#include <kernel/completion.h>
#include <kernel/hook.h>
#include <kernel/ipi.h>
#include <kernel/percpu.h>
#include <kernel/scheduler.h>

static struct lock_class callbacks_class = {.name = "rcu callbacks"};

struct rcu_cpu {
	struct spin_lock lock;
	struct rcu_head *callbacks; /* lock; newest first */
	_Atomic unsigned idle;
};

static PER_CPU(struct rcu_cpu, rcu_cpus);

static struct cpumask owing; /* CPUs the current grace period waits for */
static struct completion all_passed = COMPLETION_INIT(all_passed);
static struct completion wanted = COMPLETION_INIT(wanted);
static _Atomic bool wanted_pending; /* `wanted` was signalled and not yet seen */
static _Atomic uint64_t nr_grace_periods;

static void pass(unsigned cpu)
{
	uint64_t before = atomic_fetch_and(&owing.bits, ~cpu_bit(cpu));

	if (before == cpu_bit(cpu))
		completion_signal(&all_passed);
}

void rcu_quiescent(void)
{
	if (cpumask_has(&owing, cpu_current()))
		pass(cpu_current());
}

/* On the CPU asked, on top of whatever runs there; the interrupt itself counts 1. */
static void probe(void *arg)
{
	struct thread *current = context_thread();

	(void)arg;
	if (current->preempt_count <= 1)
		rcu_quiescent();
	else
		atomic_fetch_or(&current->attention, ATTENTION_RCU);
}

void rcu_idle_enter(void)
{
	atomic_store(&this_cpu(rcu_cpus)->idle, 1);
}

/* An exchange, as the read of the grace period below: a reader that starts after that read sees
 * everything written before the grace period. */
void rcu_idle_exit(void)
{
	struct rcu_cpu *rcu = this_cpu(rcu_cpus);

	if (atomic_load_explicit(&rcu->idle, memory_order_relaxed))
		atomic_exchange(&rcu->idle, 0);
}

static bool is_idle(unsigned cpu)
{
	return atomic_fetch_or(&on_cpu(rcu_cpus, cpu)->idle, 0) != 0;
}

static void grace_period(void)
{
	uint64_t online = atomic_fetch_or(&cpus_online.bits, 0);

	/* This CPU passes last, so the period stays open while the others are asked. */
	atomic_store(&owing.bits, online);
	HOOK(rcu_grace_period);
	preempt_disable();
	unsigned self = cpu_current();
	cpumask_for_each (cpu, online & ~cpu_bit(self)) {
		if (is_idle(cpu))
			pass(cpu);
		else
			ipi_call(cpu, probe, NULL, false);
	}
	pass(self); /* the thread that runs here is this one, and it reads nothing */
	preempt_enable();
	completion_wait(&all_passed);
	atomic_fetch_add(&nr_grace_periods, 1);
}

/* Every CPU's callbacks as one list, oldest of each CPU first. */
static struct rcu_head *collect(void)
{
	struct rcu_head *all = NULL;

	cpumask_for_each (cpu, cpumask_load(&cpus_online)) {
		struct rcu_cpu *rcu = on_cpu(rcu_cpus, cpu);
		HOOK(rcu_collect);
		struct irq_state irq = spin_lock_irqsave(&rcu->lock);
		struct rcu_head *head = rcu->callbacks;

		rcu->callbacks = NULL;
		spin_unlock_irqrestore(&rcu->lock, irq);
		while (head) {
			struct rcu_head *next = head->next;

			head->next = all;
			all = head;
			head = next;
		}
	}
	return all;
}

static NORETURN int rcu_main(void *arg)
{
	(void)arg;
	for (;;) {
		completion_wait(&wanted);
		atomic_store(&wanted_pending, false);
		struct rcu_head *head = collect();

		if (head)
			grace_period();
		while (head) {
			struct rcu_head *next = head->next;

			head->function(head);
			head = next;
		}
	}
}

void rcu_call(struct rcu_head *head, rcu_function *function)
{
	struct irq_state irq = irq_save();
	struct rcu_cpu *rcu = this_cpu(rcu_cpus);
	struct irq_state inner = spin_lock_irqsave(&rcu->lock);

	head->function = function;
	head->next = rcu->callbacks;
	rcu->callbacks = head;
	spin_unlock_irqrestore(&rcu->lock, inner);
	irq_restore(irq);
	if (!atomic_exchange(&wanted_pending, true))
		completion_signal(&wanted);
}

struct rcu_waiter {
	struct rcu_head head;
	struct completion done;
};

static void wake_waiter(struct rcu_head *head)
{
	completion_signal(&container_of(head, struct rcu_waiter, head)->done);
}

void rcu_synchronize(void)
{
	struct rcu_waiter waiter;

	completion_init(&waiter.done);
	rcu_call(&waiter.head, wake_waiter);
	completion_wait(&waiter.done);
}

/* Callbacks run in batches. The first wait may be in a batch whose collection had passed the
 * CPU of an earlier callback: that one is in the next batch, and the second wait may be there
 * too, before it. The third comes behind that batch. */
void rcu_barrier(void)
{
	for (unsigned wait = 0; wait < 3; wait++)
		rcu_synchronize();
}

uint64_t rcu_grace_periods(void)
{
	return atomic_load(&nr_grace_periods);
}

void rcu_init_cpu(void)
{
	spin_lock_init(&this_cpu(rcu_cpus)->lock, &callbacks_class);
}

void rcu_init(void)
{
	const struct thread_attributes attributes = {
		.name = "rcu", .cpu = THREAD_ANY_CPU, .priority = THREAD_URGENT};
	struct thread *thread = thread_create(&attributes, rcu_main, NULL);

	if (!thread)
		panic("rcu: no memory for its thread");
	thread_detach(thread);
}
