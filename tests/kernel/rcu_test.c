// SPDX-License-Identifier: MIT
/*
 * RCU: a reader holds a grace period up, an idle CPU does not, callbacks all run, and an object
 * is never seen after it was freed.
 */
#include <kernel/rcu.h>
#include <kernel/completion.h>
#include <kernel/hook.h>
#include <kernel/kmem.h>
#include <kernel/list.h>
#include <kernel/scheduler.h>
#include <platform/clock.h>
#include <platform/cpu.h>
#include <tests/kernel/threads.h>

static _Atomic bool reader_left;

static int synchronize(void *arg)
{
	(void)arg;
	rcu_synchronize();
	return atomic_load(&reader_left);
}

TEST(rcu, reader_holds_up_a_grace_period)
{
	struct thread *waiter;
	uint64_t before;

	atomic_store(&reader_left, false);
	rcu_read_lock();
	rcu_read_lock();
	before = rcu_grace_periods();
	waiter = test_thread(synchronize, NULL, THREAD_ANY_CPU);
	/* Each round, with its interrupts, gives the grace period a chance to end too early. */
	for (unsigned i = 0; i < 2000; i++)
		cpu_relax();
	rcu_read_unlock();
	for (unsigned i = 0; i < 2000; i++)
		cpu_relax();
	CHECK(rcu_grace_periods() <= before + 1); /* one may have been under way */
	atomic_store(&reader_left, true);
	rcu_read_unlock();
	CHECK_EQ(thread_join(waiter), 1);
}

TEST(rcu, idle_cpus_do_not_hold_it_up)
{
	uint64_t before = rcu_grace_periods();

	for (unsigned i = 0; i < 20; i++)
		rcu_synchronize();
	CHECK(rcu_grace_periods() >= before + 20);
}

static _Atomic bool stop;

static int spin(void *arg)
{
	(void)arg;
	while (!atomic_load(&stop))
		cpu_relax();
	return 0;
}

TEST(rcu, spinning_threads_outside_readers_do_not_hold_it_up)
{
	struct thread *threads[TEST_THREADS_MAX];

	atomic_store(&stop, false);
	for (unsigned cpu = 0; cpu < test_busy_cpus(); cpu++)
		threads[cpu] = test_thread(spin, NULL, cpu);
	for (unsigned i = 0; i < 5; i++)
		rcu_synchronize();
	CHECK(!atomic_load(&stop));
	atomic_store(&stop, true);
	for (unsigned cpu = 0; cpu < test_busy_cpus(); cpu++)
		thread_join(threads[cpu]);
}

static _Atomic unsigned callbacks_run;

struct item {
	struct rcu_head head;
	_Atomic unsigned alive;
};

static void free_item(struct rcu_head *head)
{
	struct item *item = container_of(head, struct item, head);

	atomic_store(&item->alive, 0);
	atomic_fetch_add(&callbacks_run, 1);
	kmem_free(item);
}

static struct item *new_item(void)
{
	struct item *item = kmem_alloc(sizeof(*item));

	if (item)
		atomic_store(&item->alive, 1);
	return item;
}

TEST(rcu, barrier_waits_for_every_callback)
{
	atomic_store(&callbacks_run, 0);
	for (unsigned i = 0; i < 100; i++) {
		struct item *item = new_item();

		REQUIRE(item != NULL);
		rcu_call(&item->head, free_item);
	}
	rcu_barrier();
	CHECK_EQ(atomic_load(&callbacks_run), 100);
}

static _Atomic(struct item *) published;

static int read_published(void *arg)
{
	int dead = 0;

	(void)arg;
	while (!atomic_load(&stop)) {
		rcu_read_lock();
		struct item *item = rcu_dereference(published);
		for (unsigned i = 0; i < 20; i++)
			dead += atomic_load(&item->alive) != 1;
		rcu_read_unlock();
		cpu_relax();
	}
	return dead;
}

TEST(rcu, readers_never_see_a_freed_object)
{
	struct thread *readers[3];
	int dead = 0;

	atomic_store(&stop, false);
	atomic_store(&callbacks_run, 0);
	rcu_assign(published, new_item());
	REQUIRE(published != NULL);
	for (unsigned i = 0; i < 3; i++)
		readers[i] = test_thread(read_published, NULL, THREAD_ANY_CPU);
	for (unsigned i = 0; i < 60; i++) {
		struct item *item = new_item();
		struct item *old = rcu_dereference(published);

		REQUIRE(item != NULL);
		rcu_assign(published, item);
		rcu_call(&old->head, free_item);
		if (i % 4 == 0)
			rcu_synchronize();
	}
	atomic_store(&stop, true);
	for (unsigned i = 0; i < 3; i++)
		dead += thread_join(readers[i]);
	rcu_barrier();
	CHECK_EQ(dead, 0);
	CHECK_EQ(atomic_load(&callbacks_run), 60);
	kmem_free(published);
}

#ifdef QUIRE_TEST_HOOKS
#define LIMIT_NS (20 * NSEC_PER_SEC)

/*
 * A callback of CPU 0 that the collection under way has passed, and a barrier on the last CPU
 * whose first wait it still takes along.
 */
static struct {
	struct hook collect; /* of the thread that drives grace periods: CPU by CPU */
	struct hook sleep;   /* of the barrier's thread: each of its waits */
	_Atomic unsigned collected, sleeps;
	struct completion passed, slept[2], returned;
	struct rcu_head first, slow, missed;
	_Atomic bool missed_ran;
} late;

/* Past CPU 0 until the first wait has begun, and before the next round until the second has. */
static void collecting(struct hook *hook)
{
	unsigned at = atomic_fetch_add(&late.collected, 1);

	(void)hook;
	if (at == 1)
		completion_signal(&late.passed);
	if (at == 1 || at == cpu_count())
		(void)!completion_wait_timeout(&late.slept[at != 1], LIMIT_NS);
}

static void sleeping(struct hook *hook)
{
	unsigned before = atomic_fetch_add(&late.sleeps, 1);

	(void)hook;
	if (before < 2)
		completion_signal(&late.slept[before]);
}

static void nothing(struct rcu_head *head)
{
	(void)head;
}

/* Stands between the second wait, which is of a later CPU, and the callback that was missed. */
static void give_time(struct rcu_head *head)
{
	(void)head;
	(void)!completion_wait_timeout(&late.returned, 50 * NSEC_PER_MSEC);
}

static void run_missed(struct rcu_head *head)
{
	(void)head;
	atomic_store(&late.missed_ran, true);
}

static int call_late(void *arg)
{
	(void)arg;
	rcu_call(&late.slow, give_time);
	rcu_call(&late.missed, run_missed);
	return 0;
}

static int wait_for_all(void *arg)
{
	int all;

	(void)arg;
	late.sleep = (struct hook){
		.name = "wait_queue_sleep", .function = sleeping, .only = thread_current()};
	hook_attach(&late.sleep);
	rcu_barrier();
	all = atomic_load(&late.missed_ran);
	hook_detach(&late.sleep);
	completion_signal(&late.returned);
	return all;
}

/* Else a cache of objects is freed before the last of its callbacks has run. */
TEST(rcu, barrier_waits_for_a_callback_that_came_during_a_collection)
{
	struct thread *caller, *waiter;

	late.collect = (struct hook){.name = "rcu_collect", .function = collecting};
	atomic_store(&late.collected,
		     cpu_count() == 1 ? 2 : 0); /* a lone CPU is never passed */
	atomic_store(&late.sleeps, 0);
	atomic_store(&late.missed_ran, false);
	completion_init(&late.passed);
	completion_init(&late.slept[0]);
	completion_init(&late.slept[1]);
	completion_init(&late.returned);
	rcu_barrier();
	hook_attach(&late.collect);
	rcu_call(&late.first, nothing);
	(void)!completion_wait_timeout(&late.passed, cpu_count() == 1 ? 0 : LIMIT_NS);
	caller = test_thread_try(call_late, NULL, 0);
	if (caller)
		thread_join(caller);
	waiter = caller ? test_thread_try(wait_for_all, NULL, cpu_count() - 1) : NULL;
	if (!waiter)
		completion_signal_all(&late.slept[0]);
	if (!waiter)
		completion_signal_all(&late.slept[1]);
	if (waiter)
		CHECK_EQ(thread_join(waiter), 1);
	rcu_barrier();
	hook_detach(&late.collect);
	NEED(waiter, "no memory for a thread");
}
#endif
