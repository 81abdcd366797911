// SPDX-License-Identifier: MIT
/*
 * Counts of the boot: all that passed, but for the time the boot CPU was halted.
 */
#include <kernel/boot_cost.h>
#include <kernel/boot_info.h>
#include <platform/clock.h>
#include <platform/cpu.h>
#include <stdatomic.h>

static _Atomic uint64_t cost;

void boot_cost_stop(void)
{
	atomic_store(&cost, clock_cycles() - boot_info->entry_cycles - cpu_halted_cycles(0));
}

uint64_t boot_cost_cycles(void)
{
	return atomic_load_explicit(&cost, memory_order_relaxed);
}
