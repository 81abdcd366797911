// SPDX-License-Identifier: MIT
/*
 * Deferred work. Each CPU has a worker thread, created by the boot CPU's worker when a CPU
 * comes up. Waiting for work is itself work: a mark queued behind it.
 */
#include <kernel/work.h>
#include <kernel/assert.h>
#include <kernel/completion.h>
#include <kernel/format.h>
#include <kernel/hook.h>
#include <kernel/log.h>
#include <kernel/percpu.h>
#include <kernel/scheduler.h>

struct worker {
	struct wait_queue queue; /* its lock is the worker's */
	struct list_head works;  /* queue.lock */
	struct work *running;    /* queue.lock */
	unsigned cpu;            /* set once */
	struct thread *thread;   /* set once */
	struct work spawn;       /* creates the thread */
};

static PER_CPU(struct worker, workers);

void work_init(struct work *work, work_function *function)
{
	*work = (struct work){.function = function};
	list_init(&work->link);
}

/* The worker it was last queued on, locked; it changes only under that lock. */
NO_LOCK_ANALYSIS static struct worker *worker_lock(struct work *work, struct irq_state *irq)
{
	for (;;) {
		unsigned cpu = atomic_load_explicit(&work->cpu, memory_order_acquire);

		if (cpu == 0)
			return NULL;
		struct worker *worker = on_cpu(workers, cpu - 1);
		*irq = wait_queue_lock(&worker->queue);
		/* It may have been elsewhere and come back. */
		if (atomic_load_explicit(&work->cpu, memory_order_acquire) == cpu)
			return worker;
		wait_queue_unlock(&worker->queue, *irq);
	}
}

NO_LOCK_ANALYSIS static void append(struct worker *worker, struct work *work)
{
	list_add_tail(&worker->works, &work->link);
	wait_queue_wake_one(&worker->queue);
}

/* Done when queued already, or queued behind itself. Else the work belongs to `cpu` now. */
NO_LOCK_ANALYSIS static bool claim(struct work *work, unsigned cpu, bool *queued)
{
	struct irq_state irq;
	struct worker *worker;
	unsigned never = 0;

	*queued = false;
	if (atomic_compare_exchange_strong(&work->cpu, &never, cpu + 1))
		return true;
	worker = worker_lock(work, &irq);
	bool mine = false;
	if (list_is_empty(&work->link)) {
		*queued = worker->running == work;
		if (*queued) {
			append(worker, work);
		} else {
			atomic_store_explicit(&work->cpu, cpu + 1, memory_order_release);
			mine = true;
		}
	}
	wait_queue_unlock(&worker->queue, irq);
	return mine;
}

bool work_queue_on(unsigned cpu, struct work *work)
{
	struct irq_state irq;
	struct worker *worker;
	bool queued;

	if (!claim(work, cpu, &queued))
		return queued;
	HOOK(work_claimed);
	worker = on_cpu(workers, cpu);
	irq = wait_queue_lock(&worker->queue);
	/* If it is another worker's by now, so is its link. */
	queued = atomic_load_explicit(&work->cpu, memory_order_acquire) == cpu + 1 &&
		 list_is_empty(&work->link);
	if (queued)
		append(worker, work);
	wait_queue_unlock(&worker->queue, irq);
	return queued;
}

bool work_queue(struct work *work)
{
	preempt_disable();
	bool queued = work_queue_on(cpu_current(), work);
	preempt_enable();
	return queued;
}

struct work_mark {
	struct work work;
	struct completion reached;
};

static void mark_reached(struct work *work)
{
	completion_signal(&container_of(work, struct work_mark, work)->reached);
}

/* Wait until the worker, locked on entry, has passed what is queued and running now. */
NO_LOCK_ANALYSIS static void pass_mark(struct worker *worker, struct irq_state irq)
{
	struct work_mark mark;

	ASSERT(worker->thread != thread_current());
	work_init(&mark.work, mark_reached);
	completion_init(&mark.reached);
	append(worker, &mark.work);
	wait_queue_unlock(&worker->queue, irq);
	completion_wait(&mark.reached);
}

NO_LOCK_ANALYSIS void work_flush(struct work *work)
{
	struct irq_state irq;
	struct worker *worker = worker_lock(work, &irq);

	if (!worker)
		return;
	if (!list_is_empty(&work->link) || worker->running == work)
		pass_mark(worker, irq);
	else
		wait_queue_unlock(&worker->queue, irq);
}

NO_LOCK_ANALYSIS bool work_cancel_sync(struct work *work)
{
	struct irq_state irq;
	struct worker *worker = worker_lock(work, &irq);
	bool queued;

	if (!worker)
		return false;
	queued = !list_is_empty(&work->link);
	list_del(&work->link);
	if (worker->running == work)
		pass_mark(worker, irq);
	else
		wait_queue_unlock(&worker->queue, irq);
	return queued;
}

static NORETURN int worker_main(void *arg)
{
	struct worker *worker = arg;
	struct irq_state irq = wait_queue_lock(&worker->queue);

	for (;;) {
		while (list_is_empty(&worker->works))
			(void)!wait_queue_sleep(&worker->queue, &irq, UINT64_MAX);
		struct work *work = list_first(&worker->works, struct work, link);

		list_del(&work->link);
		worker->running = work;
		wait_queue_unlock(&worker->queue, irq);
		work->function(work);
		irq = wait_queue_lock(&worker->queue);
		worker->running = NULL;
	}
}

static void spawn_worker(unsigned cpu)
{
	struct worker *worker = on_cpu(workers, cpu);
	char name[THREAD_NAME_LENGTH];
	const struct thread_attributes attributes = {
		.name = name, .cpu = cpu, .priority = THREAD_NORMAL};

	format(name, sizeof(name), "work/%u", cpu);
	worker->thread = thread_create(&attributes, worker_main, worker);
	if (!worker->thread)
		log_error(
			"work: no memory for the worker of cpu %u: its deferred work waits for "
			"ever; give the machine more memory",
			cpu);
}

static void spawn_function(struct work *work)
{
	spawn_worker(container_of(work, struct worker, spawn)->cpu);
}

void works_init_cpu(void)
{
	struct worker *worker = this_cpu(workers);

	worker->cpu = cpu_current();
	wait_queue_init(&worker->queue);
	list_init(&worker->works);
	work_init(&worker->spawn, spawn_function);
}

void works_start(void)
{
	if (cpu_current() == 0)
		spawn_worker(0);
	else
		work_queue_on(0, &this_cpu(workers)->spawn);
}

static void delay_over(struct timer *timer)
{
	work_queue(&container_of(timer, struct delayed_work, timer)->work);
}

void delayed_work_init(struct delayed_work *delayed, work_function *function)
{
	work_init(&delayed->work, function);
	timer_init(&delayed->timer, delay_over);
	atomic_store(&delayed->cancelled, false);
}

void delayed_work_start(struct delayed_work *delayed, uint64_t delay_ns)
{
	if (atomic_load(&delayed->cancelled))
		return;
	HOOK(delayed_work_start);
	timer_start(&delayed->timer, wait_deadline(delay_ns));
}

static void delayed_work_stop(struct delayed_work *delayed)
{
	timer_cancel_sync(&delayed->timer);
	HOOK(delayed_work_timer_stopped);
	work_cancel_sync(&delayed->work);
}

void delayed_work_cancel_sync(struct delayed_work *delayed)
{
	atomic_store(&delayed->cancelled, true);
	delayed_work_stop(delayed);
	/* The function may have looked at the flag before, and started the timer since. */
	delayed_work_stop(delayed);
}
