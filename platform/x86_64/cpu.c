// SPDX-License-Identifier: MIT
/*
 * Sleeping, and the account of how long.
 */
#include <platform/cpu.h>

#include <platform/irq.h>
#include <platform/x86_64/interrupts.h>
#include <platform/x86_64/private.h>
#include <platform/x86_64/x86.h>

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
		area->halted_cycles += tsc_read() - area->halted_since;
		area->halted_since = 0;
	}
}

uint64_t cpu_halted_cycles(void)
{
	return private_area()->halted_cycles;
}

void cpu_halt_forever(void)
{
	for (;;)
		__asm__ volatile("cli; hlt" : : : "memory");
}
