// SPDX-License-Identifier: MIT
/*
 * Sleeping, and the account of how long.
 */
#include <platform/cpu.h>

#include <platform/irq.h>
#include <platform/x86_64/interrupts.h>
#include <platform/x86_64/private.h>
#include <platform/x86_64/x86.h>
#include <kernel/percpu.h>
#include <stdatomic.h>

static PER_CPU(_Atomic uint64_t, halted_cycles);

/* STI takes effect behind the next instruction: nothing gets in before the CPU halts. */
void cpu_idle_wait(void)
{
	private_area()->halted_since = tsc_read();
	__asm__ volatile("sti; hlt; cli" : : : "memory");
	cpu_halt_ended();
}

void cpu_halt_ended(void)
{
	struct private_area *area = private_area();

	if (area->halted_since) {
		atomic_fetch_add_explicit(this_cpu(halted_cycles),
					  tsc_read() - area->halted_since,
					  memory_order_relaxed);
		area->halted_since = 0;
	}
}

uint64_t cpu_halted_cycles(unsigned cpu)
{
	return atomic_load_explicit(on_cpu(halted_cycles, cpu), memory_order_relaxed);
}

void cpu_halt_forever(void)
{
	for (;;)
		__asm__ volatile("cli; hlt" : : : "memory");
}
