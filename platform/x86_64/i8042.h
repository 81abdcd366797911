// SPDX-License-Identifier: MIT
/*
 * The PC's keyboard controller, over port access functions so that tests can give it a model.
 * Every wait is bounded: a controller that is absent or stuck costs milliseconds.
 */
#ifndef PLATFORM_X86_64_I8042_H
#define PLATFORM_X86_64_I8042_H

#include <platform/x86_64/keyboard.h>

#define I8042_DATA    0x60
#define I8042_COMMAND 0x64 /* read: status */

struct i8042 {
	uint8_t (*read)(uint16_t port);
	void (*write)(uint16_t port, uint8_t value);
	bool present; /* controller and keyboard answered */
	struct keyboard keyboard;
};

/* Find controller and keyboard, choose the scan set, enable the keyboard with its interrupt. */
bool i8042_probe(struct i8042 *controller);

/* Take what has arrived; characters typed to text, their number, 0 when nothing is waiting or
 * it types nothing, with *more telling whether to ask again. */
size_t i8042_read(struct i8042 *controller, char text[KEYBOARD_TEXT_MAX], bool *more);

#endif
