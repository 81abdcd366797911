// SPDX-License-Identifier: MIT
/*
 * The wish to switch off, heard in an interrupt and carried out in a thread.
 */
#include <kernel/power_button.h>

#include <kernel/attributes.h>
#include <kernel/log.h>
#include <kernel/shutdown.h>
#include <kernel/work.h>
#include <platform/exit.h>

static void switch_off(struct work *work UNUSED)
{
	log_info("power: the power button was pressed");
	shutdown_power_off();
}

static struct work off_work = WORK_INIT(off_work, switch_off);

static void pressed(void)
{
	work_queue(&off_work);
}

void power_button_init(void)
{
	if (!platform_power_button(pressed))
		log_debug("power: no power button that could be heard");
}
