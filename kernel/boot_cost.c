// SPDX-License-Identifier: MIT
/*
 * Counts of the boot. Sleeps are those of the boot CPU's idle loop: while another CPU is waited
 * for, the boot CPU spins or sleeps, and only spinning costs.
 */
#include <kernel/boot_cost.h>
#include <kernel/boot_info.h>
#include <platform/clock.h>
#include <platform/cpu.h>
#include <stdatomic.h>

static uint64_t slept; /* boot CPU only, as the next */
static uint64_t sleep_began;
static _Atomic uint64_t cost;

void boot_cost_sleep(void)
{
	if (cpu_current() == 0 && boot_cost_cycles() == 0)
		sleep_began = clock_cycles();
}

void boot_cost_wake(void)
{
	if (cpu_current() == 0 && sleep_began != 0) {
		slept += clock_cycles() - sleep_began;
		sleep_began = 0;
	}
}

void boot_cost_stop(void)
{
	atomic_store(&cost, clock_cycles() - boot_info->entry_cycles - slept);
}

uint64_t boot_cost_cycles(void)
{
	return atomic_load_explicit(&cost, memory_order_relaxed);
}
