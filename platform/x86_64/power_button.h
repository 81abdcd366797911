// SPDX-License-Identifier: MIT
/*
 * The power button as a fixed feature of ACPI (6.5, 4.8.2.2.1.1 and 4.8.3.1), over port access
 * functions so that tests can give it a model.
 */
#ifndef PLATFORM_X86_64_POWER_BUTTON_H
#define PLATFORM_X86_64_POWER_BUTTON_H

#include <kernel/acpi.h>

struct power_button {
	uint16_t (*read16)(uint16_t port);
	void (*write16)(uint16_t port, uint16_t value);
	void (*write8)(uint16_t port, uint8_t value);
	uint16_t status[2]; /* ports of PM1a and PM1b, 0 none */
};

/* Make the button the only event that interrupts. False: these tables name no such button, or
 * not in ports. The caller has entered ACPI mode and hears the interrupt afterwards. */
bool power_button_arm(struct power_button *button, const struct acpi_power *power);

/* On an interrupt: was it pressed since the last call? Acknowledges. Any context. */
bool power_button_take(struct power_button *button);

#endif
