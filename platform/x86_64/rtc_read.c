// SPDX-License-Identifier: MIT
/*
 * Reading the battery clock: twice, until both agree and no update is under way.
 */
#include <platform/clock.h>

#include <platform/x86_64/port_io.h>
#include <platform/x86_64/rtc.h>
#include <kernel/bits.h>
#include <kernel/lock.h>

#define INDEX_PORT       0x70
#define DATA_PORT        0x71
#define STATUS_A         0x0a
#define STATUS_B         0x0b
#define UPDATE_UNDER_WAY BIT(7)
#define TRIES            10
#define UPDATE_POLLS_MAX 10000u

static struct lock_class rtc_class = {.name = "battery clock"};
static struct spin_lock rtc_lock = SPIN_LOCK_INIT(&rtc_class);

static uint8_t cmos_read(uint8_t index)
{
	port_write8(INDEX_PORT, index);
	return port_read8(DATA_PORT);
}

static void registers_read(struct rtc_registers *r)
{
	for (unsigned i = 0; i < UPDATE_POLLS_MAX; i++)
		if (!(cmos_read(STATUS_A) & UPDATE_UNDER_WAY))
			break;
	*r = (struct rtc_registers){cmos_read(0),       cmos_read(2), cmos_read(4),
				    cmos_read(7),       cmos_read(8), cmos_read(9),
				    cmos_read(STATUS_B)};
}

uint64_t clock_wall_seconds(void)
{
	struct irq_state state = spin_lock_irqsave(&rtc_lock);
	struct rtc_registers first, second;
	uint64_t seconds = 0;

	registers_read(&first);
	for (unsigned i = 0; i < TRIES; i++) {
		registers_read(&second);
		if (memcmp(&first, &second, sizeof(first)) == 0) {
			seconds = rtc_seconds(&first);
			break;
		}
		first = second;
	}
	spin_unlock_irqrestore(&rtc_lock, state);
	return seconds;
}
