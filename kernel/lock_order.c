// SPDX-License-Identifier: MIT
/*
 * Lock order by class. `reach[a]` holds every class ever taken, directly or through others,
 * while a was held; taking b under a is wrong when a is already reachable from b. New edges are
 * rare and recorded under one raw flag; the usual case is a bit test.
 */
#include <kernel/lock_order.h>
#include <kernel/assert.h>
#include <kernel/interrupt.h>
#include <kernel/log.h>
#include <kernel/percpu.h>

#ifdef QUIRE_TEST_HOOKS

#define CLASSES_MAX 64
#define HELD_MAX    16

#define USED_IN_INTERRUPT   1u
#define USED_INTERRUPTS_ON  2u
#define USED_INTERRUPTS_OFF 4u

struct held_lock {
	struct spin_lock *lock;
	uintptr_t caller;
};

struct held_locks {
	unsigned depth;
	struct held_lock stack[HELD_MAX];
};

static PER_CPU(struct held_locks, held_locks);

static _Atomic uint64_t reach[CLASSES_MAX];
static struct lock_class *classes[CLASSES_MAX];
static uintptr_t edge_caller[CLASSES_MAX][CLASSES_MAX];
static atomic_flag graph_busy = ATOMIC_FLAG_INIT;
static unsigned nr_classes; /* under graph_busy; ids start at 1 */

static void graph_enter(void)
{
	while (atomic_flag_test_and_set_explicit(&graph_busy, memory_order_acquire))
		cpu_relax();
}

static void graph_leave(void)
{
	atomic_flag_clear_explicit(&graph_busy, memory_order_release);
}

/* 0 when there are more classes than the graph holds: those go unchecked. */
static unsigned class_id(struct lock_class *class)
{
	unsigned id = atomic_load_explicit(&class->id, memory_order_acquire);

	if (LIKELY(id != 0))
		return id < CLASSES_MAX ? id : 0;
	struct irq_state state = irq_save();
	graph_enter();
	id = atomic_load(&class->id);
	if (id == 0) {
		id = nr_classes + 1 < CLASSES_MAX ? ++nr_classes : CLASSES_MAX;
		if (id < CLASSES_MAX)
			classes[id] = class;
		atomic_store_explicit(&class->id, id, memory_order_release);
	}
	graph_leave();
	irq_restore(state);
	return id < CLASSES_MAX ? id : 0;
}

static bool reaches(unsigned from, unsigned to)
{
	return (atomic_load_explicit(&reach[from], memory_order_acquire) >> to & 1) != 0;
}

/* Keep `reach` transitively closed: whoever reaches `from` now also reaches `to` and beyond. */
static void edge_add(unsigned from, unsigned to, uintptr_t caller)
{
	struct irq_state state = irq_save();

	graph_enter();
	edge_caller[from][to] = caller;
	uint64_t gained = atomic_load(&reach[to]) | UINT64_C(1) << to;
	for (unsigned id = 1; id <= nr_classes; id++) {
		if (id == from || reaches(id, from))
			atomic_fetch_or_explicit(&reach[id], gained, memory_order_release);
	}
	graph_leave();
	irq_restore(state);
}

static NORETURN COLD void order_violated(const struct held_lock *first, unsigned first_id,
					 const struct spin_lock *second, unsigned second_id,
					 uintptr_t caller)
{
	panic("lock order: \"%s\" taken at %#lx while holding \"%s\" taken at %#lx; "
	      "the other way round was seen at %#lx%s",
	      second->class->name, (unsigned long)caller, first->lock->class->name,
	      (unsigned long)first->caller, (unsigned long)edge_caller[second_id][first_id],
	      edge_caller[second_id][first_id] ? "" : " (through other locks)");
}

static void check_against(const struct held_lock *held, const struct spin_lock *lock,
			  unsigned id, uintptr_t caller)
{
	unsigned held_id = held->lock->class ? class_id(held->lock->class) : 0;

	if (held_id == 0)
		return;
	if (held_id == id || reaches(id, held_id))
		order_violated(held, held_id, lock, id, caller);
	if (!reaches(held_id, id))
		edge_add(held_id, id, caller);
}

static void check_usage(struct lock_class *class, uintptr_t caller)
{
	unsigned use = irq_enabled() ? USED_INTERRUPTS_ON : USED_INTERRUPTS_OFF;
	unsigned before;

	if (in_interrupt())
		use |= USED_IN_INTERRUPT;
	before = atomic_load_explicit(&class->usage, memory_order_relaxed);
	if ((before & use) == use)
		return;
	before = atomic_fetch_or(&class->usage, use) | use;
	if ((before & USED_IN_INTERRUPT) && (before & USED_INTERRUPTS_ON))
		panic("lock \"%s\" (now at %#lx) is taken by interrupt handlers and also with "
		      "interrupts on: use spin_lock_irqsave everywhere",
		      class->name, (unsigned long)caller);
}

void lock_order_check(const struct spin_lock *lock, uintptr_t caller)
{
	struct held_locks *held = this_cpu(held_locks);

	if (!lock->class)
		return;
	check_usage(lock->class, caller);
	unsigned id = class_id(lock->class);
	if (id == 0)
		return;
	for (unsigned i = 0; i < held->depth; i++)
		check_against(&held->stack[i], lock, id, caller);
}

void lock_order_push(struct spin_lock *lock, uintptr_t caller)
{
	struct irq_state state = irq_save();
	struct held_locks *held = this_cpu(held_locks);

	ASSERT(held->depth < HELD_MAX);
	held->stack[held->depth++] = (struct held_lock){lock, caller};
	irq_restore(state);
}

void lock_order_pop(const struct spin_lock *lock)
{
	struct irq_state state = irq_save();
	struct held_locks *held = this_cpu(held_locks);
	unsigned at = held->depth;

	while (at > 0 && held->stack[at - 1].lock != lock)
		at--;
	ASSERT(at > 0);
	for (; at < held->depth; at++)
		held->stack[at - 1] = held->stack[at];
	held->depth--;
	irq_restore(state);
}

struct spin_lock *lock_order_top(void)
{
	struct held_locks *held = this_cpu(held_locks);

	return held->depth ? held->stack[held->depth - 1].lock : NULL;
}

void lock_order_check_wait(uintptr_t caller)
{
	struct held_locks *held = this_cpu(held_locks);

	for (unsigned i = 0; i < held->depth; i++) {
		struct lock_class *class = held->stack[i].lock->class;

		if (class && (atomic_load(&class->usage) & USED_INTERRUPTS_OFF))
			panic("waiting for another cpu at %#lx while holding \"%s\" taken at "
			      "%#lx, "
			      "which others take with interrupts off",
			      (unsigned long)caller, class->name,
			      (unsigned long)held->stack[i].caller);
	}
}

#endif
