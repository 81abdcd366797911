// SPDX-License-Identifier: MIT
/*
 * Dates of the battery clock. Expected values: `date -u -d '...' +%s`.
 */
#include <platform/x86_64/rtc.h>
#include <kernel/bits.h>
#include <tests/test.h>

#define HOURS_24 BIT(1)
#define BINARY   BIT(2)

TEST(rtc, dates_become_seconds)
{
	struct rtc_registers first = {0, 0, 0, 1, 1, 0, HOURS_24 | BINARY};
	struct rtc_registers leap = {59, 59, 23, 29, 2, 24, HOURS_24 | BINARY};
	struct rtc_registers bcd = {0x30, 0x15, 0x09, 0x21, 0x11, 0x26, HOURS_24};
	struct rtc_registers last = {59, 59, 23, 31, 12, 99, HOURS_24 | BINARY};

	CHECK_EQ(rtc_seconds(&first), 946684800);
	CHECK_EQ(rtc_seconds(&leap), 1709251199);
	CHECK_EQ(rtc_seconds(&bcd), 1795252530);
	CHECK_EQ(rtc_seconds(&last), 4102444799);
}

TEST(rtc, twelve_hours_have_a_noon_and_a_midnight)
{
	struct rtc_registers midnight = {0, 0, 0x12, 1, 1, 0, 0};
	struct rtc_registers noon = {0, 0, 0x92, 1, 1, 0, 0};
	struct rtc_registers evening = {0, 0, 0x80 | 11, 1, 1, 0, BINARY};

	CHECK_EQ(rtc_seconds(&midnight), 946684800);
	CHECK_EQ(rtc_seconds(&noon), 946684800 + 12 * 3600);
	CHECK_EQ(rtc_seconds(&evening), 946684800 + 23 * 3600);
}

TEST(rtc, what_is_no_date_is_0)
{
	struct rtc_registers none = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
	struct rtc_registers bad_bcd = {0x1a, 0, 0, 1, 1, 0, HOURS_24};
	struct rtc_registers no_leap = {0, 0, 0, 29, 2, 23, HOURS_24 | BINARY};
	struct rtc_registers month_0 = {0, 0, 0, 1, 0, 23, HOURS_24 | BINARY};
	struct rtc_registers hour_0 = {0, 0, 0, 1, 1, 23, BINARY};

	CHECK_EQ(rtc_seconds(&none), 0);
	CHECK_EQ(rtc_seconds(&bad_bcd), 0);
	CHECK_EQ(rtc_seconds(&no_leap), 0);
	CHECK_EQ(rtc_seconds(&month_0), 0);
	CHECK_EQ(rtc_seconds(&hour_0), 0);
}
