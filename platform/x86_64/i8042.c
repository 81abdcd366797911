// SPDX-License-Identifier: MIT
/*
 * Keyboard controller: probing with time-outs, and reading scan codes.
 */
#include "i8042.h"

#include <kernel/bits.h>

#define STATUS_OUTPUT_FULL BIT(0)
#define STATUS_INPUT_FULL  BIT(1)
#define STATUS_FROM_MOUSE  BIT(5)

#define COMMAND_READ_CONFIG   0x20
#define COMMAND_WRITE_CONFIG  0x60
#define COMMAND_DISABLE_MOUSE 0xa7
#define COMMAND_SELF_TEST     0xaa
#define COMMAND_DISABLE_KEYS  0xad
#define COMMAND_ENABLE_KEYS   0xae
#define SELF_TEST_PASSED      0x55

#define CONFIG_KEYS_INTERRUPT  BIT(0)
#define CONFIG_MOUSE_INTERRUPT BIT(1)
#define CONFIG_KEYS_DISABLED   BIT(4)
#define CONFIG_TRANSLATE       BIT(6)

#define KEYBOARD_ENABLE 0xf4
#define KEYBOARD_ACK    0xfa

/* Polls of the status port, about a microsecond each: 50 ms. A self test takes longest. */
#define POLLS_MAX 50000u
/* Bytes that may be stuck in the controller before we talk to it. */
#define FLUSH_MAX 64u

static bool wait_status(struct i8042 *controller, uint8_t mask, uint8_t value)
{
	for (unsigned i = 0; i < POLLS_MAX; i++) {
		uint8_t status = controller->read(I8042_COMMAND);

		if ((status & mask) == value)
			return true;
		if (status == 0xff)
			return false;
	}
	return false;
}

static bool send(struct i8042 *controller, uint16_t port, uint8_t value)
{
	if (!wait_status(controller, STATUS_INPUT_FULL, 0))
		return false;
	controller->write(port, value);
	return true;
}

static int receive(struct i8042 *controller)
{
	if (!wait_status(controller, STATUS_OUTPUT_FULL, STATUS_OUTPUT_FULL))
		return -1;
	return controller->read(I8042_DATA);
}

static bool flush(struct i8042 *controller)
{
	for (unsigned i = 0; i < FLUSH_MAX; i++) {
		if (!(controller->read(I8042_COMMAND) & STATUS_OUTPUT_FULL))
			return true;
		controller->read(I8042_DATA);
	}
	return false;
}

static int read_config(struct i8042 *controller)
{
	if (!send(controller, I8042_COMMAND, COMMAND_READ_CONFIG))
		return -1;
	return receive(controller);
}

static bool write_config(struct i8042 *controller, uint8_t config)
{
	return send(controller, I8042_COMMAND, COMMAND_WRITE_CONFIG) &&
	       send(controller, I8042_DATA, config);
}

static bool controller_answers(struct i8042 *controller)
{
	if (controller->read(I8042_COMMAND) == 0xff)
		return false;
	return send(controller, I8042_COMMAND, COMMAND_DISABLE_KEYS) &&
	       send(controller, I8042_COMMAND, COMMAND_DISABLE_MOUSE) && flush(controller) &&
	       send(controller, I8042_COMMAND, COMMAND_SELF_TEST) &&
	       receive(controller) == SELF_TEST_PASSED;
}

/* Ask for translation to set 1; a controller without it leaves the bit clear: decode set 2. */
static bool configure(struct i8042 *controller)
{
	int config = read_config(controller);

	if (config < 0)
		return false;
	uint8_t wanted = (uint8_t)config | CONFIG_TRANSLATE | CONFIG_KEYS_INTERRUPT;
	wanted &= (uint8_t) ~(CONFIG_MOUSE_INTERRUPT | CONFIG_KEYS_DISABLED);
	if (!write_config(controller, wanted))
		return false;
	config = read_config(controller);
	controller->keyboard.set2 = config >= 0 && !(config & CONFIG_TRANSLATE);
	return config >= 0;
}

bool i8042_probe(struct i8042 *controller)
{
	controller->present = false;
	controller->keyboard = (struct keyboard){.set2 = false};
	if (!controller_answers(controller) || !configure(controller) ||
	    !send(controller, I8042_COMMAND, COMMAND_ENABLE_KEYS) ||
	    !send(controller, I8042_DATA, KEYBOARD_ENABLE) ||
	    receive(controller) != KEYBOARD_ACK)
		return false;
	controller->present = true;
	return true;
}

size_t i8042_read(struct i8042 *controller, char text[KEYBOARD_TEXT_MAX], bool *more)
{
	*more = false;
	if (!controller->present)
		return 0;
	uint8_t status = controller->read(I8042_COMMAND);
	if (status == 0xff || !(status & STATUS_OUTPUT_FULL))
		return 0;
	*more = true;
	uint8_t code = controller->read(I8042_DATA);
	if (status & STATUS_FROM_MOUSE)
		return 0;
	return keyboard_take(&controller->keyboard, code, text);
}
