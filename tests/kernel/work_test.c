// SPDX-License-Identifier: MIT
/*
 * Deferred and delayed work.
 */
#include <kernel/work.h>
#include <kernel/completion.h>
#include <kernel/hook.h>
#include <kernel/interrupt.h>
#include <kernel/scheduler.h>
#include <platform/clock.h>
#include <platform/cpu.h>
#include <tests/kernel/threads.h>

struct job {
	struct work work;
	struct completion entered;
	struct completion leave;
	_Atomic unsigned runs;
	_Atomic unsigned inside;
	_Atomic unsigned cpu;
	bool wait;
};

static void job_function(struct work *work)
{
	struct job *job = container_of(work, struct job, work);

	CHECK_EQ(atomic_fetch_add(&job->inside, 1), 0);
	atomic_store(&job->cpu, cpu_current());
	atomic_fetch_add(&job->runs, 1);
	completion_signal(&job->entered);
	if (job->wait)
		completion_wait(&job->leave);
	atomic_fetch_sub(&job->inside, 1);
}

static void job_init(struct job *job, bool wait)
{
	*job = (struct job){.wait = wait};
	work_init(&job->work, job_function);
	completion_init(&job->entered);
	completion_init(&job->leave);
}

TEST(work, runs_on_the_cpu_asked_for)
{
	struct job job;

	for (unsigned cpu = 0; cpu < cpu_count(); cpu++) {
		job_init(&job, false);
		CHECK(work_queue_on(cpu, &job.work));
		work_flush(&job.work);
		CHECK_EQ(atomic_load(&job.runs), 1);
		CHECK_EQ(atomic_load(&job.cpu), cpu);
	}
}

TEST(work, queued_twice_runs_once_and_again_behind_itself)
{
	struct job job;

	job_init(&job, true);
	CHECK(work_queue_on(0, &job.work));
	completion_wait(&job.entered);
	CHECK(work_queue_on(cpu_count() - 1, &job.work));
	CHECK(!work_queue(&job.work));
	completion_signal_all(&job.leave);
	work_flush(&job.work);
	CHECK_EQ(atomic_load(&job.runs), 2);
	CHECK_EQ(atomic_load(&job.cpu), 0);
}

TEST(work, cancel_takes_out_what_waits_and_waits_for_what_runs)
{
	struct job busy;
	struct job waiting;

	job_init(&busy, true);
	job_init(&waiting, false);
	work_queue_on(0, &busy.work);
	completion_wait(&busy.entered);
	work_queue_on(0, &waiting.work);
	CHECK(work_cancel_sync(&waiting.work));
	completion_signal_all(&busy.leave);
	CHECK(!work_cancel_sync(&busy.work));
	CHECK_EQ(atomic_load(&busy.inside), 0);
	CHECK_EQ(atomic_load(&busy.runs), 1);
	CHECK_EQ(atomic_load(&waiting.runs), 0);
}

struct delayed_job {
	struct delayed_work delayed;
	uint64_t ran_ns;
	struct completion ran;
};

static void delayed_function(struct work *work)
{
	struct delayed_job *job = container_of(work, struct delayed_job, delayed.work);

	job->ran_ns = clock_ns();
	completion_signal(&job->ran);
}

TEST(work, delayed_work_comes_after_its_time_or_not_at_all)
{
	struct delayed_job job = {.ran = COMPLETION_INIT(job.ran)};
	uint64_t before = clock_ns();

	delayed_work_init(&job.delayed, delayed_function);
	delayed_work_start(&job.delayed, 2 * NSEC_PER_MSEC);
	completion_wait(&job.ran);
	CHECK(job.ran_ns - before >= 2 * NSEC_PER_MSEC);
	job.ran_ns = 0;
	delayed_work_start(&job.delayed, 3600 * NSEC_PER_SEC);
	delayed_work_cancel_sync(&job.delayed);
	CHECK_EQ(job.ran_ns, 0);
	CHECK(!timer_pending(&job.delayed.timer));
}

#ifdef QUIRE_TEST_HOOKS

static struct {
	struct delayed_work delayed;
	struct completion entered;
	struct completion go_on;
	_Atomic unsigned runs;
	struct hook_gate starting; /* has seen that it is not cancelled */
	struct hook cancelling;
} again;

static void start_again(struct work *work)
{
	(void)work;
	atomic_fetch_add(&again.runs, 1);
	completion_signal(&again.entered);
	completion_wait(&again.go_on);
	delayed_work_start(&again.delayed, 3600 * NSEC_PER_SEC);
}

static void let_it_start(struct hook *hook)
{
	(void)hook;
	hook_gate_open(&again.starting);
}

/* Else a driver frees a timer that waits: seen with virtio-rng on several CPUs. */
TEST(work, cancelled_delayed_work_that_starts_itself_again_is_not_waiting)
{
	delayed_work_init(&again.delayed, start_again);
	completion_init(&again.entered);
	completion_init(&again.go_on);
	atomic_store(&again.runs, 0);
	again.cancelling =
		(struct hook){.name = "delayed_work_timer_stopped", .function = let_it_start};
	delayed_work_start(&again.delayed, 0);
	completion_wait(&again.entered);
	hook_gate_attach(&again.starting, "delayed_work_start", NULL);
	completion_signal_all(&again.go_on);
	hook_gate_wait(&again.starting);
	hook_attach(&again.cancelling);
	delayed_work_cancel_sync(&again.delayed);
	hook_detach(&again.cancelling);
	hook_gate_detach(&again.starting);
	CHECK(!timer_pending(&again.delayed.timer));
	CHECK_EQ(atomic_load(&again.runs), 1);
	/* And that is for good. */
	delayed_work_start(&again.delayed, 0);
	CHECK(!timer_pending(&again.delayed.timer));
	delayed_work_init(&again.delayed, start_again);
	delayed_work_start(&again.delayed, 3600 * NSEC_PER_SEC);
	CHECK(timer_pending(&again.delayed.timer));
	delayed_work_cancel_sync(&again.delayed);
}

/* Two queue the same work at once. */
static struct {
	struct job job;
	_Atomic bool claimed, queued;
} twice;

static int queue_on_the_last(void *arg)
{
	(void)arg;
	while (!atomic_load(&twice.claimed))
		thread_sleep_ns(NSEC_PER_MSEC);
	CHECK(work_queue_on(cpu_count() - 1, &twice.job.work));
	atomic_store_explicit(&twice.queued, true, memory_order_relaxed);
	return 0;
}

/* Relaxed: that the other one was here is no reason to see what it wrote. */
static void let_the_other_queue(struct hook *hook)
{
	(void)hook;
	atomic_store(&twice.claimed, true);
	while (!atomic_load_explicit(&twice.queued, memory_order_relaxed))
		cpu_relax();
}

/* TSan says when the first one looks at what the second one writes under its own worker's lock.
 */
TEST(work, claim_that_another_took_over_is_given_up)
{
	struct hook hook = {.name = "work_claimed",
			    .function = let_the_other_queue,
			    .only = thread_current()};
	struct thread *other;

	job_init(&twice.job, false);
	if (cpu_count() == 1) {
		CHECK(work_queue_on(0, &twice.job.work)); /* there is no other worker */
		work_flush(&twice.job.work);
		return;
	}
	atomic_store(&twice.claimed, false);
	atomic_store(&twice.queued, false);
	other = test_thread(queue_on_the_last, NULL, THREAD_ANY_CPU);
	hook_attach(&hook);
	CHECK(!work_queue_on(0, &twice.job.work));
	hook_detach(&hook);
	CHECK_EQ(thread_join(other), 0);
	work_flush(&twice.job.work);
	CHECK_EQ(atomic_load(&twice.job.runs), 1);
	CHECK_EQ(atomic_load(&twice.job.cpu), cpu_count() - 1);
}

#endif

static _Atomic unsigned stress_runs;

static void stress_function(struct work *work)
{
	(void)work;
	atomic_fetch_add(&stress_runs, 1);
}

static struct work stress_work = WORK_INIT(stress_work, stress_function);

static int stress(void *arg)
{
	int accepted = 0;

	(void)arg;
	for (unsigned i = 0; i < 300; i++)
		accepted += work_queue_on(i % cpu_count(), &stress_work);
	return accepted;
}

TEST(work, every_accepted_request_runs_once)
{
	atomic_store(&stress_runs, 0);
	long accepted = test_threads_run(4, stress, NULL);
	work_flush(&stress_work);
	CHECK(accepted > 0);
	CHECK_EQ(atomic_load(&stress_runs), accepted);
}
