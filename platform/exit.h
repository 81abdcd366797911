// SPDX-License-Identifier: MIT
/*
 * Ways to leave the machine, and the wish from outside that it be left.
 */
#ifndef PLATFORM_EXIT_H
#define PLATFORM_EXIT_H

#include <platform/types.h>

/* End a test or run= boot with a verdict the judge sees: isa-debug-exit where there is one
 * (QEMU status 33 or 35), then power off. */
_Noreturn void platform_exit(bool success);
_Noreturn void platform_power_off(void);
_Noreturn void platform_reboot(void);

/* Call pressed() in interrupt context whenever somebody asks the machine to switch itself off.
 * Once. False when that cannot be heard here. */
bool platform_power_button(void (*pressed)(void));

#endif
