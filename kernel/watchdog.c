// SPDX-License-Identifier: MIT
/*
 * The watchdog. Every CPU that leaves idle keeps a slow timer, the beat, which looks at all
 * other CPUs and goes on while somebody is busy; a CPU that wakes as the only one wakes one
 * more, so that it is never alone with its hang. A sleeping machine has no beat: the last ones
 * fire once, find nobody busy and stop.
 */
#include <kernel/watchdog.h>
#include <kernel/command_line.h>
#include <kernel/hook.h>
#include <kernel/ipi.h>
#include <kernel/log.h>
#include <kernel/panic.h>
#include <kernel/percpu.h>
#include <kernel/scheduler.h>
#include <platform/clock.h>

#define DEFAULT_SECONDS 10
#define BACKTRACE_MAX   16
#define NMI_WAIT_NS     NSEC_PER_SEC
#define STUCK_BEATS     2

COMMAND_LINE_KEY(watchdog, "watchdog", "seconds until a silent CPU is reported (10)");

struct watch {
	_Atomic uint64_t alive_ns;
	_Atomic bool idle;
	_Atomic uint64_t reported_ns; /* alive_ns of the silence that was reported */
	_Atomic bool trace_wanted;
	_Atomic size_t trace_length; /* + 1 once it is there */
	uintptr_t trace[BACKTRACE_MAX];
	struct timer beat;
	bool beating; /* own CPU only, as all below */
	unsigned stuck_beats;
	uint64_t switches_seen;
};

static PER_CPU(struct watch, watches);

static _Atomic uint64_t period_ns;
static _Atomic unsigned nr_beating;
static _Atomic unsigned nr_reports;
static _Atomic uint64_t last_report_ns;

unsigned watchdog_reports(void)
{
	return atomic_load(&nr_reports);
}

void watchdog_set_period(uint64_t ns)
{
	atomic_store(&period_ns, ns);
}

static void beat_start(struct watch *watch)
{
	timer_start(&watch->beat, clock_ns() + atomic_load(&period_ns) / 2);
}

/* First sign of life after sleep: start to beat, and see to it that a second CPU does. */
static void wake_up(struct watch *watch)
{
	uint64_t others = cpumask_load(&cpus_online) & ~cpu_bit(cpu_current());

	atomic_store_explicit(&watch->idle, false, memory_order_release);
	if (watch->beating || atomic_load(&period_ns) == 0)
		return;
	watch->beating = true;
	beat_start(watch);
	if (atomic_fetch_add(&nr_beating, 1) == 0 && others)
		ipi_reschedule((unsigned)__builtin_ctzll(others));
}

void watchdog_alive(void)
{
	struct watch *watch = this_cpu(watches);

	atomic_store_explicit(&watch->alive_ns, clock_ns(), memory_order_relaxed);
	if (!watch->beating || atomic_load_explicit(&watch->idle, memory_order_relaxed))
		wake_up(watch);
}

void watchdog_idle_enter(void)
{
	struct watch *watch = this_cpu(watches);

	atomic_store_explicit(&watch->idle, true, memory_order_release);
}

void watchdog_nmi(void)
{
	struct watch *watch = this_cpu(watches);

	if (!atomic_exchange(&watch->trace_wanted, false))
		return;
	size_t length = context_backtrace(watch->trace, BACKTRACE_MAX);
	atomic_store_explicit(&watch->trace_length, length + 1, memory_order_release);
}

/* Ask the silent CPU where it is, and give it a moment to answer. */
static void print_remote_trace(struct watch *watch)
{
	uint64_t end = clock_ns() + NMI_WAIT_NS;
	size_t length;

	atomic_store(&watch->trace_length, 0);
	atomic_store(&watch->trace_wanted, true);
	irq_send_nmi_others();
	while ((length = atomic_load_explicit(&watch->trace_length, memory_order_acquire)) ==
		       0 &&
	       clock_ns() < end)
		cpu_relax();
	if (length > 1)
		backtrace_print(watch->trace, length - 1);
	else
		log_error("watchdog: it does not answer an NMI either");
}

/* One report per half period: a host that stops many CPUs at once is not made busier. */
static bool may_report(void)
{
	uint64_t now = clock_ns();
	uint64_t last = atomic_load(&last_report_ns);

	return (last == 0 || now - last > atomic_load(&period_ns) / 2) &&
	       atomic_compare_exchange_strong(&last_report_ns, &last, now);
}

static void check_other(unsigned cpu)
{
	struct watch *watch = on_cpu(watches, cpu);
	uint64_t period = atomic_load(&period_ns);
	uint64_t reported = atomic_load(&watch->reported_ns);
	uint64_t alive, silent;

	if (period == 0 || atomic_load_explicit(&watch->idle, memory_order_acquire))
		return;
	alive = atomic_load_explicit(&watch->alive_ns, memory_order_relaxed);
	silent = clock_ns() - alive;
	if ((int64_t)silent < (int64_t)period || reported == alive)
		return;
	HOOK(watchdog_silent);
	/* Another CPU may have said so meanwhile. */
	if (!may_report() ||
	    !atomic_compare_exchange_strong(&watch->reported_ns, &reported, alive))
		return;
	atomic_fetch_add(&nr_reports, 1);
	log_error("watchdog: cpu %u took no interrupt for %llu ms", cpu,
		  (unsigned long long)(silent / NSEC_PER_MSEC));
	print_remote_trace(watch);
}

/* A switch was asked for two beats ago and did not come: preemption is off for too long. */
static void check_self(struct watch *watch)
{
	const struct thread *current = thread_current();
	uint64_t switches = atomic_load_explicit(&current->switches, memory_order_relaxed);
	uintptr_t trace[BACKTRACE_MAX];

	if (!(atomic_load(&current->attention) & ATTENTION_RESCHEDULE) ||
	    switches != watch->switches_seen)
		watch->stuck_beats = 0;
	watch->switches_seen = switches;
	if (!(atomic_load(&current->attention) & ATTENTION_RESCHEDULE) ||
	    ++watch->stuck_beats != STUCK_BEATS)
		return;
	atomic_fetch_add(&nr_reports, 1);
	log_error("watchdog: thread \"%s\" on cpu %u keeps preemption off (%u) though others "
		  "wait",
		  current->name, cpu_current(), current->preempt_count - 1);
	backtrace_print(trace, context_backtrace(trace, BACKTRACE_MAX));
}

bool watchdog_look(void)
{
	bool somebody_busy = false;

	preempt_disable();
	cpumask_for_each (cpu, cpumask_load(&cpus_online) & ~cpu_bit(cpu_current())) {
		check_other(cpu);
		if (!atomic_load_explicit(&on_cpu(watches, cpu)->idle, memory_order_relaxed))
			somebody_busy = true;
	}
	preempt_enable();
	return somebody_busy;
}

static void beat(struct timer *timer)
{
	struct watch *watch = container_of(timer, struct watch, beat);
	bool somebody_busy = thread_current() != run_queue_of(cpu_current())->idle;

	if (watchdog_look())
		somebody_busy = true;
	check_self(watch);
	if (somebody_busy && atomic_load(&period_ns) != 0) {
		beat_start(watch);
	} else {
		watch->beating = false;
		atomic_fetch_sub(&nr_beating, 1);
	}
}

void watchdog_init_cpu(void)
{
	struct watch *watch = this_cpu(watches);

	if (cpu_current() == 0)
		atomic_store(&period_ns,
			     command_line_number("watchdog", DEFAULT_SECONDS) * NSEC_PER_SEC);
	timer_init(&watch->beat, beat);
	atomic_store(&watch->alive_ns, clock_ns());
}
