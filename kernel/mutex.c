// SPDX-License-Identifier: MIT
/*
 * Mutexes. The owner that leaves names the next one before waking it: who waits longest cannot
 * be overtaken, and a waiter whose time ran out at that moment finds itself owner.
 */
#include <kernel/mutex.h>
#include <kernel/assert.h>
#include <kernel/thread.h>
#include <platform/clock.h>

void mutex_init(struct mutex *mutex)
{
	wait_queue_init(&mutex->queue);
	mutex->owner = NULL;
}

NO_LOCK_ANALYSIS static int lock_until(struct mutex *mutex, uint64_t deadline_ns)
{
	struct thread *self = thread_current();
	struct irq_state irq = wait_queue_lock(&mutex->queue);
	int error = 0;

	if (UNLIKELY(mutex->owner == self))
		panic("mutex %p taken again by its owner \"%s\"", (void *)mutex,
		      thread_name(self));
	if (!mutex->owner)
		mutex->owner = self;
	while (mutex->owner != self && error == 0)
		error = wait_queue_sleep(&mutex->queue, &irq, deadline_ns);
	if (mutex->owner == self)
		error = 0;
	wait_queue_unlock(&mutex->queue, irq);
	return error;
}

NO_LOCK_ANALYSIS void mutex_lock(struct mutex *mutex)
{
	(void)lock_until(mutex, CLOCK_NEVER);
}

NO_LOCK_ANALYSIS int mutex_lock_timeout(struct mutex *mutex, uint64_t timeout_ns)
{
	return lock_until(mutex, wait_deadline(timeout_ns));
}

NO_LOCK_ANALYSIS bool mutex_trylock(struct mutex *mutex)
{
	struct irq_state irq = wait_queue_lock(&mutex->queue);
	bool taken = !mutex->owner;

	if (taken)
		mutex->owner = thread_current();
	wait_queue_unlock(&mutex->queue, irq);
	return taken;
}

NO_LOCK_ANALYSIS void mutex_unlock(struct mutex *mutex)
{
	struct irq_state irq = wait_queue_lock(&mutex->queue);

	if (UNLIKELY(mutex->owner != thread_current()))
		panic("mutex %p released by \"%s\", owner is \"%s\"", (void *)mutex,
		      thread_name(thread_current()),
		      mutex->owner ? thread_name(mutex->owner) : "nobody");
	mutex->owner = wait_queue_first(&mutex->queue);
	wait_queue_wake_one(&mutex->queue);
	wait_queue_unlock(&mutex->queue, irq);
}

bool mutex_is_held(struct mutex *mutex)
{
	struct irq_state irq = wait_queue_lock(&mutex->queue);
	bool held = mutex->owner == thread_current();

	wait_queue_unlock(&mutex->queue, irq);
	return held;
}
