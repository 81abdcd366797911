// SPDX-License-Identifier: MIT
/*
 * A hook leaves the list before it runs, so that each runs once whoever ends the machine, and
 * registering another one meanwhile is harmless. Who comes second finds the list empty, but
 * only when the last hook is through: else the machine would end under it.
 */
#include <kernel/shutdown.h>
#include <errno.h>
#include <kernel/log.h>
#include <kernel/thread.h>
#include <platform/clock.h>
#include <platform/exit.h>

static struct lock_class shutdown_class = {.name = "shutdown"};

struct shutdown_list shutdown_hooks = {
	.runs = MUTEX_INIT(shutdown_hooks.runs),
	.lock = SPIN_LOCK_INIT(&shutdown_class),
	.hooks = LIST_INIT(shutdown_hooks.hooks),
};

void shutdown_list_init(struct shutdown_list *list)
{
	mutex_init(&list->runs);
	spin_lock_init(&list->lock, &shutdown_class);
	list_init(&list->hooks);
}

void shutdown_hook_register(struct shutdown_list *list, struct shutdown_hook *hook)
{
	struct irq_state irq = spin_lock_irqsave(&list->lock);
	struct list_head *at = list->hooks.next;

	while (at != &list->hooks &&
	       list_entry(at, struct shutdown_hook, link)->stage < hook->stage)
		at = at->next;
	list_insert_between(&hook->link, at->prev, at);
	hook->running = false;
	spin_unlock_irqrestore(&list->lock, irq);
}

/* The next one, off the list; NULL: none is left. */
static struct shutdown_hook *take(struct shutdown_list *list)
{
	struct irq_state irq = spin_lock_irqsave(&list->lock);
	struct shutdown_hook *hook = NULL;

	if (!list_is_empty(&list->hooks)) {
		hook = list_first(&list->hooks, struct shutdown_hook, link);
		list_del(&hook->link);
		hook->running = true;
		completion_init(&hook->ended);
		completion_init(&hook->left);
	}
	spin_unlock_irqrestore(&list->lock, irq);
	return hook;
}

void shutdown_hook_unregister(struct shutdown_list *list, struct shutdown_hook *hook)
{
	struct irq_state irq = spin_lock_irqsave(&list->lock);
	bool running = hook->running;

	if (!running)
		list_del(&hook->link);
	spin_unlock_irqrestore(&list->lock, irq);
	if (!running)
		return;
	completion_wait(&hook->ended);
	completion_wait(&hook->left);
}

static int run_one(void *arg)
{
	struct shutdown_hook *hook = arg;

	hook->result = hook->run(hook);
	completion_signal_all(&hook->ended);
	return 0;
}

/* A thread, so that it can be left behind. Where there is no memory for one the hook runs here,
 * and then nobody limits it. */
static int run_bounded(struct shutdown_hook *hook, uint64_t patience_ns)
{
	const struct thread_attributes attributes = {
		.name = "shutdown", .cpu = THREAD_ANY_CPU, .priority = THREAD_NORMAL};
	struct thread *thread = thread_create(&attributes, run_one, hook);
	int error;

	if (!thread) {
		(void)run_one(hook);
		return hook->result;
	}
	error = completion_wait_timeout(&hook->ended, patience_ns);
	if (error) {
		thread_detach(thread);
		return error;
	}
	(void)thread_join(thread);
	return hook->result;
}

/* False, with a message, when it failed or did not return. It is its owner's again afterwards,
 * unless its thread was left behind. */
static bool run_taken(struct shutdown_hook *hook, uint64_t patience_ns)
{
	int error = run_bounded(hook, patience_ns);

	if (error == -ETIMEDOUT)
		log_error("shutdown: %s has not ended after %u ms: going on without it",
			  hook->name, (unsigned)(patience_ns / NSEC_PER_MSEC));
	else if (error)
		log_error("shutdown: %s failed (error %d): going on", hook->name, error);
	completion_signal_all(&hook->left);
	return !error;
}

unsigned shutdown_list_run(struct shutdown_list *list, uint64_t patience_ns)
{
	struct shutdown_hook *hook;
	unsigned failed = 0;

	mutex_lock(&list->runs);
	while ((hook = take(list)) != NULL)
		failed += !run_taken(hook, patience_ns);
	mutex_unlock(&list->runs);
	return failed;
}

void shutdown_exit(bool success)
{
	(void)shutdown_list_run(&shutdown_hooks, SHUTDOWN_PATIENCE_NS);
	platform_exit(success);
}

void shutdown_power_off(void)
{
	(void)shutdown_list_run(&shutdown_hooks, SHUTDOWN_PATIENCE_NS);
	platform_power_off();
}

void shutdown_reboot(void)
{
	(void)shutdown_list_run(&shutdown_hooks, SHUTDOWN_PATIENCE_NS);
	platform_reboot();
}
