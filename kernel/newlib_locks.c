// SPDX-License-Identifier: MIT
/*
 * newlib's locks: sleeping, recursive, with names that newlib fixes. Before the first thread
 * there is nobody to exclude. Locks that newlib makes for itself (one per FILE) live in kmem;
 * where memory is short a FILE shares one lock with all others in that position.
 */
#include <kernel/kmem.h>
#include <kernel/mutex.h>
#include <kernel/thread.h>
#include <sys/lock.h>

struct __lock {
	struct mutex mutex;
	unsigned depth; /* mutex; beyond the first */
};

#define NEWLIB_LOCK(name)          \
	extern struct __lock name; \
	struct __lock name = {.mutex = MUTEX_INIT(name.mutex)}

NEWLIB_LOCK(__lock___sinit_recursive_mutex);
NEWLIB_LOCK(__lock___sfp_recursive_mutex);
NEWLIB_LOCK(__lock___atexit_recursive_mutex);
NEWLIB_LOCK(__lock___at_quick_exit_mutex);
NEWLIB_LOCK(__lock___malloc_recursive_mutex);
NEWLIB_LOCK(__lock___env_recursive_mutex);
NEWLIB_LOCK(__lock___tz_mutex);
NEWLIB_LOCK(__lock___dd_hash_mutex);
NEWLIB_LOCK(__lock___arc4random_mutex);

static struct __lock shared = {.mutex = MUTEX_INIT(shared.mutex)};

void __retarget_lock_init(_LOCK_T *lock)
{
	*lock = kmem_alloc(sizeof(**lock));
	if (*lock)
		mutex_init(&(*lock)->mutex);
	else
		*lock = &shared;
}

void __retarget_lock_init_recursive(_LOCK_T *lock)
{
	__retarget_lock_init(lock);
}

void __retarget_lock_close(_LOCK_T lock)
{
	if (lock != &shared)
		kmem_free(lock);
}

void __retarget_lock_close_recursive(_LOCK_T lock)
{
	__retarget_lock_close(lock);
}

NO_LOCK_ANALYSIS void __retarget_lock_acquire(_LOCK_T lock)
{
	if (!thread_current())
		return;
	if (mutex_is_held(&lock->mutex))
		lock->depth++;
	else
		mutex_lock(&lock->mutex);
}

NO_LOCK_ANALYSIS int __retarget_lock_try_acquire(_LOCK_T lock)
{
	if (!thread_current())
		return 1;
	if (mutex_is_held(&lock->mutex)) {
		lock->depth++;
		return 1;
	}
	return mutex_trylock(&lock->mutex);
}

NO_LOCK_ANALYSIS void __retarget_lock_release(_LOCK_T lock)
{
	if (!thread_current())
		return;
	if (lock->depth > 0)
		lock->depth--;
	else
		mutex_unlock(&lock->mutex);
}

void __retarget_lock_acquire_recursive(_LOCK_T lock)
{
	__retarget_lock_acquire(lock);
}

int __retarget_lock_try_acquire_recursive(_LOCK_T lock)
{
	return __retarget_lock_try_acquire(lock);
}

void __retarget_lock_release_recursive(_LOCK_T lock)
{
	__retarget_lock_release(lock);
}
