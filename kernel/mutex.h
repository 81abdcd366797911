// SPDX-License-Identifier: MIT
/*
 * Mutex: sleeping lock with an owner, handed over in the order of waiting. Not recursive;
 * taking it twice or releasing another's is a panic. Thread context only.
 */
#ifndef KERNEL_MUTEX_H
#define KERNEL_MUTEX_H

#include <kernel/wait.h>

struct thread;

struct LOCK_CAPABILITY mutex {
	struct wait_queue queue;
	struct thread *owner; /* queue.lock */
};

#define MUTEX_INIT(name)                            \
	{                                           \
		WAIT_QUEUE_INIT((name).queue), NULL \
	}

void mutex_init(struct mutex *mutex);
void mutex_lock(struct mutex *mutex) ACQUIRE(mutex);
bool mutex_trylock(struct mutex *mutex) TRY_ACQUIRE(true, mutex) MUST_CHECK;
/* 0, or -ETIMEDOUT without the mutex. */
int mutex_lock_timeout(struct mutex *mutex, uint64_t timeout_ns)
	TRY_ACQUIRE(0, mutex) MUST_CHECK;
void mutex_unlock(struct mutex *mutex) RELEASE(mutex);
/* True if the running thread owns it; for assertions. */
bool mutex_is_held(struct mutex *mutex);

#endif
