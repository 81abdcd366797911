// SPDX-License-Identifier: MIT
/*
 * Wait queues. A waiter lives on its thread's stack; it leaves only after it held the queue's
 * lock again, so a waker never touches a thread that has gone on.
 */
#include <kernel/wait.h>
#include <kernel/hook.h>
#include <kernel/scheduler.h>
#include <platform/clock.h>
#include <errno.h>

struct lock_class wait_queue_class = {.name = "wait queue"};

struct waiter {
	struct list_head link;
	struct thread *thread;
	_Atomic bool woken;
};

struct wait_alarm {
	struct timer timer;
	struct thread *thread;
	_Atomic bool rung;
};

void wait_queue_init(struct wait_queue *queue)
{
	spin_lock_init(&queue->lock, &wait_queue_class);
	list_init(&queue->waiters);
}

NO_LOCK_ANALYSIS struct irq_state wait_queue_lock(struct wait_queue *queue)
{
	return spin_lock_irqsave(&queue->lock);
}

NO_LOCK_ANALYSIS void wait_queue_unlock(struct wait_queue *queue, struct irq_state state)
{
	spin_unlock_irqrestore(&queue->lock, state);
}

uint64_t wait_deadline(uint64_t timeout_ns)
{
	uint64_t now = clock_ns();

	return timeout_ns < CLOCK_NEVER - now ? now + timeout_ns : CLOCK_NEVER;
}

static void alarm_ring(struct timer *timer)
{
	struct wait_alarm *alarm = list_entry(timer, struct wait_alarm, timer);

	atomic_store_explicit(&alarm->rung, true, memory_order_release);
	thread_wake(alarm->thread);
}

static void block_until_woken(struct waiter *waiter)
{
	while (!atomic_load_explicit(&waiter->woken, memory_order_acquire))
		thread_block();
}

/* woken: NULL when nothing but time ends the sleep. */
static void block_until_alarm(const _Atomic bool *woken, uint64_t deadline_ns)
{
	struct wait_alarm alarm = {.thread = thread_current()};

	thread_assert_may_sleep();
	timer_init(&alarm.timer, alarm_ring);
	timer_start(&alarm.timer, deadline_ns);
	while (!(woken && atomic_load_explicit(woken, memory_order_acquire)) &&
	       !atomic_load_explicit(&alarm.rung, memory_order_acquire))
		thread_block();
	timer_cancel_sync(&alarm.timer);
}

void thread_sleep_ns(uint64_t ns)
{
	block_until_alarm(NULL, wait_deadline(ns));
}

NO_LOCK_ANALYSIS int wait_queue_sleep(struct wait_queue *queue, struct irq_state *state,
				      uint64_t deadline_ns)
{
	struct waiter waiter = {.thread = thread_current()};

	if (deadline_ns != CLOCK_NEVER && deadline_ns <= clock_ns())
		return -ETIMEDOUT;
	list_add_tail(&queue->waiters, &waiter.link);
	wait_queue_unlock(queue, *state);
	HOOK(wait_queue_sleep);
	if (deadline_ns == CLOCK_NEVER)
		block_until_woken(&waiter);
	else
		block_until_alarm(&waiter.woken, deadline_ns);
	*state = wait_queue_lock(queue);
	list_del(&waiter.link);
	return atomic_load(&waiter.woken) ? 0 : -ETIMEDOUT;
}

static void wake(struct waiter *waiter)
{
	list_del(&waiter->link);
	atomic_store_explicit(&waiter->woken, true, memory_order_release);
	thread_wake(waiter->thread);
}

bool wait_queue_wake_one(struct wait_queue *queue)
{
	if (list_is_empty(&queue->waiters))
		return false;
	wake(list_first(&queue->waiters, struct waiter, link));
	return true;
}

void wait_queue_wake_all(struct wait_queue *queue)
{
	while (wait_queue_wake_one(queue))
		;
}

struct thread *wait_queue_first(struct wait_queue *queue)
{
	if (list_is_empty(&queue->waiters))
		return NULL;
	return list_first(&queue->waiters, struct waiter, link)->thread;
}
