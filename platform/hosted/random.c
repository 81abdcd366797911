// SPDX-License-Identifier: MIT
/*
 * Unpredictability from the host.
 */
#include <platform/random.h>
#include <sys/random.h>

bool platform_random(uint64_t *value)
{
	return getrandom(value, sizeof(*value), 0) == (ssize_t)sizeof(*value);
}
