// SPDX-License-Identifier: MIT
/*
 * Counters whose frequency is known: HPET, ACPI timer, PIT, the best first.
 */
#ifndef PLATFORM_X86_64_REFERENCE_COUNTER_H
#define PLATFORM_X86_64_REFERENCE_COUNTER_H

#include <stdbool.h>
#include <stdint.h>

struct reference_counter {
	const char *name;
	/* Counts upwards, modulo mask + 1. NULL: this machine has none of this kind. */
	uint64_t (*read)(void);
	uint64_t mask;
	uint64_t frequency; /* Hz */
};

/* Start the kind with this index; false behind the last. */
bool reference_counter_open(unsigned index, struct reference_counter *counter);

#endif
