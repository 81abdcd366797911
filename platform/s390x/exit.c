// SPDX-License-Identifier: MIT
/*
 * Ways out. A CPU that waits with all interruptions off and is the last one to run ends the
 * virtual machine: QEMU takes the address of the wait for the verdict. Where that means nothing
 * (a partition), it is a stopped machine with a code on the operator's panel, and the text
 * before it says the same.
 */
#include <platform/exit.h>

#include <platform/console.h>
#include <platform/irq.h>
#include <platform/s390x/interrupts.h>
#include <platform/s390x/lowcore.h>
#include <kernel/attributes.h>

/* Codes in the address of the wait. */
#define WAIT_SUCCESS 0xfff
#define WAIT_FAILURE 0xbad

#define DIAGNOSE_RELOAD 3 /* clear, and load the program again */

static bool leaving;

static NORETURN void wait_disabled(uint64_t code)
{
	struct psw wait = {PSW_64BIT | PSW_WAIT, code};

	irq_disable();
	smp_stop_others();
	__asm__ volatile("lpswe %0" : : "Q"(wait) : "memory");
	__builtin_unreachable();
}

/* The service processor would tell by an event that nobody listens to here. */
bool platform_power_button(void (*pressed)(void))
{
	(void)pressed;
	return false;
}

void platform_exit(bool success)
{
	static const char passed[] = "EXIT: STATUS=0\n";
	static const char failed[] = "EXIT: STATUS=1\n";

	if (!leaving)
		console_write(success ? passed : failed, sizeof(passed) - 1);
	wait_disabled(success ? WAIT_SUCCESS : WAIT_FAILURE);
}

void platform_power_off(void)
{
	wait_disabled(WAIT_SUCCESS);
}

void platform_reboot(void)
{
	irq_disable();
	smp_stop_others();
	/* Where there is no such service, the machine stops. */
	__asm__ volatile("lghi 0,0\n\t"
			 "lghi 1,%0\n"
			 "1: diag 0,1,0x308\n"
			 "2:\n\t"
			 ".pushsection quire_fixups, \"a\"\n\t"
			 ".quad 1b, 2b\n\t"
			 ".popsection"
			 :
			 : "i"(DIAGNOSE_RELOAD)
			 : "memory", "cc", "0", "1", "2");
	wait_disabled(WAIT_FAILURE);
}
