// SPDX-License-Identifier: MIT
/*
 * The port's own source of unpredictability, if it has one.
 */
#ifndef PLATFORM_RANDOM_H
#define PLATFORM_RANDOM_H

#include <platform/types.h>

/* Fill `value` from the hardware generator; false when there is none or it failed. */
bool platform_random(uint64_t *value);

#endif
