// SPDX-License-Identifier: MIT
/*
 * SIGNAL PROCESSOR: one CPU asks another, by its address. Source: z/Architecture Principles of
 * Operation, "Signal-processor orders".
 */
#ifndef PLATFORM_S390X_SIGP_H
#define PLATFORM_S390X_SIGP_H

#include <platform/types.h>

enum sigp_order {
	SIGP_SENSE = 1,
	SIGP_EXTERNAL_CALL = 2,
	SIGP_EMERGENCY_SIGNAL = 3,
	SIGP_STOP = 5,
	SIGP_RESTART = 6,
	SIGP_INITIAL_CPU_RESET = 11,
	SIGP_SET_PREFIX = 13,
};

enum sigp_condition { SIGP_ACCEPTED, SIGP_STATUS_STORED, SIGP_BUSY, SIGP_NOT_OPERATIONAL };

/* One order; *status (may be NULL) is set with SIGP_STATUS_STORED. SIGP_BUSY: try again. */
static inline enum sigp_condition sigp(enum sigp_order order, uint16_t cpu_address,
				       uint64_t parameter, uint32_t *status)
{
	register uint64_t result __asm__("2") = 0;
	register uint64_t argument __asm__("3") = parameter;
	int condition;

	__asm__ volatile("sigp %1,%3,0(%4)\n\t"
			 "ipm %0\n\t"
			 "srl %0,28"
			 : "=d"(condition), "+d"(result)
			 : "d"(argument), "d"((uint64_t)cpu_address), "a"((uint64_t)order)
			 : "cc", "memory");
	if (status)
		*status = (uint32_t)result;
	return (enum sigp_condition)condition;
}

#endif
