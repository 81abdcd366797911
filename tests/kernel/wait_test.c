// SPDX-License-Identifier: MIT
/*
 * Completion, mutex, semaphore and mailbox: nothing lost, nothing doubled, time-outs on time
 * and never early, and the races between a wake-up and a time-out.
 */
#include <kernel/completion.h>
#include <kernel/hook.h>
#include <kernel/mailbox.h>
#include <kernel/mutex.h>
#include <kernel/scheduler.h>
#include <errno.h>
#include <platform/clock.h>
#include <platform/cpu.h>
#include <tests/kernel/threads.h>

TEST(wait, completion_keeps_an_early_signal)
{
	struct completion done = COMPLETION_INIT(done);

	completion_signal(&done);
	CHECK_EQ(completion_wait_timeout(&done, 0), 0);
	CHECK_EQ(completion_wait_timeout(&done, 0), -ETIMEDOUT);
}

static int wait_for(void *arg)
{
	completion_wait(arg);
	return 1;
}

TEST(wait, signal_all_opens_for_everybody_for_ever)
{
	static struct completion done; /* threads wait for it when another cannot start */
	struct thread *threads[4];

	completion_init(&done);
	for (unsigned i = 0; i < 4; i++)
		threads[i] = test_thread(wait_for, &done, THREAD_ANY_CPU);
	completion_signal_all(&done);
	for (unsigned i = 0; i < 4; i++)
		CHECK_EQ(thread_join(threads[i]), 1);
	CHECK_EQ(completion_wait_timeout(&done, 0), 0);
	completion_reset(&done);
	CHECK_EQ(completion_wait_timeout(&done, 0), -ETIMEDOUT);
}

TEST(wait, timeout_is_never_early)
{
	struct completion done = COMPLETION_INIT(done);
	uint64_t before = clock_ns();

	CHECK_EQ(completion_wait_timeout(&done, 2 * NSEC_PER_MSEC), -ETIMEDOUT);
	CHECK(clock_ns() - before >= 2 * NSEC_PER_MSEC);
}

TEST(wait, deadline_saturates)
{
	CHECK_EQ(wait_deadline(WAIT_FOREVER), CLOCK_NEVER);
	CHECK_EQ(wait_deadline(WAIT_FOREVER - 1), CLOCK_NEVER);
	CHECK(wait_deadline(5) < CLOCK_NEVER);
}

#define MUTEX_ROUNDS 500

struct guarded {
	struct mutex mutex;
	uint64_t value;  /* mutex */
	unsigned inside; /* mutex */
};

static int guarded_count(void *arg)
{
	struct guarded *guarded = arg;
	int wrong = 0;

	for (unsigned i = 0; i < MUTEX_ROUNDS; i++) {
		mutex_lock(&guarded->mutex);
		wrong += guarded->inside++ != 0;
		guarded->value++;
		if (i % 50 == 0)
			thread_yield();
		guarded->inside--;
		mutex_unlock(&guarded->mutex);
	}
	return wrong;
}

TEST(wait, mutex_excludes)
{
	struct guarded guarded = {.mutex = MUTEX_INIT(guarded.mutex)};

	CHECK_EQ(test_threads_run(6, guarded_count, &guarded), 0);
	CHECK_EQ(guarded.value, 6 * MUTEX_ROUNDS);
	CHECK(!mutex_is_held(&guarded.mutex));
}

static int lock_with_timeout(void *arg)
{
	int error = mutex_lock_timeout(arg, NSEC_PER_MSEC);

	if (error == 0)
		mutex_unlock(arg);
	return error;
}

static int try_mutex(void *arg)
{
	if (!mutex_trylock(arg))
		return 0;
	mutex_unlock(arg);
	return 1;
}

TEST(wait, mutex_timeout_and_trylock_see_the_owner)
{
	struct mutex mutex = MUTEX_INIT(mutex);

	mutex_lock(&mutex);
	CHECK(mutex_is_held(&mutex));
	CHECK_EQ(thread_join(test_thread(lock_with_timeout, &mutex, THREAD_ANY_CPU)),
		 -ETIMEDOUT);
	CHECK_EQ(thread_join(test_thread(try_mutex, &mutex, THREAD_ANY_CPU)), 0);
	mutex_unlock(&mutex);
	CHECK_EQ(thread_join(test_thread(lock_with_timeout, &mutex, THREAD_ANY_CPU)), 0);
	CHECK_EQ(thread_join(test_thread(try_mutex, &mutex, THREAD_ANY_CPU)), 1);
}

/* What the analysis of the compiler would refuse. */
NO_LOCK_ANALYSIS static void mutex_take_for_good(struct mutex *mutex)
{
	mutex_lock(mutex);
}

NO_LOCK_ANALYSIS static void mutex_give_back_untaken(struct mutex *mutex)
{
	mutex_unlock(mutex);
}

TEST_PANICS(wait, mutex_recursion_is_reported, "taken again by its owner")
{
	static struct mutex mutex = MUTEX_INIT(mutex);

	mutex_take_for_good(&mutex);
	mutex_take_for_good(&mutex);
}

TEST_PANICS(wait, mutex_release_by_a_stranger_is_reported, "owner is \"nobody\"")
{
	static struct mutex mutex = MUTEX_INIT(mutex);

	mutex_give_back_untaken(&mutex);
}

#define UNITS  3
#define ROUNDS 300

struct pool {
	struct semaphore units;
	_Atomic int out;
	_Atomic int worst;
};

static int borrow(void *arg)
{
	struct pool *pool = arg;

	for (unsigned i = 0; i < ROUNDS; i++) {
		semaphore_down(&pool->units);
		int out = atomic_fetch_add(&pool->out, 1) + 1;
		int worst = atomic_load(&pool->worst);
		while (out > worst && !atomic_compare_exchange_weak(&pool->worst, &worst, out))
			;
		if (i % 10 == 0)
			thread_yield();
		atomic_fetch_sub(&pool->out, 1);
		semaphore_up(&pool->units);
	}
	return 0;
}

TEST(wait, semaphore_never_gives_out_more_than_it_has)
{
	struct pool pool = {.units = SEMAPHORE_INIT(pool.units, UNITS)};

	test_threads_run(8, borrow, &pool);
	CHECK(atomic_load(&pool.worst) <= UNITS);
	CHECK_EQ(atomic_load(&pool.out), 0);
	CHECK_EQ(pool.units.count, UNITS);
	CHECK(semaphore_trydown(&pool.units));
	CHECK(semaphore_trydown(&pool.units));
	CHECK(semaphore_trydown(&pool.units));
	CHECK(!semaphore_trydown(&pool.units));
	CHECK_EQ(semaphore_down_timeout(&pool.units, NSEC_PER_MSEC), -ETIMEDOUT);
}

#define MESSAGES 600

static _Atomic uint64_t received_sum;
static _Atomic enum { HOLD, GO, LEAVE } traffic;

/* Who waits for the others' messages waits for the others first: they may not be had. */
static bool is_needed(void)
{
	while (atomic_load(&traffic) == HOLD)
		thread_yield();
	return atomic_load(&traffic) == GO;
}

static int produce(void *arg)
{
	struct mailbox *mailbox = arg;
	int errors = 0;

	if (!is_needed())
		return 0;
	for (uintptr_t i = 1; i <= MESSAGES; i++)
		errors += mailbox_put(mailbox, (void *)i, WAIT_FOREVER) != 0;
	return errors;
}

static int consume(void *arg)
{
	struct mailbox *mailbox = arg;
	void *message = NULL;
	int errors = 0;

	if (!is_needed())
		return 0;
	for (unsigned i = 0; i < MESSAGES; i++) {
		errors += mailbox_get(mailbox, &message, WAIT_FOREVER) != 0;
		atomic_fetch_add(&received_sum, (uintptr_t)message);
	}
	return errors;
}

TEST(wait, mailbox_loses_and_doubles_nothing)
{
	struct mailbox mailbox;
	struct thread *threads[6];
	unsigned started = 0;
	void *left;

	REQUIRE(mailbox_init(&mailbox, 4) == 0);
	atomic_store(&received_sum, 0);
	atomic_store(&traffic, HOLD);
	while (started < 6 &&
	       (threads[started] = test_thread_try(started % 2 ? produce : consume, &mailbox,
						   THREAD_ANY_CPU)))
		started++;
	atomic_store(&traffic, started == 6 ? GO : LEAVE);
	for (unsigned i = 0; i < started; i++)
		CHECK_EQ(thread_join(threads[i]), 0);
	NEED(started == 6, "no memory for a thread");
	CHECK_EQ(atomic_load(&received_sum), 3u * MESSAGES * (MESSAGES + 1) / 2);
	CHECK(!mailbox_tryget(&mailbox, &left));
	mailbox_destroy(&mailbox);
}

TEST(wait, mailbox_is_bounded_and_first_in_first_out)
{
	struct mailbox mailbox;
	int items[3];
	void *message;

	REQUIRE(mailbox_init(&mailbox, 2) == 0);
	CHECK(mailbox_tryput(&mailbox, &items[0]));
	CHECK(mailbox_tryput(&mailbox, &items[1]));
	CHECK(!mailbox_tryput(&mailbox, &items[2]));
	CHECK_EQ(mailbox_put(&mailbox, &items[2], NSEC_PER_MSEC), -ETIMEDOUT);
	CHECK(mailbox_tryget(&mailbox, &message));
	CHECK(message == &items[0]);
	CHECK_EQ(mailbox_put(&mailbox, &items[2], 0), 0);
	CHECK_EQ(mailbox_get(&mailbox, &message, 0), 0);
	CHECK(message == &items[1]);
	CHECK_EQ(mailbox_get(&mailbox, &message, 0), 0);
	CHECK(message == &items[2]);
	CHECK_EQ(mailbox_get(&mailbox, &message, NSEC_PER_MSEC), -ETIMEDOUT);
	mailbox_destroy(&mailbox);
}

/* Signals and time-outs race for real; every signal must be consumed exactly once. */
#define GIVEN 200u

struct race {
	struct semaphore semaphore;
	_Atomic unsigned taken;
	_Atomic bool over;
};

static int take_with_short_timeouts(void *arg)
{
	struct race *race = arg;

	while (!atomic_load(&race->over)) {
		if (semaphore_down_timeout(&race->semaphore, 20 * NSEC_PER_USEC) == 0)
			atomic_fetch_add(&race->taken, 1);
	}
	return 0;
}

TEST(wait, wake_up_against_timeout_is_exact)
{
	struct race race = {.semaphore = SEMAPHORE_INIT(race.semaphore, 0)};
	struct thread *takers[3];
	unsigned started = 0;

	while (started < 3 && (takers[started] = test_thread_try(take_with_short_timeouts,
								 &race, THREAD_ANY_CPU)))
		started++;
	for (unsigned given = 1; started && given <= GIVEN; given++) {
		semaphore_up(&race.semaphore);
		while (given % 8 == 0 && atomic_load(&race.taken) < given)
			thread_yield();
	}
	while (started && atomic_load(&race.taken) < GIVEN)
		thread_yield();
	atomic_store(&race.over, true);
	for (unsigned i = 0; i < started; i++)
		thread_join(takers[i]);
	NEED(started == 3, "no memory for a thread");
	CHECK_EQ(atomic_load(&race.taken), GIVEN);
	CHECK_EQ(race.semaphore.count, 0);
}

#ifdef QUIRE_TEST_HOOKS
static void signal_now(struct hook *hook)
{
	completion_signal(hook->arg);
}

TEST(wait, signal_between_unlock_and_sleep_is_not_lost)
{
	struct completion done = COMPLETION_INIT(done);
	struct hook hook = {.name = "wait_queue_sleep",
			    .function = signal_now,
			    .arg = &done,
			    .only = thread_current()};

	hook_attach(&hook);
	completion_wait(&done);
	hook_detach(&hook);
	CHECK_EQ(completion_wait_timeout(&done, 0), -ETIMEDOUT);
}

struct late_waiter {
	_Atomic bool go;
	struct completion done;
};

static int wait_when_told(void *arg)
{
	struct late_waiter *late = arg;

	while (!atomic_load(&late->go))
		cpu_relax();
	completion_wait(&late->done);
	return 1;
}

TEST(wait, thread_held_between_unlock_and_sleep_is_woken)
{
	struct late_waiter late = {.done = COMPLETION_INIT(late.done)};
	struct thread *waiter = test_thread(wait_when_told, &late, THREAD_ANY_CPU);
	struct hook_gate gate;

	hook_gate_attach(&gate, "wait_queue_sleep", waiter);
	atomic_store(&late.go, true);
	hook_gate_wait(&gate);
	completion_signal(&late.done);
	hook_gate_detach(&gate);
	CHECK_EQ(thread_join(waiter), 1);
}
#endif
