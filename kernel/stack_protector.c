// SPDX-License-Identifier: MIT
/*
 * The canary of debug builds on a target: one constant for the whole kernel. It is there to
 * find our own overruns in tests, not to resist an attacker who can read memory.
 */
#include <kernel/assert.h>
#include <stdint.h>

uintptr_t __stack_chk_guard = 0x5175697265a70ff5;

void __stack_chk_fail(void);

void __stack_chk_fail(void)
{
	panic("stack protector: a function overran its frame");
}
