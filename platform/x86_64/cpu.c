// SPDX-License-Identifier: MIT
/*
 * Sleeping.
 */
#include <platform/cpu.h>

#include <kernel/halt_account.h>

/* STI takes effect behind the next instruction: nothing gets in before the CPU halts. */
void cpu_idle_wait(void)
{
	halt_begins();
	__asm__ volatile("sti; hlt; cli" : : : "memory");
	halt_ended();
}

void cpu_halt_forever(void)
{
	for (;;)
		__asm__ volatile("cli; hlt" : : : "memory");
}
