// SPDX-License-Identifier: MIT
/*
 * Time on the hosted port: the host's monotonic clock counted from the first question, or a
 * clock that a test sets. One helper thread sleeps until the earliest deadline of all CPUs and
 * makes their timer interrupts pending. In a hurry nobody sleeps: when no CPU has anything to
 * do, the clock jumps to the earliest deadline (fault injection repeats tests with waits of
 * seconds a thousand times).
 */
#include <platform/hosted/hosted.h>
#include <platform/clock.h>
#include <stdatomic.h>
#include <time.h>

static _Atomic uint64_t start;
static _Atomic bool fake;
static _Atomic uint64_t fake_now;
static _Atomic bool hurry;
static _Atomic uint64_t skipped; /* ns; written under skip_mutex */
static pthread_mutex_t skip_mutex = PTHREAD_MUTEX_INITIALIZER;

static pthread_mutex_t helper_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t helper_wake;
static pthread_once_t helper_once = PTHREAD_ONCE_INIT;
static uint64_t helper_until; /* helper_mutex; when it wakes by itself */

static uint64_t host_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * NSEC_PER_SEC + (uint64_t)now.tv_nsec;
}

uint64_t clock_ns(void)
{
	uint64_t ns = host_ns(CLOCK_MONOTONIC);
	uint64_t begin = 0;

	if (atomic_load_explicit(&fake, memory_order_relaxed))
		return atomic_load(&fake_now);
	if (atomic_compare_exchange_strong(&start, &begin, ns))
		return 0;
	return (ns > begin ? ns - begin : 0) + atomic_load(&skipped);
}

uint64_t clock_cycles(void)
{
	return host_ns(CLOCK_MONOTONIC);
}

uint64_t clock_frequency(void)
{
	return NSEC_PER_SEC;
}

void clock_delay_ns(uint64_t ns)
{
	uint64_t end = host_ns(CLOCK_MONOTONIC) + ns;

	while (host_ns(CLOCK_MONOTONIC) < end)
		cpu_relax();
}

uint64_t clock_wall_seconds(void)
{
	return host_ns(CLOCK_REALTIME) / NSEC_PER_SEC;
}

/* Interrupt every CPU whose time has come; the earliest deadline left. */
static uint64_t raise_due(void)
{
	uint64_t now = clock_ns();
	uint64_t next = CLOCK_NEVER;

	for (unsigned number = 0; number < cpu_possible(); number++) {
		struct hosted_cpu *cpu = hosted_cpu(number);
		uint64_t deadline = atomic_load(&cpu->deadline_ns);

		if (deadline > now)
			next = deadline < next ? deadline : next;
		else if (atomic_compare_exchange_strong(&cpu->deadline_ns, &deadline,
							CLOCK_NEVER))
			hosted_raise(cpu, HOSTED_PENDING_TIMER);
		else
			next = now;
	}
	return next;
}

static void *helper_main(void *arg)
{
	pthread_mutex_lock(&helper_mutex);
	for (;;) {
		uint64_t next = raise_due();

		helper_until = next;
		if (next == CLOCK_NEVER || atomic_load(&fake)) {
			helper_until = CLOCK_NEVER;
			pthread_cond_wait(&helper_wake, &helper_mutex);
		} else {
			uint64_t host = next - atomic_load(&skipped) + atomic_load(&start);
			struct timespec until = {.tv_sec = (time_t)(host / NSEC_PER_SEC),
						 .tv_nsec = (long)(host % NSEC_PER_SEC)};

			pthread_cond_timedwait(&helper_wake, &helper_mutex, &until);
		}
	}
	return arg;
}

static void helper_start(void)
{
	pthread_condattr_t attributes;
	pthread_t thread;

	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&helper_wake, &attributes);
	helper_until = CLOCK_NEVER;
	pthread_create(&thread, NULL, helper_main, NULL);
	pthread_detach(thread);
}

void clock_set_timer(uint64_t deadline_ns)
{
	struct hosted_cpu *cpu = hosted_cpu_self();

	atomic_store(&cpu->deadline_ns, deadline_ns);
	if (deadline_ns == CLOCK_NEVER)
		return;
	pthread_once(&helper_once, helper_start);
	if (deadline_ns <= clock_ns()) {
		raise_due();
		return;
	}
	pthread_mutex_lock(&helper_mutex);
	if (deadline_ns < helper_until)
		pthread_cond_signal(&helper_wake);
	pthread_mutex_unlock(&helper_mutex);
}

static void helper_poke(void)
{
	pthread_once(&helper_once, helper_start);
	pthread_mutex_lock(&helper_mutex);
	pthread_cond_signal(&helper_wake);
	pthread_mutex_unlock(&helper_mutex);
}

void hosted_clock_fake(uint64_t ns)
{
	atomic_store(&fake_now, ns);
	atomic_store(&fake, true);
}

void hosted_clock_advance(uint64_t ns)
{
	atomic_fetch_add(&fake_now, ns);
	raise_due();
}

/* Time goes on from where it stood: back, and what was armed meanwhile would be far away. */
void hosted_clock_real(void)
{
	uint64_t shown = atomic_load(&fake_now);
	uint64_t real;

	pthread_mutex_lock(&skip_mutex);
	real = host_ns(CLOCK_MONOTONIC) - atomic_load(&start) + atomic_load(&skipped);
	if (shown > real)
		atomic_fetch_add(&skipped, shown - real);
	atomic_store(&fake, false);
	pthread_mutex_unlock(&skip_mutex);
	helper_poke();
}

bool hosted_clock_hurry(bool on)
{
	return atomic_exchange(&hurry, on);
}

static uint64_t earliest_deadline(void)
{
	uint64_t earliest = CLOCK_NEVER;

	for (unsigned number = 0; number < cpu_possible(); number++) {
		uint64_t deadline = atomic_load(&hosted_cpu(number)->deadline_ns);

		earliest = deadline < earliest ? deadline : earliest;
	}
	return earliest;
}

/* Others may fall asleep at the same time: the second finds interrupts pending. */
void hosted_clock_skip(void)
{
	if (!atomic_load(&hurry) || atomic_load(&fake))
		return;
	pthread_mutex_lock(&skip_mutex);
	if (hosted_cpus_sleep()) {
		uint64_t now = clock_ns();
		uint64_t next = earliest_deadline();

		if (next != CLOCK_NEVER && next > now)
			atomic_fetch_add(&skipped, next - now);
		raise_due();
		helper_poke();
	}
	pthread_mutex_unlock(&skip_mutex);
}
