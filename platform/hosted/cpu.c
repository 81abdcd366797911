// SPDX-License-Identifier: MIT
/*
 * CPUs as POSIX threads. Interrupts are pending bits: noticed when the mask opens, in
 * cpu_relax(), and by the sleep of an idle CPU. An NMI is noticed in cpu_relax() under a closed
 * mask too.
 */
#include <platform/hosted/hosted.h>
#include <kernel/halt_account.h>
#include <kernel/interrupt.h>
#include <kernel/log.h>
#include <platform/clock.h>
#include <platform/irq.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

static struct hosted_cpu cpus[CPUS_MAX] = {[0] = {.interrupts_open = true}};
static _Thread_local struct hosted_cpu *self;
static unsigned possible = 1;
static _Atomic unsigned running = 1;
static void (*secondary_entry)(void);

NOINLINE struct hosted_cpu *hosted_cpu_self(void)
{
	struct hosted_cpu *cpu = self;

	__asm__ volatile("" : "+r"(cpu) : : "memory");
	return cpu ? cpu : &cpus[0];
}

unsigned hosted_cpu_number(void)
{
	return hosted_cpu_self()->number;
}

struct hosted_cpu *hosted_cpu(unsigned number)
{
	return &cpus[number];
}

void hosted_cpu_enter(unsigned number)
{
	self = &cpus[number];
}

unsigned cpu_count(void)
{
	return atomic_load(&running);
}

unsigned cpu_possible(void)
{
	return possible;
}

uint32_t cpu_firmware_id(unsigned cpu)
{
	return cpu;
}

static void prepare(unsigned number)
{
	struct hosted_cpu *cpu = &cpus[number];

	cpu->number = number;
	atomic_init(&cpu->deadline_ns, CLOCK_NEVER);
	pthread_mutex_init(&cpu->mutex, NULL);
	pthread_cond_init(&cpu->wake, NULL);
}

void hosted_cpu_init(unsigned wanted)
{
	possible = wanted < 1 ? 1 : wanted > CPUS_MAX ? CPUS_MAX : wanted;
	for (unsigned number = 0; number < possible; number++)
		prepare(number);
	self = &cpus[0];
}

static void *secondary_main(void *arg)
{
	self = arg;
	atomic_fetch_add(&running, 1);
	secondary_entry();
	return NULL;
}

unsigned cpu_start_all(void (*entry)(void))
{
	secondary_entry = entry;
	for (unsigned number = 1; number < possible; number++) {
		int error = pthread_create(&cpus[number].host_thread, NULL, secondary_main,
					   &cpus[number]);
		if (error) {
			log_error("hosted: cannot start cpu %u (error %d): use fewer cpus=",
				  number, error);
			possible = number;
		}
	}
	while (cpu_count() < possible)
		sched_yield();
	return possible;
}

void hosted_raise(struct hosted_cpu *cpu, uint64_t bits)
{
	atomic_fetch_or(&cpu->pending, bits);
	if (atomic_load(&cpu->naps) % 2 == 0)
		return;
	pthread_mutex_lock(&cpu->mutex);
	pthread_cond_signal(&cpu->wake);
	pthread_mutex_unlock(&cpu->mutex);
}

void cpu_idle_wait(void)
{
	struct hosted_cpu *cpu = hosted_cpu_self();

	halt_begins();
	atomic_fetch_add(&cpu->naps, 1);
	hosted_clock_skip();
	pthread_mutex_lock(&cpu->mutex);
	while (atomic_load(&cpu->pending) == 0)
		pthread_cond_wait(&cpu->wake, &cpu->mutex);
	atomic_fetch_add(&cpu->naps, 1);
	pthread_mutex_unlock(&cpu->mutex);
	halt_ended();
}

/* Who sleeps the same nap at two looks did not wake up in between: between them all slept. */
bool hosted_cpus_sleep(void)
{
	uint64_t naps[CPUS_MAX];

	for (unsigned number = 0; number < possible; number++) {
		naps[number] = atomic_load(&cpus[number].naps);
		if (naps[number] % 2 == 0)
			return false;
	}
	for (unsigned number = 0; number < possible; number++) {
		if (atomic_load(&cpus[number].pending) ||
		    atomic_load(&cpus[number].naps) != naps[number])
			return false;
	}
	return true;
}

_Noreturn void cpu_halt_forever(void)
{
	for (;;)
		sched_yield();
}

void cpu_describe(unsigned cpu, char *text, size_t size)
{
	snprintf(text, size, "POSIX thread %u of this process", cpu);
}

/* ---- interrupts ---- */

static void notice_nmi(struct hosted_cpu *cpu)
{
	if (atomic_load_explicit(&cpu->pending, memory_order_relaxed) & HOSTED_PENDING_NMI) {
		atomic_fetch_and(&cpu->pending, ~(uint64_t)HOSTED_PENDING_NMI);
		kernel_nmi_interrupt();
	}
}

/* The mask is open. interrupt_exit() may switch threads and return on another CPU. */
static void deliver(struct hosted_cpu *cpu)
{
	while (cpu->interrupts_open && atomic_load(&cpu->pending) != 0) {
		notice_nmi(cpu);
		uint64_t bits = atomic_fetch_and(&cpu->pending, HOSTED_PENDING_NMI);
		cpu->interrupts_open = false;
		interrupt_enter();
		if (bits & HOSTED_PENDING_TIMER)
			kernel_timer_interrupt();
		if (bits & HOSTED_PENDING_IPI)
			kernel_ipi_interrupt();
		hosted_vectors_deliver(bits);
		interrupt_exit();
		cpu = hosted_cpu_self();
		cpu->interrupts_open = true;
	}
}

bool hosted_irq_close(void)
{
	struct hosted_cpu *cpu = hosted_cpu_self();
	bool was_open = cpu->interrupts_open;

	cpu->interrupts_open = false;
	return was_open;
}

void hosted_irq_open(void)
{
	struct hosted_cpu *cpu = hosted_cpu_self();

	cpu->interrupts_open = true;
	if (atomic_load_explicit(&cpu->pending, memory_order_relaxed) != 0)
		deliver(cpu);
}

bool hosted_irq_is_open(void)
{
	return hosted_cpu_self()->interrupts_open;
}

void hosted_cpu_relax(void)
{
	struct hosted_cpu *cpu = hosted_cpu_self();

	notice_nmi(cpu);
	if (cpu->interrupts_open &&
	    atomic_load_explicit(&cpu->pending, memory_order_relaxed) != 0)
		deliver(cpu);
	else
		sched_yield();
}

void irq_send_ipi(unsigned cpu)
{
	hosted_raise(&cpus[cpu], HOSTED_PENDING_IPI);
}

void irq_send_nmi_others(void)
{
	for (unsigned number = 0; number < cpu_count(); number++) {
		if (number != cpu_current())
			hosted_raise(&cpus[number], HOSTED_PENDING_NMI);
	}
}
