// SPDX-License-Identifier: MIT
/*
 * Spin lock: one word that names the owner CPU, and the owner's caller; debug builds check the
 * order of classes (kernel/lock_order.h). Whoever runs takes it, not whoever waits longest: in
 * a virtual machine the one whose turn it is may be a CPU that the host does not run. A lock
 * that interrupt handlers take is only ever taken with the _irqsave form; preemption is off
 * while any spin lock is held. All-zero memory is a free lock without a class, which the order
 * check leaves alone.
 */
#ifndef KERNEL_LOCK_H
#define KERNEL_LOCK_H

#include <kernel/attributes.h>
#include <platform/irq.h>
#include <stdatomic.h>

/* One per kind of lock, static; gives the name in messages and the order in debug builds. */
struct lock_class {
	const char *name;
	_Atomic unsigned id;    /* assigned at first use, 0 before */
	_Atomic unsigned usage; /* debug builds: in interrupts, with interrupts on */
};

struct LOCK_CAPABILITY spin_lock {
	_Atomic uint32_t owner_cpu; /* + 1; 0 when free */
	_Atomic uintptr_t owner_caller;
	struct lock_class *class;
};

#define SPIN_LOCK_INIT(lock_class)    \
	{                             \
		.class = (lock_class) \
	}

void spin_lock_init(struct spin_lock *lock, struct lock_class *class);

/* Panics when this CPU holds the lock already; names owner and callers. */
void spin_lock(struct spin_lock *lock) ACQUIRE(lock);
bool spin_trylock(struct spin_lock *lock) TRY_ACQUIRE(true, lock) MUST_CHECK;
/* Panics when this CPU is not the owner. */
void spin_unlock(struct spin_lock *lock) RELEASE(lock);

/* Interrupts off first; restore gives back the saved mask. */
struct irq_state spin_lock_irqsave(struct spin_lock *lock) ACQUIRE(lock) MUST_CHECK;
void spin_unlock_irqrestore(struct spin_lock *lock, struct irq_state state) RELEASE(lock);

/* True if this CPU holds it; for assertions. */
bool spin_is_held(const struct spin_lock *lock);

/* A panic or another dying path ignores locks from now on, on this CPU. */
void locks_break_for_panic(void);

/* Release what this CPU still holds after a test was cut short by an expected panic (debug
 * builds only; they know what is held). */
void locks_release_all(void);

#endif
