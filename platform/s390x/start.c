// SPDX-License-Identifier: MIT
/*
 * First steps of the boot CPU: its lowcore, what it can do, the consoles.
 */
#include <platform/init.h>

#include <platform/s390x/features.h>
#include <platform/s390x/interrupts.h>
#include <platform/s390x/sclp.h>
#include <platform/s390x/start.h>
#include <platform/s390x/trap.h>
#include <kernel/attributes.h>
#include <string.h>

#define SPARE_STACK_SIZE 8192

extern char boot_stack[], boot_stack_end[];

static char emergency_stack[SPARE_STACK_SIZE] ALIGNED(8);
static char check_stack[SPARE_STACK_SIZE] ALIGNED(8);

void start_lowcore(void)
{
	struct lowcore *area = lowcore();

	/* What an earlier boot left in our words: storage survives a reset. */
	memset(area->save_program, 0,
	       offsetof(struct lowcore, reserved_1000) -
		       offsetof(struct lowcore, save_program));
	area->stack = (uintptr_t)boot_stack;
	area->stack_end = (uintptr_t)boot_stack_end;
	area->emergency_stack = (uintptr_t)emergency_stack;
	area->emergency_stack_end = (uintptr_t)emergency_stack + SPARE_STACK_SIZE;
	area->check_stack = (uintptr_t)check_stack;
	area->check_stack_end = (uintptr_t)check_stack + SPARE_STACK_SIZE;
	trap_lowcore_init(area, false);
	facilities_detect();
	cpu_control_init();
}

void platform_early_init(struct boot_info *info UNUSED)
{
	console_init();
}

void platform_interrupts_init(void)
{
	clock_init();
}
