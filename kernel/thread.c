// SPDX-License-Identifier: MIT
/*
 * Birth and death of threads. A thread's memory is freed by whoever lets go of it last: the
 * joiner, or, when it was detached, deferred work, as a thread cannot free its own stack.
 */
#include <kernel/thread.h>
#include <kernel/assert.h>
#include <kernel/format.h>
#include <kernel/interrupt.h>
#include <kernel/ipi.h>
#include <kernel/kmem.h>
#include <kernel/library.h>
#include <kernel/percpu.h>
#include <kernel/random.h>
#include <kernel/rcu.h>
#include <kernel/scheduler.h>
#include <kernel/watchdog.h>
#include <kernel/work.h>
#include <platform/clock.h>
#include <platform/irq.h>

static struct lock_class thread_list_class = {.name = "thread list"};
static struct spin_lock list_lock = SPIN_LOCK_INIT(&thread_list_class);
static struct list_head all_threads = LIST_INIT(all_threads);

static struct thread boot_thread;
static PER_CPU(struct thread, idle_threads);

static void reap_all(struct work *work);
static struct work reap_work = WORK_INIT(reap_work, reap_all);
static _Atomic(struct thread *) reap_list;

struct thread *thread_current(void)
{
	return context_thread();
}

const char *thread_name(const struct thread *thread)
{
	return thread->name;
}

static void thread_setup(struct thread *thread, const struct thread_attributes *attributes)
{
	format(thread->name, sizeof(thread->name), "%s", attributes->name);
	thread->pinned_cpu = attributes->cpu;
	thread->priority = attributes->priority;
	thread->flags = attributes->flags;
	atomic_init(&thread->state, THREAD_READY);
	atomic_init(&thread->cpu, cpu_current());
	atomic_init(&thread->references, 2);
	completion_init(&thread->gone);
	list_init(&thread->ready_link);
	struct irq_state state = spin_lock_irqsave(&list_lock);
	list_add_tail(&all_threads, &thread->all_link);
	spin_unlock_irqrestore(&list_lock, state);
}

/* The first frame on every new stack. */
static void thread_start(void *arg)
{
	struct thread *thread = arg;

	scheduler_switch_done();
	irq_enable();
	thread_exit(thread->function(thread->argument));
}

static bool fpu_attach(struct thread *thread)
{
	if (!(thread->flags & THREAD_USES_FPU))
		return true;
	thread->fpu = kmem_alloc(fpu_area_size());
	if (thread->fpu)
		fpu_area_init(thread->fpu);
	return thread->fpu != NULL;
}

static struct thread *thread_new(const struct thread_attributes *attributes,
				 int (*function)(void *), void *arg)
{
	struct thread *thread = kmem_alloc(sizeof(*thread));

	if (!thread)
		return NULL;
	thread->flags = attributes->flags;
	thread->stack = kmem_stack_alloc(KERNEL_STACK_SIZE);
	if (!thread->stack || !fpu_attach(thread) || !library_attach(thread)) {
		if (thread->stack)
			kmem_stack_free(thread->stack, KERNEL_STACK_SIZE);
		kmem_free(thread->fpu);
		kmem_free(thread);
		return NULL;
	}
	thread_setup(thread, attributes);
	thread->function = function;
	thread->argument = arg;
	/* It begins as if it had been switched out: with its queue locked. */
	thread->preempt_count = 1;
	context_init(&thread->context, thread->stack, KERNEL_STACK_SIZE, thread_start, thread);
	return thread;
}

struct thread *thread_create(const struct thread_attributes *attributes,
			     int (*function)(void *), void *arg)
{
	struct thread *thread;

	ASSERT(attributes->cpu == THREAD_ANY_CPU || cpumask_has(&cpus_online, attributes->cpu));
	thread = thread_new(attributes, function, arg);
	if (thread)
		scheduler_start(thread);
	return thread;
}

static void thread_free(struct thread *thread)
{
	struct irq_state state = spin_lock_irqsave(&list_lock);

	list_del(&thread->all_link);
	spin_unlock_irqrestore(&list_lock, state);
	context_destroy(&thread->context);
	kmem_stack_free(thread->stack, KERNEL_STACK_SIZE);
	kmem_free(thread->fpu);
	library_detach(thread);
	kmem_free(thread);
}

static void reap_all(struct work *work)
{
	struct thread *thread = atomic_exchange(&reap_list, NULL);

	(void)work;
	while (thread) {
		struct thread *next = thread->next_reaped;

		thread_free(thread);
		thread = next;
	}
}

static void reap_later(struct thread *thread)
{
	thread->next_reaped = atomic_load(&reap_list);
	while (!atomic_compare_exchange_weak(&reap_list, &thread->next_reaped, thread))
		;
	work_queue(&reap_work);
}

/* In the next thread on that CPU, interrupts off. The joiner waits for the last reference, so
 * nothing of the thread may be touched after it was dropped. */
void thread_gone(struct thread *thread)
{
	completion_signal_all(&thread->gone);
	if (atomic_fetch_sub(&thread->references, 1) == 1)
		reap_later(thread);
}

void thread_exit(int result)
{
	struct thread *self = thread_current();

	library_leave(self);
	self->result = result;
	scheduler_exit();
}

int thread_join(struct thread *thread)
{
	int result;

	completion_wait(&thread->gone);
	while (atomic_load(&thread->references) != 1)
		cpu_relax(); /* thread_gone() is between its two lines */
	result = thread->result;
	thread_free(thread);
	return result;
}

void thread_detach(struct thread *thread)
{
	if (atomic_fetch_sub(&thread->references, 1) == 1)
		thread_free(thread);
}

void threads_for_each(void (*visit)(const struct thread *thread, void *arg), void *arg)
{
	struct irq_state state = spin_lock_irqsave(&list_lock);
	const struct thread *thread;

	list_for_each_entry (thread, &all_threads, all_link)
		visit(thread, arg);
	spin_unlock_irqrestore(&list_lock, state);
}

static int idle_main(void *arg)
{
	(void)arg;
	scheduler_idle();
}

static struct thread_attributes idle_attributes(char *name, size_t size)
{
	format(name, size, "idle/%u", cpu_current());
	return (struct thread_attributes){
		.name = name, .cpu = cpu_current(), .priority = THREAD_IDLE};
}

/* Everything a CPU needs before others may send it work. */
static void cpu_init(struct thread *self, struct thread *idle)
{
	timers_init_cpu();
	ipi_init_cpu();
	rcu_init_cpu();
	works_init_cpu();
	watchdog_init_cpu();
	scheduler_init_cpu(self, idle);
}

void threads_init(void)
{
	const struct thread_attributes first = {
		.name = "main", .cpu = THREAD_ANY_CPU, .priority = THREAD_NORMAL};
	char name[THREAD_NAME_LENGTH];
	struct thread_attributes rest = idle_attributes(name, sizeof(name));
	struct thread *idle = thread_new(&rest, idle_main, NULL);

	if (!idle || !library_attach(&boot_thread))
		panic("threads: no memory for the first stack");
	thread_setup(&boot_thread, &first);
	cpu_init(&boot_thread, idle);
	irq_enable();
	random_init();
	works_start();
	rcu_init();
}

unsigned threads_start_cpus(void)
{
	unsigned running = cpu_start_all(kernel_secondary_entry);

	while ((unsigned)__builtin_popcountll(cpumask_load(&cpus_online)) < running)
		cpu_relax();
	return running;
}

/* A secondary CPU's start-up flow is its idle thread. */
void kernel_secondary_entry(void)
{
	struct thread *idle = this_cpu(idle_threads);
	char name[THREAD_NAME_LENGTH];
	struct thread_attributes attributes = idle_attributes(name, sizeof(name));

	thread_setup(idle, &attributes);
	cpu_init(idle, idle);
	works_start();
	scheduler_idle();
}
