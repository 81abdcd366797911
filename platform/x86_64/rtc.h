// SPDX-License-Identifier: MIT
/*
 * The battery clock's registers as numbers, and what they mean.
 */
#ifndef PLATFORM_X86_64_RTC_H
#define PLATFORM_X86_64_RTC_H

#include <stdint.h>

/* As read: BCD or binary, 12 or 24 hours, as `mode` (status register B) says. */
struct rtc_registers {
	uint8_t second, minute, hour, day, month, year, mode;
};

/* Seconds since 1970, years 2000 to 2099; 0 when the fields make no date. */
uint64_t rtc_seconds(const struct rtc_registers *registers);

#endif
