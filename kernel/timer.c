// SPDX-License-Identifier: MIT
/*
 * Timers in a pairing heap per CPU: insertion in constant time, removal of any member and of
 * the first in logarithmic time over many, no memory of its own. Lock order: the lock of a
 * CPU's timers is a leaf; functions run without it.
 */
#include <kernel/timer.h>
#include <kernel/assert.h>
#include <kernel/hook.h>
#include <kernel/percpu.h>
#include <platform/clock.h>
#include <stddef.h>

static struct lock_class timer_class = {.name = "timers"};

struct timer_base {
	struct spin_lock lock;
	struct timer *root;              /* lock */
	_Atomic(struct timer *) running; /* its function runs on this CPU; written under lock */
	uint64_t armed_ns;               /* lock; what the hardware is set to */
};

static PER_CPU(struct timer_base, timer_bases);

/* Either heap may be NULL. The root with the earlier deadline takes the other as first child.
 */
static struct timer *heap_meld(struct timer *a, struct timer *b)
{
	if (!a || !b)
		return a ? a : b;
	if (b->deadline_ns < a->deadline_ns) {
		struct timer *swap = a;

		a = b;
		b = swap;
	}
	b->sibling = a->child;
	b->previous = a;
	if (a->child)
		a->child->previous = b;
	a->child = b;
	return a;
}

/* Combine a list of siblings into one heap: pairs from the left, then from the right. */
static struct timer *heap_combine(struct timer *list)
{
	struct timer *pairs = NULL;
	struct timer *root = NULL;

	while (list) {
		struct timer *first = list;
		struct timer *second = first->sibling;

		list = second ? second->sibling : NULL;
		first->sibling = NULL;
		if (second)
			second->sibling = NULL;
		first = heap_meld(first, second);
		first->sibling = pairs;
		pairs = first;
	}
	while (pairs) {
		struct timer *next = pairs->sibling;

		pairs->sibling = NULL;
		root = heap_meld(root, pairs);
		pairs = next;
	}
	if (root)
		root->previous = NULL;
	return root;
}

static void heap_remove(struct timer_base *base, struct timer *timer)
{
	struct timer *below = heap_combine(timer->child);

	timer->child = NULL;
	if (timer == base->root) {
		base->root = below;
	} else {
		if (timer->previous->child == timer)
			timer->previous->child = timer->sibling;
		else
			timer->previous->sibling = timer->sibling;
		if (timer->sibling)
			timer->sibling->previous = timer->previous;
		base->root = heap_meld(base->root, below);
	}
	timer->sibling = NULL;
	timer->previous = NULL;
	timer->queued = false;
}

void timer_init(struct timer *timer, timer_function *function)
{
	*timer = (struct timer){.function = function};
}

void timers_init_cpu(void)
{
	struct timer_base *base = this_cpu(timer_bases);

	spin_lock_init(&base->lock, &timer_class);
	base->armed_ns = CLOCK_NEVER;
}

/* The base a timer was last started on, locked; NULL when it never was. A timer changes its
 * base only under the lock of the old one. */
NO_LOCK_ANALYSIS static struct timer_base *base_lock(struct timer *timer,
						     struct irq_state *state)
{
	for (;;) {
		unsigned cpu = atomic_load_explicit(&timer->cpu, memory_order_acquire);

		if (cpu == 0)
			return NULL;
		struct timer_base *base = on_cpu(timer_bases, cpu - 1);
		*state = spin_lock_irqsave(&base->lock);
		if (atomic_load_explicit(&timer->cpu, memory_order_relaxed) == cpu)
			return base;
		spin_unlock_irqrestore(&base->lock, *state);
	}
}

static void base_arm(struct timer_base *base)
{
	uint64_t first = base->root ? base->root->deadline_ns : CLOCK_NEVER;

	if (first == base->armed_ns)
		return;
	base->armed_ns = first;
	clock_set_timer(first);
}

static void queue_on(struct timer_base *base, struct timer *timer, uint64_t deadline_ns)
{
	timer->deadline_ns = deadline_ns;
	timer->queued = true;
	base->root = heap_meld(base->root, timer);
}

/*
 * Leave the old CPU's heap. True when it was queued there again, because its function runs
 * there right now: it stays, so that timer_cancel_sync() needs to look at one CPU only, and
 * that CPU arms its hardware when the function returns.
 */
NO_LOCK_ANALYSIS static bool leave_base(struct timer *timer, uint64_t deadline_ns)
{
	struct irq_state state;
	struct timer_base *old;
	unsigned never = 0;
	bool stays;

	if (atomic_compare_exchange_strong(&timer->cpu, &never, cpu_current() + 1))
		return false;
	old = base_lock(timer, &state);
	if (timer->queued)
		heap_remove(old, timer);
	stays = atomic_load_explicit(&old->running, memory_order_relaxed) == timer;
	if (stays)
		queue_on(old, timer, deadline_ns);
	else
		atomic_store_explicit(&timer->cpu, cpu_current() + 1, memory_order_release);
	spin_unlock_irqrestore(&old->lock, state);
	return stays;
}

/* False when somebody else started it since it left its base: it is another CPU's, or queued.
 */
static bool queue_here(struct timer *timer, uint64_t deadline_ns)
{
	struct timer_base *base = this_cpu(timer_bases);
	struct irq_state state = spin_lock_irqsave(&base->lock);
	bool mine =
		atomic_load_explicit(&timer->cpu, memory_order_relaxed) == cpu_current() + 1 &&
		!timer->queued;

	if (mine) {
		queue_on(base, timer, deadline_ns);
		if (base->root->deadline_ns < base->armed_ns)
			base_arm(base);
	}
	spin_unlock_irqrestore(&base->lock, state);
	return mine;
}

void timer_start(struct timer *timer, uint64_t deadline_ns)
{
	struct irq_state state = irq_save();
	bool queued = false;

	while (!queued) {
		queued = leave_base(timer, deadline_ns);
		HOOK(timer_start);
		queued = queued || queue_here(timer, deadline_ns);
	}
	irq_restore(state);
}

/* The hardware stays armed: an interrupt too many is cheaper than a write each time; timers_run
 * arms it for what is left. */
NO_LOCK_ANALYSIS bool timer_cancel(struct timer *timer)
{
	struct irq_state state;
	struct timer_base *base = base_lock(timer, &state);
	bool was_queued;

	if (!base)
		return false;
	was_queued = timer->queued;
	if (was_queued)
		heap_remove(base, timer);
	spin_unlock_irqrestore(&base->lock, state);
	return was_queued;
}

NO_LOCK_ANALYSIS bool timer_cancel_sync(struct timer *timer)
{
	struct irq_state state;
	bool was_queued = false;

	for (;;) {
		struct timer_base *base = base_lock(timer, &state);

		if (!base)
			return false;
		bool running =
			atomic_load_explicit(&base->running, memory_order_relaxed) == timer;
		if (timer->queued) {
			heap_remove(base, timer);
			was_queued = true;
		}
		spin_unlock_irqrestore(&base->lock, state);
		if (!running)
			return was_queued;
		while (atomic_load_explicit(&base->running, memory_order_acquire) == timer)
			cpu_relax();
	}
}

NO_LOCK_ANALYSIS bool timer_pending(const struct timer *timer)
{
	struct irq_state state;
	struct timer *mutable = (struct timer *)timer;
	struct timer_base *base = base_lock(mutable, &state);
	bool queued = base && timer->queued;

	if (base)
		spin_unlock_irqrestore(&base->lock, state);
	return queued;
}

void timers_run(void)
{
	struct timer_base *base = this_cpu(timer_bases);
	struct irq_state state = spin_lock_irqsave(&base->lock);

	base->armed_ns = CLOCK_NEVER;
	while (base->root && base->root->deadline_ns <= clock_ns()) {
		struct timer *timer = base->root;
		timer_function *function = timer->function;

		heap_remove(base, timer);
		atomic_store_explicit(&base->running, timer, memory_order_relaxed);
		spin_unlock_irqrestore(&base->lock, state);
		function(timer);
		state = spin_lock_irqsave(&base->lock);
		atomic_store_explicit(&base->running, NULL, memory_order_release);
	}
	if (base->root)
		base_arm(base);
	spin_unlock_irqrestore(&base->lock, state);
}

uint64_t timers_next(void)
{
	struct timer_base *base = this_cpu(timer_bases);
	struct irq_state state = spin_lock_irqsave(&base->lock);
	uint64_t next = base->root ? base->root->deadline_ns : CLOCK_NEVER;

	spin_unlock_irqrestore(&base->lock, state);
	return next;
}
