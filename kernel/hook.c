// SPDX-License-Identifier: MIT
/*
 * Hook points of test builds. The list of attached hooks is short and changes rarely; a point
 * with nothing attached costs one load.
 */
#include <kernel/hook.h>

#ifdef QUIRE_TEST_HOOKS
#include <kernel/interrupt.h>
#include <kernel/thread.h>
#include <platform/cpu.h>
#include <platform/irq.h>
#include <stdatomic.h>
#include <string.h>

/* Not a spin lock of ours: those have hook points below them. */
static atomic_flag list_busy = ATOMIC_FLAG_INIT;
static struct list_head hooks = LIST_INIT(hooks); /* list_busy */
static _Atomic unsigned nr_hooks;
static _Atomic unsigned nr_inside;

static struct irq_state list_enter(void)
{
	struct irq_state irq = irq_save();

	while (atomic_flag_test_and_set_explicit(&list_busy, memory_order_acquire))
		;
	return irq;
}

static void list_leave(struct irq_state irq)
{
	atomic_flag_clear_explicit(&list_busy, memory_order_release);
	irq_restore(irq);
}

void hook_attach(struct hook *hook)
{
	struct irq_state irq = list_enter();

	list_add_tail(&hooks, &hook->link);
	atomic_fetch_add(&nr_hooks, 1);
	list_leave(irq);
}

void hook_detach(struct hook *hook)
{
	struct irq_state irq = list_enter();

	list_del(&hook->link);
	atomic_fetch_sub(&nr_hooks, 1);
	list_leave(irq);
	while (atomic_load(&nr_inside) != 0)
		cpu_relax();
}

/* An interrupt on top of a thread is not the thread. */
static bool is_meant(const struct hook *hook)
{
	return !hook->only || (hook->only == thread_current() && !in_interrupt());
}

static struct hook *find(const char *name)
{
	struct hook *hook;

	list_for_each_entry (hook, &hooks, link) {
		if (strcmp(hook->name, name) == 0 && is_meant(hook))
			return hook;
	}
	return NULL;
}

void hook_run(const char *name)
{
	struct irq_state irq;
	struct hook *hook;

	if (atomic_load_explicit(&nr_hooks, memory_order_relaxed) == 0)
		return;
	irq = list_enter();
	hook = find(name);
	if (hook)
		atomic_fetch_add(&nr_inside, 1);
	list_leave(irq);
	if (!hook)
		return;
	hook->function(hook);
	atomic_fetch_sub(&nr_inside, 1);
}

static void gate_function(struct hook *hook)
{
	struct hook_gate *gate = container_of(hook, struct hook_gate, hook);

	atomic_fetch_add(&gate->arrived, 1);
	while (!atomic_load(&gate->open))
		cpu_relax();
}

void hook_gate_attach(struct hook_gate *gate, const char *name, struct thread *only)
{
	*gate = (struct hook_gate){
		.hook = {.name = name, .function = gate_function, .only = only}};
	hook_attach(&gate->hook);
}

void hook_gate_wait(struct hook_gate *gate)
{
	while (atomic_load(&gate->arrived) == 0)
		cpu_relax();
}

void hook_gate_open(struct hook_gate *gate)
{
	atomic_store(&gate->open, true);
}

void hook_gate_detach(struct hook_gate *gate)
{
	hook_gate_open(gate);
	hook_detach(&gate->hook);
}
#endif
