// SPDX-License-Identifier: MIT
/*
 * Control registers, and sleeping.
 */
#include <platform/cpu.h>

#include <platform/s390x/features.h>
#include <platform/s390x/interrupts.h>
#include <platform/s390x/lowcore.h>
#include <kernel/halt_account.h>

void cpu_control_init(void)
{
	uint64_t control = CR0_AFP | CR0_EMERGENCY_SIGNAL | CR0_EXTERNAL_CALL |
			   CR0_CLOCK_COMPARATOR | CR0_SERVICE_SIGNAL;
	static const uint32_t access[16];

	if (facility_present(FACILITY_VECTOR))
		control |= CR0_VECTOR;
	cr0_write(control);
	cr6_write(0);
	cr14_write(CR14_EXTERNAL_DAMAGE);
	/* Access registers stay 0: primary space, and where the stack guard is looked for. */
	__asm__ volatile("lam 0,15,%0" : : "Q"(access) : "memory");
}

/* An enabled wait, entered by one instruction: no interruption gets in before. The handler
 * clears the wait bit of the PSW it returns to. */
void cpu_idle_wait(void)
{
	struct psw wait = {PSW_64BIT | PSW_MACHINE_CHECK | PSW_WAIT | PSW_IO | PSW_EXTERNAL |
				   (lowcore()->asce ? PSW_DAT : 0),
			   0};

	halt_begins();
	__asm__ volatile("larl %%r1,0f\n\t"
			 "stg %%r1,8(%0)\n\t"
			 "lpswe 0(%0)\n"
			 "0: stnsm 8(%0),0xfc"
			 :
			 : "a"(&wait)
			 : "r1", "memory", "cc");
	halt_ended();
}

/* A disabled wait of one CPU; the last one that does it ends the machine (exit.c). */
void cpu_halt_forever(void)
{
	static const struct psw halt = {PSW_64BIT | PSW_WAIT, 0};

	for (;;)
		__asm__ volatile("lpswe %0" : : "Q"(halt) : "memory");
}
