// SPDX-License-Identifier: MIT
/*
 * What every interrupt and every preemption-off section does around its body. The counts live
 * in the running thread, so they follow it from CPU to CPU; before the first thread there is
 * nothing to preempt and nothing is counted.
 */
#include <kernel/interrupt.h>
#include <kernel/assert.h>
#include <kernel/ipi.h>
#include <kernel/panic.h>
#include <kernel/random.h>
#include <kernel/rcu.h>
#include <kernel/scheduler.h>
#include <kernel/timer.h>
#include <kernel/watchdog.h>
#include <platform/cpu.h>

void preempt_disable(void)
{
	struct thread *current = context_thread();

	if (current)
		current->preempt_count++;
}

void preempt_enable(void)
{
	struct thread *current = context_thread();

	if (!current)
		return;
	ASSERT(current->preempt_count > 0);
	if (--current->preempt_count == 0 && UNLIKELY(atomic_load(&current->attention) != 0))
		scheduler_attend(irq_enabled());
}

bool preemptible(void)
{
	struct thread *current = context_thread();

	return current && current->preempt_count == 0 && irq_enabled();
}

bool in_interrupt(void)
{
	struct thread *current = context_thread();

	return current && current->interrupt_depth != 0;
}

void interrupt_enter(void)
{
	struct thread *current = context_thread();

	if (!current)
		return;
	current->preempt_count++;
	current->interrupt_depth++;
	rcu_idle_exit();
	watchdog_alive();
	random_note_event();
}

void interrupt_exit(void)
{
	struct thread *current = context_thread();

	if (!current)
		return;
	current->interrupt_depth--;
	if (--current->preempt_count == 0 && atomic_load(&current->attention) != 0)
		scheduler_attend(true);
}

void kernel_timer_interrupt(void)
{
	timers_run();
}

void kernel_ipi_interrupt(void)
{
	ipi_answer();
}

void kernel_nmi_interrupt(void)
{
	if (panic_in_progress())
		cpu_halt_forever();
	watchdog_nmi();
}
