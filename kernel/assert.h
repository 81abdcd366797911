// SPDX-License-Identifier: MIT
/*
 * ASSERT states an invariant of our own code and panics when it is false, in every build. What
 * hardware, firmware, a hypervisor or a peer says is never asserted: that is an error return.
 */
#ifndef KERNEL_ASSERT_H
#define KERNEL_ASSERT_H

#include <kernel/attributes.h>

/* Print where and why on all consoles, stop all CPUs, end with a failing verdict. */
void panic_at(const char *file, int line, const char *format, ...) NORETURN COLD
	PRINTF_LIKE(3, 4);

#define panic(...) panic_at(__FILE__, __LINE__, __VA_ARGS__)

#define ASSERT(condition)                                          \
	do {                                                       \
		if (UNLIKELY(!(condition)))                        \
			panic("assertion failed: %s", #condition); \
	} while (0)

#endif
