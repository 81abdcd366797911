// SPDX-License-Identifier: MIT
/*
 * The keyboard controller driver against models: a good one, none, and broken ones.
 */
#include <platform/x86_64/i8042.h>
#include <tests/test.h>

#include <string.h>

enum fault { WORKS, ABSENT, MUTE, ALWAYS_FULL, SELF_TEST_FAILS, NO_KEYBOARD, DEAF };

static struct {
	enum fault fault;
	bool translates; /* translation can be switched on */
	uint8_t config;
	uint8_t command; /* waits for its data byte */
	uint8_t output[8];
	unsigned nr_output;
	bool from_mouse;
	unsigned accesses;
} model;

static void push(uint8_t value)
{
	if (model.nr_output < sizeof(model.output))
		model.output[model.nr_output++] = value;
}

static uint8_t model_read(uint16_t port)
{
	model.accesses++;
	if (model.fault == ABSENT)
		return 0xff;
	if (port == I8042_COMMAND)
		return (uint8_t)((model.nr_output > 0 || model.fault == ALWAYS_FULL) |
				 (model.fault == DEAF) << 1 | model.from_mouse << 5);
	if (model.nr_output == 0)
		return 0;
	uint8_t value = model.output[0];
	memmove(model.output, model.output + 1, --model.nr_output);
	return value;
}

static void model_write(uint16_t port, uint8_t value)
{
	if (model.fault == MUTE)
		return;
	if (port == I8042_COMMAND) {
		model.command = value;
		if (value == 0xaa)
			push(model.fault == SELF_TEST_FAILS ? 0xfc : 0x55);
		if (value == 0x20)
			push(model.config);
	} else if (model.command == 0x60) {
		model.config = model.translates ? value : value & (uint8_t)~0x40;
		model.command = 0;
	} else if (model.fault != NO_KEYBOARD) {
		push(0xfa);
	}
}

static struct i8042 make(enum fault fault)
{
	memset(&model, 0, sizeof(model));
	model.fault = fault;
	model.translates = true;
	model.config = 0x30;
	return (struct i8042){.read = model_read, .write = model_write};
}

TEST(i8042, finds_a_keyboard_and_enables_its_interrupt)
{
	struct i8042 controller = make(WORKS);

	push(0x1c); /* a key pressed in the firmware's menu */
	CHECK(i8042_probe(&controller));
	CHECK_EQ(model.config, 0x61);
	CHECK(!controller.keyboard.set2);
	char text[KEYBOARD_TEXT_MAX];
	bool more;
	push(0x1e);
	CHECK_EQ(i8042_read(&controller, text, &more), 1);
	CHECK_EQ(text[0], 'a');
	CHECK(more);
	CHECK_EQ(i8042_read(&controller, text, &more), 0);
	CHECK(!more);
}

TEST(i8042, decodes_set_2_when_translation_does_not_exist)
{
	struct i8042 controller = make(WORKS);
	char text[KEYBOARD_TEXT_MAX];
	bool more;

	model.translates = false;
	CHECK(i8042_probe(&controller));
	CHECK(controller.keyboard.set2);
	push(0x1c);
	CHECK_EQ(i8042_read(&controller, text, &more), 1);
	CHECK_EQ(text[0], 'a');
}

TEST(i8042, bytes_of_the_mouse_type_nothing)
{
	struct i8042 controller = make(WORKS);
	char text[KEYBOARD_TEXT_MAX];
	bool more;

	CHECK(i8042_probe(&controller));
	model.from_mouse = true;
	push(0x1e);
	CHECK_EQ(i8042_read(&controller, text, &more), 0);
	CHECK(more);
}

TEST(i8042, absent_or_broken_controllers_cost_bounded_time)
{
	static const enum fault faults[] = {ABSENT,          MUTE, ALWAYS_FULL,
					    SELF_TEST_FAILS, DEAF, NO_KEYBOARD};

	for (unsigned i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		struct i8042 controller = make(faults[i]);
		char text[KEYBOARD_TEXT_MAX];
		bool more;

		CHECK(!i8042_probe(&controller));
		CHECK(model.accesses < 110000);
		CHECK_EQ(i8042_read(&controller, text, &more), 0);
		CHECK(!more);
	}
}
