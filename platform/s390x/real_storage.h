// SPDX-License-Identifier: MIT
/*
 * Words of storage by real address, whether translation is on or not: for tables that are
 * needed while the direct map to reach them is not there yet.
 */
#ifndef PLATFORM_S390X_REAL_STORAGE_H
#define PLATFORM_S390X_REAL_STORAGE_H

#include <stdint.h>

/* LOAD USING REAL ADDRESS and STORE USING REAL ADDRESS; `real` is a multiple of 8 and backed.
 */
static inline uint64_t real_load(uint64_t real)
{
	uint64_t value;

	__asm__ volatile("lurag %0,%1" : "=d"(value) : "a"(real) : "memory");
	return value;
}

static inline void real_store(uint64_t real, uint64_t value)
{
	__asm__ volatile("sturg %0,%1" : : "d"(value), "a"(real) : "memory");
}

#endif
