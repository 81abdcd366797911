// SPDX-License-Identifier: MIT
/*
 * The fixed power button. The interrupt is shared by all events of ACPI and stays up while one
 * that is enabled waits; those that only AML could answer are switched off, or the first of
 * them would never let go.
 */
#include "power_button.h"

#include <kernel/bits.h>

#define BUTTON BIT(8) /* in PM1 status, where writing it clears it, and in PM1 enable */

static bool is_port(const struct acpi_register *reg)
{
	return reg->space == ACPI_SPACE_IO && reg->address != 0 && reg->address <= UINT16_MAX;
}

/* The second half of a block of general events enables them (4.8.4.1). */
static void general_events_off(struct power_button *button, const struct acpi_register *block,
			       unsigned bytes)
{
	for (unsigned i = bytes / 2; is_port(block) && i < bytes; i++)
		button->write8((uint16_t)(block->address + i), 0);
}

bool power_button_arm(struct power_button *button, const struct acpi_power *power)
{
	const struct acpi_register *events[2] = {&power->pm1a_event, &power->pm1b_event};

	if (!power->has_power_button || !is_port(events[0]))
		return false;
	for (unsigned i = 0; i < 2; i++)
		general_events_off(button, &power->general_event[i],
				   power->general_event_bytes[i]);
	for (unsigned i = 0; i < 2; i++) {
		if (!is_port(events[i]))
			continue;
		button->status[i] = (uint16_t)events[i]->address;
		/* What was pressed before anybody listened is forgotten. */
		button->write16(button->status[i], BUTTON);
		button->write16((uint16_t)(button->status[i] + power->pm1_event_bytes / 2),
				BUTTON);
	}
	return true;
}

bool power_button_take(struct power_button *button)
{
	bool pressed = false;

	for (unsigned i = 0; i < 2; i++) {
		if (!button->status[i] || !(button->read16(button->status[i]) & BUTTON))
			continue;
		button->write16(button->status[i], BUTTON);
		pressed = true;
	}
	return pressed;
}
