// SPDX-License-Identifier: MIT
/*
 * The scheduler. Lock order: run queue, then timers. Two run queues are never locked together:
 * a thread that moves is READY and on no queue in between, and a wake-up that finds it so
 * leaves a permit. A switch happens with the queue locked; the thread switched to unlocks it,
 * so a thread seen off a queue under its lock has really left its stack.
 */
#include <kernel/scheduler.h>
#include <kernel/assert.h>
#include <kernel/hook.h>
#include <kernel/ipi.h>
#include <kernel/kmem.h>
#include <kernel/percpu.h>
#include <kernel/rcu.h>
#include <kernel/watchdog.h>
#include <platform/clock.h>

static struct lock_class run_queue_class = {.name = "run queue"};

static PER_CPU(struct run_queue, run_queues);

struct cpumask cpus_online;
struct cpumask cpus_idle;

struct run_queue *run_queue_of(unsigned cpu)
{
	return on_cpu(run_queues, cpu);
}

/* ---- order inside a queue: all with the queue locked ---- */

/* Whoever lists threads looks without the lock. */
static void state_set(struct thread *thread, enum thread_state state)
{
	atomic_store_explicit(&thread->state, state, memory_order_relaxed);
}

static bool before(uint64_t a, uint64_t b)
{
	return (int64_t)(a - b) < 0;
}

static void queue_insert(struct run_queue *rq, struct thread *thread)
{
	struct list_head *list = &rq->ready[thread->priority];
	struct list_head *at = list->prev;

	while (at != list &&
	       before(thread->vtime_ns, list_entry(at, struct thread, ready_link)->vtime_ns))
		at = at->prev;
	list_insert_between(&thread->ready_link, at, at->next);
	atomic_fetch_add(&rq->nr_ready, 1);
}

static void queue_remove(struct run_queue *rq, struct thread *thread)
{
	list_del(&thread->ready_link);
	atomic_fetch_sub(&rq->nr_ready, 1);
}

static struct thread *queue_first(struct run_queue *rq)
{
	for (int priority = THREAD_PRIORITIES - 1; priority >= 0; priority--) {
		if (!list_is_empty(&rq->ready[priority]))
			return list_first(&rq->ready[priority], struct thread, ready_link);
	}
	return NULL;
}

/* Charge the current thread for its time, and let the queue's least virtual time follow. */
static void charge_current(struct run_queue *rq)
{
	struct thread *current = rq->current;
	uint64_t now = clock_ns();
	uint64_t ran = now - rq->since_ns;
	uint64_t least;

	rq->since_ns = now;
	atomic_fetch_add_explicit(&current->run_ns, ran, memory_order_relaxed);
	if (current == rq->idle)
		return;
	current->vtime_ns += ran;
	least = current->vtime_ns;
	if (!list_is_empty(&rq->ready[current->priority])) {
		struct thread *first =
			list_first(&rq->ready[current->priority], struct thread, ready_link);
		if (before(first->vtime_ns, least))
			least = first->vtime_ns;
	}
	if (before(rq->least_vtime_ns[current->priority], least))
		rq->least_vtime_ns[current->priority] = least;
}

/* Off a queue, virtual time is kept relative to that queue, so that it means something on
 * another one. */
static void vtime_detach(struct run_queue *rq, struct thread *thread)
{
	thread->vtime_ns -= rq->least_vtime_ns[thread->priority];
}

static void vtime_attach(struct run_queue *rq, struct thread *thread, uint64_t slept_ns)
{
	int64_t slice = (int64_t)SCHEDULER_SLICE_NS;
	int64_t lag = (int64_t)thread->vtime_ns;

	lag = MIN(MAX(lag, -slice), slice);
	lag -= (int64_t)MIN(slept_ns, 2 * SCHEDULER_SLICE_NS);
	lag = MAX(lag, -slice);
	thread->vtime_ns = rq->least_vtime_ns[thread->priority] + (uint64_t)lag;
}

/* ---- who should run ---- */

static bool should_preempt(struct run_queue *rq, const struct thread *waiting)
{
	const struct thread *current = rq->current;

	if (current == rq->idle || waiting->priority > current->priority)
		return true;
	return waiting->priority == current->priority &&
	       before(waiting->vtime_ns + SCHEDULER_GRANULARITY_NS, current->vtime_ns);
}

/* Limit the current thread's time if somebody of its rank waits. */
static void slice_arm(struct run_queue *rq)
{
	const struct thread *first = queue_first(rq);

	if (rq->slice_armed || !first || first->priority < rq->current->priority)
		return;
	rq->slice_armed = true;
	timer_start(&rq->slice, clock_ns() + SCHEDULER_SLICE_NS);
}

/* The end of a slice, on the queue's own CPU: whoever waits with less time goes next. */
static void slice_expired(struct timer *timer)
{
	struct run_queue *rq = list_entry(timer, struct run_queue, slice);
	struct irq_state state = spin_lock_irqsave(&rq->lock);
	struct thread *first = queue_first(rq);

	rq->slice_armed = false;
	charge_current(rq);
	if (first) {
		if (first->priority > rq->current->priority ||
		    (first->priority == rq->current->priority &&
		     before(first->vtime_ns, rq->current->vtime_ns)))
			atomic_fetch_or(&rq->current->attention, ATTENTION_RESCHEDULE);
		else
			slice_arm(rq);
	}
	spin_unlock_irqrestore(&rq->lock, state);
}

/* A thread was queued: make its CPU notice. Locked; true if that CPU needs an IPI. */
static bool notify_queue(struct run_queue *rq, struct thread *thread)
{
	bool here = rq->cpu == cpu_current();
	bool preempt;

	charge_current(rq);
	preempt = should_preempt(rq, thread);
	if (preempt)
		atomic_fetch_or(&rq->current->attention, ATTENTION_RESCHEDULE);
	if (here)
		slice_arm(rq);
	return !here && (preempt || !rq->slice_armed);
}

/* Where a thread should wait: a sleeping CPU, its old one first, else where fewest wait. */
static unsigned choose_cpu(const struct thread *thread)
{
	unsigned home = atomic_load_explicit(&thread->cpu, memory_order_relaxed);
	uint64_t idle = cpumask_load(&cpus_idle);
	unsigned best = home;
	unsigned least;

	if (thread->pinned_cpu != THREAD_ANY_CPU)
		return thread->pinned_cpu;
	if (idle & cpu_bit(home))
		return home;
	if (idle)
		return (unsigned)__builtin_ctzll(idle);
	least = atomic_load_explicit(&run_queue_of(home)->nr_ready, memory_order_relaxed);
	cpumask_for_each (cpu, cpumask_load(&cpus_online)) {
		unsigned ready = atomic_load_explicit(&run_queue_of(cpu)->nr_ready,
						      memory_order_relaxed);
		if (ready < least) {
			least = ready;
			best = cpu;
		}
	}
	return best;
}

/* A thread that may move waits on this queue though some CPU sleeps: let that one steal it. */
static void offer_to_idle(unsigned pinned_cpu)
{
	uint64_t idle = pinned_cpu == THREAD_ANY_CPU ? cpumask_load(&cpus_idle) : 0;

	if (idle)
		ipi_reschedule((unsigned)__builtin_ctzll(idle));
}

/* Queue a READY thread that is on no queue but belongs to `cpu` already. A CPU that fell asleep
 * meanwhile is told to steal. In one piece: who is preempted before the interrupt is sent would
 * leave the thread to a CPU that sleeps on. */
static void enqueue(struct thread *thread, unsigned cpu, uint64_t slept_ns)
{
	struct run_queue *rq = run_queue_of(cpu);
	unsigned pinned_cpu = thread->pinned_cpu;
	struct irq_state state;
	bool interrupt;
	bool waits;

	preempt_disable();
	cpumask_clear(&cpus_idle, cpu);
	HOOK(scheduler_enqueue);
	state = spin_lock_irqsave(&rq->lock);
	vtime_attach(rq, thread, slept_ns);
	queue_insert(rq, thread);
	interrupt = notify_queue(rq, thread);
	waits = rq->current != rq->idle;
	spin_unlock_irqrestore(&rq->lock, state);
	HOOK(scheduler_queued);
	if (interrupt)
		ipi_reschedule(cpu);
	if (waits)
		offer_to_idle(pinned_cpu);
	preempt_enable();
}

void scheduler_start(struct thread *thread)
{
	unsigned cpu = choose_cpu(thread);

	thread->vtime_ns = 0;
	atomic_store_explicit(&thread->cpu, cpu, memory_order_release);
	enqueue(thread, cpu, 0);
}

/* The queue that rules the thread, locked. */
NO_LOCK_ANALYSIS static struct run_queue *queue_lock(struct thread *thread,
						     struct irq_state *state)
{
	for (;;) {
		unsigned cpu = atomic_load_explicit(&thread->cpu, memory_order_acquire);
		struct run_queue *rq = run_queue_of(cpu);

		*state = spin_lock_irqsave(&rq->lock);
		if (atomic_load_explicit(&thread->cpu, memory_order_relaxed) == cpu)
			return rq;
		spin_unlock_irqrestore(&rq->lock, *state);
	}
}

NO_LOCK_ANALYSIS void thread_wake(struct thread *thread)
{
	struct irq_state state;
	struct run_queue *rq = queue_lock(thread, &state);
	bool blocked = thread->state == THREAD_BLOCKED;
	uint64_t slept_ns = 0;
	unsigned cpu = 0;

	if (blocked) {
		state_set(thread, THREAD_READY);
		slept_ns = clock_ns() - thread->blocked_at_ns;
		cpu = choose_cpu(thread);
		atomic_store_explicit(&thread->cpu, cpu, memory_order_release);
	} else {
		thread->wake_permit = true;
	}
	spin_unlock_irqrestore(&rq->lock, state);
	if (blocked)
		enqueue(thread, cpu, slept_ns);
}

/* ---- switching ---- */

/* The other half of a switch, in the thread switched to. */
NO_LOCK_ANALYSIS void scheduler_switch_done(void)
{
	struct run_queue *rq = this_cpu(run_queues);
	struct thread *previous = rq->previous;
	bool dead = previous->state == THREAD_DEAD;
	bool owes_rcu = rq->owes_rcu;

	rq->owes_rcu = false;
	spin_unlock(&rq->lock);
	if (owes_rcu)
		rcu_quiescent();
	if (dead)
		thread_gone(previous);
}

static void switch_fpu(struct thread *from, struct thread *to)
{
	if (from->fpu)
		fpu_save(from->fpu);
	if (to->fpu)
		fpu_restore(to->fpu);
}

/*
 * This CPU stops being idle. It may have shown up as idle again behind the back of whoever
 * queued the thread, and been woken by the interrupt. And of several that were queued while it
 * slept all but one wait now, and nobody was told: the queue was thought to be an idle CPU's.
 */
static void leave_idle(struct run_queue *rq)
{
	cpumask_clear(&cpus_idle, rq->cpu);
	if (atomic_load(&rq->nr_ready) != 0)
		offer_to_idle(THREAD_ANY_CPU);
}

/* Run the best candidate; the queue is locked, interrupts are off. The current thread was
 * queued or has changed its state already. Returns when it runs again, unlocked. */
static void switch_locked(struct run_queue *rq)
{
	struct thread *from = rq->current;
	struct thread *to = queue_first(rq);

	rq->owes_rcu = (atomic_exchange(&from->attention, 0) & ATTENTION_RCU) != 0;
	if (to)
		queue_remove(rq, to);
	else
		to = rq->idle;
	state_set(to, THREAD_RUNNING);
	rq->current = to;
	rq->previous = from;
	slice_arm(rq);
	if (to != from) {
		if (from->state == THREAD_READY)
			offer_to_idle(from->pinned_cpu);
		if (from == rq->idle)
			leave_idle(rq);
		atomic_fetch_add_explicit(&to->switches, 1, memory_order_relaxed);
		switch_fpu(from, to);
		context_set_thread(to);
		if (to->stack)
			context_set_stack(to->stack, KERNEL_STACK_SIZE);
		context_switch(&from->context, &to->context);
	}
	scheduler_switch_done();
}

NO_LOCK_ANALYSIS static void reschedule(bool yield)
{
	struct irq_state state = irq_save();
	struct run_queue *rq = this_cpu(run_queues);

	spin_lock(&rq->lock);
	struct thread *current = rq->current;
	charge_current(rq);
	if (current != rq->idle) {
		struct list_head *list = &rq->ready[current->priority];

		state_set(current, THREAD_READY);
		if (yield && !list_is_empty(list)) {
			uint64_t last =
				list_entry(list->prev, struct thread, ready_link)->vtime_ns;
			if (before(current->vtime_ns, last))
				current->vtime_ns = last;
		}
		queue_insert(rq, current);
	}
	switch_locked(rq);
	irq_restore(state);
}

bool thread_may_sleep(void)
{
	const struct thread *current = thread_current();

	return current && current->preempt_count == 0 && irq_enabled() &&
	       current != this_cpu(run_queues)->idle;
}

void thread_assert_may_sleep(void)
{
	const struct thread *current = thread_current();

	if (UNLIKELY(current->preempt_count != 0 || !irq_enabled()))
		panic("thread \"%s\" sleeps with preemption off (%u) or interrupts off",
		      current->name, current->preempt_count);
}

NO_LOCK_ANALYSIS void thread_block(void)
{
	struct thread *current = thread_current();

	thread_assert_may_sleep();
	HOOK(thread_block);
	struct irq_state state = irq_save();
	struct run_queue *rq = this_cpu(run_queues);
	spin_lock(&rq->lock);
	if (current->wake_permit) {
		current->wake_permit = false;
		spin_unlock(&rq->lock);
	} else {
		charge_current(rq);
		vtime_detach(rq, current);
		current->blocked_at_ns = rq->since_ns;
		state_set(current, THREAD_BLOCKED);
		switch_locked(rq);
	}
	irq_restore(state);
}

void thread_yield(void)
{
	thread_assert_may_sleep();
	reschedule(true);
}

NO_LOCK_ANALYSIS void scheduler_exit(void)
{
	irq_disable();
	struct run_queue *rq = this_cpu(run_queues);
	spin_lock(&rq->lock);
	charge_current(rq);
	state_set(rq->current, THREAD_DEAD);
	switch_locked(rq);
	panic("a dead thread runs again");
}

void scheduler_attend(bool may_switch)
{
	struct thread *current = context_thread();
	struct irq_state irq = irq_save();

	/* With interrupts off the thread cannot move: the debt is this CPU's. */
	if (atomic_fetch_and(&current->attention, ~ATTENTION_RCU) & ATTENTION_RCU)
		rcu_quiescent();
	irq_restore(irq);
	if (may_switch && (atomic_load(&current->attention) & ATTENTION_RESCHEDULE))
		reschedule(false);
}

/* Somebody queued work here, or wants this CPU to steal; both are decided on the way out. */
void scheduler_ipi(void)
{
	struct run_queue *rq = this_cpu(run_queues);
	struct irq_state state = spin_lock_irqsave(&rq->lock);

	if (rq->current == rq->idle)
		atomic_fetch_or(&rq->current->attention, ATTENTION_RESCHEDULE);
	else
		slice_arm(rq);
	spin_unlock_irqrestore(&rq->lock, state);
}

/* ---- idle ---- */

static struct thread *steal_from(struct run_queue *victim)
{
	struct irq_state state = spin_lock_irqsave(&victim->lock);
	struct thread *found = NULL;

	for (int priority = THREAD_PRIORITIES - 1; priority >= 0 && !found; priority--) {
		struct thread *thread;

		list_for_each_entry (thread, &victim->ready[priority], ready_link) {
			if (thread->pinned_cpu == THREAD_ANY_CPU) {
				found = thread;
				break;
			}
		}
	}
	if (found) {
		queue_remove(victim, found);
		vtime_detach(victim, found);
		atomic_store_explicit(&found->cpu, cpu_current(), memory_order_release);
	}
	spin_unlock_irqrestore(&victim->lock, state);
	return found;
}

/* Take one waiting thread from another CPU; interrupts off. */
static bool steal(struct run_queue *rq)
{
	cpumask_for_each (cpu, cpumask_load(&cpus_online) & ~cpu_bit(rq->cpu)) {
		struct run_queue *victim = run_queue_of(cpu);
		struct thread *thread =
			atomic_load(&victim->nr_ready) != 0 ? steal_from(victim) : NULL;

		if (!thread)
			continue;
		struct irq_state state = spin_lock_irqsave(&rq->lock);
		vtime_attach(rq, thread, 0);
		queue_insert(rq, thread);
		spin_unlock_irqrestore(&rq->lock, state);
		atomic_fetch_add_explicit(&rq->steals, 1, memory_order_relaxed);
		return true;
	}
	return false;
}

/* Show up as idle first, look for work second: who queues work does it in the other order. */
static bool idle_finds_work(struct run_queue *rq)
{
	cpumask_set(&cpus_idle, rq->cpu);
	HOOK(scheduler_idle);
	bool work = atomic_load(&rq->nr_ready) != 0 || steal(rq) ||
		    atomic_load(&rq->idle->attention) != 0;
	if (work)
		cpumask_clear(&cpus_idle, rq->cpu);
	return work;
}

void scheduler_idle(void)
{
	struct run_queue *rq = this_cpu(run_queues);

	for (;;) {
		irq_disable();
		if (!idle_finds_work(rq)) {
			watchdog_idle_enter();
			rcu_idle_enter();
			cpu_idle_wait();
			rcu_idle_exit();
			watchdog_alive();
			cpumask_clear(&cpus_idle, rq->cpu);
		}
		irq_enable();
		if (atomic_load(&rq->nr_ready) != 0 || atomic_load(&rq->idle->attention) != 0)
			reschedule(false);
	}
}

void scheduler_init_cpu(struct thread *self, struct thread *idle)
{
	struct run_queue *rq = this_cpu(run_queues);

	spin_lock_init(&rq->lock, &run_queue_class);
	rq->cpu = cpu_current();
	for (int priority = 0; priority < THREAD_PRIORITIES; priority++)
		list_init(&rq->ready[priority]);
	timer_init(&rq->slice, slice_expired);
	rq->current = self;
	rq->previous = self;
	rq->idle = idle;
	rq->since_ns = clock_ns();
	atomic_store(&self->cpu, rq->cpu);
	atomic_store(&idle->cpu, rq->cpu);
	state_set(self, THREAD_RUNNING);
	context_set_thread(self);
	cpumask_set(&cpus_online, rq->cpu);
}
