// SPDX-License-Identifier: MIT
/*
 * Shell commands that show CPUs and threads.
 */
#include <kernel/boot_cost.h>
#include <kernel/format.h>
#include <kernel/json.h>
#include <kernel/kmem.h>
#include <kernel/log.h>
#include <kernel/scheduler.h>
#include <kernel/shell.h>
#include <platform/clock.h>
#include <platform/cpu.h>
#include <errno.h>
#include <string.h>

static const char *const priority_names[] = {"idle", "normal", "urgent"};
static const char *const state_names[] = {"running", "ready", "blocked", "dead"};

/* A thread as it was when the list was walked: printing sleeps, the list's lock does not. */
struct thread_row {
	char name[THREAD_NAME_LENGTH];
	unsigned cpu;
	enum thread_state state;
	enum thread_priority priority;
	bool pinned;
	uint64_t run_ns;
	uint64_t switches;
};

struct thread_rows {
	struct thread_row *rows; /* NULL: only count */
	unsigned count;
	unsigned room;
};

static void note_thread(const struct thread *thread, void *arg)
{
	struct thread_rows *rows = arg;

	if (rows->rows && rows->count < rows->room) {
		struct thread_row *row = &rows->rows[rows->count];

		memcpy(row->name, thread->name, sizeof(row->name));
		row->cpu = atomic_load(&thread->cpu);
		row->state = atomic_load_explicit(&thread->state, memory_order_relaxed);
		row->priority = thread->priority;
		row->pinned = thread->pinned_cpu != THREAD_ANY_CPU;
		row->run_ns = atomic_load(&thread->run_ns);
		row->switches = atomic_load(&thread->switches);
	}
	rows->count++;
}

static void print_rows(const struct thread_rows *rows, unsigned count)
{
	print("%-24s %4s %-8s %-8s %12s %10s\n", "NAME", "CPU", "STATE", "PRIORITY", "RUN MS",
	      "SWITCHES");
	for (unsigned i = 0; i < count; i++) {
		const struct thread_row *row = &rows->rows[i];

		print("%-24s %3u%s %-8s %-8s %12llu %10llu\n", row->name, row->cpu,
		      row->pinned ? "*" : " ", state_names[row->state],
		      priority_names[row->priority],
		      (unsigned long long)(row->run_ns / NSEC_PER_MSEC),
		      (unsigned long long)row->switches);
	}
}

static void print_rows_json(const struct thread_rows *rows, unsigned count)
{
	struct json json;

	json_start(&json);
	json_array(&json, NULL);
	for (unsigned i = 0; i < count; i++) {
		const struct thread_row *row = &rows->rows[i];

		json_object(&json, NULL);
		json_string(&json, "name", row->name);
		json_number(&json, "cpu", row->cpu);
		json_bool(&json, "pinned", row->pinned);
		json_string(&json, "state", state_names[row->state]);
		json_string(&json, "priority", priority_names[row->priority]);
		json_number(&json, "run_ns", row->run_ns);
		json_number(&json, "switches", row->switches);
		json_end(&json);
	}
	json_finish(&json);
}

static int threads_run(int argc, char **argv)
{
	struct thread_rows rows = {.rows = NULL};
	unsigned count;

	threads_for_each(note_thread, &rows);
	rows.room = rows.count + 8; /* some may be born meanwhile */
	rows.rows = kmem_alloc(rows.room * sizeof(*rows.rows));
	rows.count = 0;
	if (!rows.rows) {
		print("threads: no memory for a list of %u threads: free some\n", rows.room);
		return -ENOMEM;
	}
	threads_for_each(note_thread, &rows);
	count = rows.count < rows.room ? rows.count : rows.room;
	if (json_wanted(argc, argv))
		print_rows_json(&rows, count);
	else
		print_rows(&rows, count);
	kmem_free(rows.rows);
	return 0;
}

SHELL_COMMAND(threads, "[-j]",
	      "all kernel threads\nA star after the CPU marks a thread that is pinned to it.",
	      threads_run);

static void cpu_row_json(struct json *json, unsigned cpu)
{
	struct run_queue *rq = run_queue_of(cpu);
	char text[128];

	cpu_describe(cpu, text, sizeof(text));
	json_object(json, NULL);
	json_number(json, "cpu", cpu);
	json_bool(json, "idle", cpumask_has(&cpus_idle, cpu));
	json_number(json, "waiting", atomic_load(&rq->nr_ready));
	json_number(json, "steals", atomic_load(&rq->steals));
	json_string(json, "model", text);
	json_end(json);
}

static void cpus_json(void)
{
	struct json json;

	json_start(&json);
	json_object(&json, NULL);
	json_number(&json, "running", cpu_count());
	json_number(&json, "possible", cpu_possible());
	json_number(&json, "boot_instructions", boot_cost_cycles());
	json_number(&json, "frequency_hz", clock_frequency());
	json_array(&json, "cpus");
	cpumask_for_each (cpu, cpumask_load(&cpus_online))
		cpu_row_json(&json, cpu);
	json_finish(&json);
}

static int cpus_run(int argc, char **argv)
{
	if (json_wanted(argc, argv)) {
		cpus_json();
		return 0;
	}
	print("%u of %u CPUs run, counter at %llu MHz, %llu counts from entry to the shell\n",
	      cpu_count(), cpu_possible(), (unsigned long long)(clock_frequency() / 1000000),
	      (unsigned long long)boot_cost_cycles());
	cpumask_for_each (cpu, cpumask_load(&cpus_online)) {
		struct run_queue *rq = run_queue_of(cpu);
		char text[128];

		cpu_describe(cpu, text, sizeof(text));
		print("cpu %2u: %s, %u waiting, %llu stolen, %s\n", cpu,
		      cpumask_has(&cpus_idle, cpu) ? "idle" : "busy",
		      atomic_load(&rq->nr_ready), (unsigned long long)atomic_load(&rq->steals),
		      text);
	}
	return 0;
}

SHELL_COMMAND(
	cpus, "[-j]",
	"CPUs that run, and what the boot cost\n"
	"boot_instructions is the time stamp's difference from kernel entry to the shell,\n"
	"waits that halt left out: instructions where the stamp counts them (-icount).",
	cpus_run);
