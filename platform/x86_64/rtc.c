// SPDX-License-Identifier: MIT
/*
 * Dates of the MC146818 battery clock. Two digits of a year mean 20xx.
 */
#include "rtc.h"

#include <kernel/bits.h>

#define MODE_24_HOURS BIT(1)
#define MODE_BINARY   BIT(2)
#define HOUR_PM       0x80u
#define DAYS_TO_2000  UINT64_C(10957)

/* Value of a field, or 100 when its BCD is none. */
static unsigned field(uint8_t raw, uint8_t mode)
{
	if (mode & MODE_BINARY)
		return raw;
	if ((raw & 0xf) > 9 || raw >> 4 > 9)
		return 100;
	return (raw >> 4) * 10u + (raw & 0xf);
}

static unsigned hour_of_day(uint8_t raw, uint8_t mode)
{
	unsigned hour;

	if (mode & MODE_24_HOURS)
		return field(raw, mode);
	hour = field(raw & (uint8_t)~HOUR_PM, mode);
	if (hour < 1 || hour > 12)
		return 100;
	return hour % 12 + (raw & HOUR_PM ? 12 : 0);
}

static unsigned days_of_month(unsigned month, unsigned year)
{
	static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	return days[month - 1] + (month == 2 && year % 4 == 0);
}

uint64_t rtc_seconds(const struct rtc_registers *r)
{
	unsigned year = field(r->year, r->mode);
	unsigned month = field(r->month, r->mode);
	unsigned day = field(r->day, r->mode);
	unsigned hour = hour_of_day(r->hour, r->mode);
	unsigned minute = field(r->minute, r->mode);
	unsigned second = field(r->second, r->mode);
	uint64_t days;

	if (year > 99 || month < 1 || month > 12 || day < 1 ||
	    day > days_of_month(month, year) || hour > 23 || minute > 59 || second > 59)
		return 0;
	days = DAYS_TO_2000 + year * 365 + (year + 3) / 4 + day - 1;
	for (unsigned m = 1; m < month; m++)
		days += days_of_month(m, year);
	return ((days * 24 + hour) * 60 + minute) * 60 + second;
}
