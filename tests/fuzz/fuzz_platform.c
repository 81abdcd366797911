// SPDX-License-Identifier: MIT
/*
 * The ways to leave the machine, in a fuzzer: whatever wants to end it (a panic, a failed
 * assertion) is a finding, so that libFuzzer or fuzz_main.c keeps the input.
 */
#include <platform/exit.h>

#include <stdlib.h>

void platform_exit(bool success)
{
	(void)success;
	abort();
}

void platform_power_off(void)
{
	abort();
}

void platform_reboot(void)
{
	abort();
}
