// SPDX-License-Identifier: MIT
/*
 * Spin locks. Recursion and release by a stranger are reported in every build, because
 * both are a load and a compare; order is checked in debug builds by kernel/lock_order.c.
 */
#include <kernel/lock.h>
#include <kernel/assert.h>
#include <kernel/lock_order.h>
#include <kernel/log.h>
#include <kernel/thread.h>
#include <platform/clock.h>
#include <platform/cpu.h>

#define CALLER         ((uintptr_t)__builtin_return_address(0))
#define SPIN_REPORT_NS (10 * NSEC_PER_SEC)

/* CPU + 1 that panics and must not wait for anybody. */
static _Atomic unsigned breaking_cpu;

static bool breaking(void)
{
	return UNLIKELY(atomic_load_explicit(&breaking_cpu, memory_order_relaxed) ==
			cpu_current() + 1);
}

static const char *class_name(const struct spin_lock *lock)
{
	return lock->class ? lock->class->name : "(no class)";
}

void spin_lock_init(struct spin_lock *lock, struct lock_class *class)
{
	atomic_init(&lock->owner_cpu, 0);
	atomic_init(&lock->owner_caller, 0);
	lock->class = class;
}

bool spin_is_held(const struct spin_lock *lock)
{
	return atomic_load_explicit(&lock->owner_cpu, memory_order_relaxed) ==
	       cpu_current() + 1;
}

static bool try_take(struct spin_lock *lock, uintptr_t caller)
{
	uint32_t nobody = 0;

	if (!atomic_compare_exchange_strong_explicit(&lock->owner_cpu, &nobody,
						     cpu_current() + 1, memory_order_acquire,
						     memory_order_relaxed))
		return false;
	atomic_store_explicit(&lock->owner_caller, caller, memory_order_relaxed);
	lock_order_push(lock, caller);
	return true;
}

static COLD void report_long_wait(const struct spin_lock *lock, uintptr_t caller)
{
	log_error("lock: cpu %u waits long for \"%s\" at %#lx; cpu %u took it at %#lx",
		  cpu_current(), class_name(lock), (unsigned long)caller,
		  atomic_load(&lock->owner_cpu) - 1,
		  (unsigned long)atomic_load(&lock->owner_caller));
}

/* Look at the word without taking it away from the owner, until it was seen free. */
static NOINLINE void wait_and_take(struct spin_lock *lock, uintptr_t caller)
{
	uint64_t begin = clock_ns();
	unsigned spins = 0;

	do {
		while (atomic_load_explicit(&lock->owner_cpu, memory_order_relaxed) != 0) {
			cpu_relax();
			if ((++spins & 0xffff) == 0 && clock_ns() - begin > SPIN_REPORT_NS) {
				report_long_wait(lock, caller);
				begin = clock_ns();
			}
		}
	} while (!try_take(lock, caller));
}

static void take(struct spin_lock *lock, uintptr_t caller)
{
	if (UNLIKELY(spin_is_held(lock)))
		panic("lock \"%s\" taken again at %#lx by cpu %u, which took it at %#lx",
		      class_name(lock), (unsigned long)caller, cpu_current(),
		      (unsigned long)atomic_load(&lock->owner_caller));
	lock_order_check(lock, caller);
	if (!try_take(lock, caller))
		wait_and_take(lock, caller);
}

static void give_back(struct spin_lock *lock, uintptr_t caller)
{
	if (UNLIKELY(!spin_is_held(lock))) {
		unsigned owner = atomic_load(&lock->owner_cpu);

		if (breaking())
			return;
		panic("lock \"%s\" released at %#lx by cpu %u, but %s%d took it at %#lx",
		      class_name(lock), (unsigned long)caller, cpu_current(),
		      owner ? "cpu " : "nobody holds it: last ", (int)owner - 1,
		      (unsigned long)atomic_load(&lock->owner_caller));
	}
	lock_order_pop(lock);
	atomic_store_explicit(&lock->owner_cpu, 0, memory_order_release);
}

/* A dying CPU takes what is free and passes through what is not. */
static void lock_from(struct spin_lock *lock, uintptr_t caller)
{
	if (breaking())
		(void)try_take(lock, caller);
	else
		take(lock, caller);
}

NO_LOCK_ANALYSIS void spin_lock(struct spin_lock *lock)
{
	preempt_disable();
	lock_from(lock, CALLER);
}

NO_LOCK_ANALYSIS bool spin_trylock(struct spin_lock *lock)
{
	preempt_disable();
	if (try_take(lock, CALLER))
		return true;
	preempt_enable();
	return false;
}

NO_LOCK_ANALYSIS void spin_unlock(struct spin_lock *lock)
{
	give_back(lock, CALLER);
	preempt_enable();
}

NO_LOCK_ANALYSIS struct irq_state spin_lock_irqsave(struct spin_lock *lock)
{
	struct irq_state state = irq_save();

	preempt_disable();
	lock_from(lock, CALLER);
	return state;
}

/* The mask opens before preemption does: a switch asked for under the lock happens at once. */
NO_LOCK_ANALYSIS void spin_unlock_irqrestore(struct spin_lock *lock, struct irq_state state)
{
	give_back(lock, CALLER);
	irq_restore(state);
	preempt_enable();
}

void locks_break_for_panic(void)
{
	atomic_store(&breaking_cpu, cpu_current() + 1);
}

void locks_release_all(void)
{
	for (struct spin_lock *lock = lock_order_top(); lock; lock = lock_order_top())
		give_back(lock, CALLER);
}
