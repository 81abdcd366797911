// SPDX-License-Identifier: MIT
/*
 * The CPU's random number generator. Source: Intel SDM volume 1, 7.3.17: ten failures in a row
 * mean that it is broken.
 */
#include <platform/random.h>

#include <platform/x86_64/features.h>

#define TRIES 10

static bool rdseed(uint64_t *value)
{
	bool ok;

	__asm__ volatile("rdseed %0" : "=r"(*value), "=@ccc"(ok));
	return ok;
}

static bool rdrand(uint64_t *value)
{
	bool ok;

	__asm__ volatile("rdrand %0" : "=r"(*value), "=@ccc"(ok));
	return ok;
}

bool platform_random(uint64_t *value)
{
	for (unsigned i = 0; i < TRIES && cpu_features.rdseed; i++)
		if (rdseed(value))
			return true;
	for (unsigned i = 0; i < TRIES && cpu_features.rdrand; i++)
		if (rdrand(value))
			return true;
	return false;
}
