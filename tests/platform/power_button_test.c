// SPDX-License-Identifier: MIT
/*
 * The fixed power button against a model of the event registers: written status bits clear,
 * and the interrupt is up while an enabled event waits.
 */
#include <platform/x86_64/power_button.h>
#include <tests/test.h>

#include <string.h>

#define PM1A    0x600u
#define PM1B    0x700u
#define GENERAL 0x620u
#define BUTTON  0x100u
#define TIMER   0x001u

static struct {
	uint16_t status[2], enable[2]; /* PM1a, PM1b */
	uint8_t general[16];           /* half status, half enable */
	unsigned strange;              /* accesses to anything else */
} model;

static unsigned block_of(uint16_t port)
{
	model.strange += (port & ~0x102u) != PM1A;
	return (port & ~2u) == PM1B;
}

static uint16_t model_read16(uint16_t port)
{
	unsigned block = block_of(port);

	return port & 2 ? model.enable[block] : model.status[block];
}

static void model_write16(uint16_t port, uint16_t value)
{
	unsigned block = block_of(port);

	if (port & 2)
		model.enable[block] = value;
	else
		model.status[block] &= (uint16_t)~value;
}

static void model_write8(uint16_t port, uint8_t value)
{
	if (port - GENERAL < sizeof(model.general))
		model.general[port - GENERAL] = value;
	else
		model.strange++;
}

static bool interrupt_is_up(void)
{
	bool up = (model.status[0] & model.enable[0]) || (model.status[1] & model.enable[1]);

	for (unsigned i = 0; i < 8; i++)
		up |= model.general[i] & model.general[8 + i];
	return up;
}

static struct power_button button;
static struct acpi_power power;

/* As firmware may leave it: an event that only AML knows is enabled, and waits. */
static void start(void)
{
	memset(&model, 0, sizeof(model));
	memset(model.general, 0xff, sizeof(model.general));
	model.status[0] = BUTTON | TIMER;
	model.enable[0] = TIMER;
	button = (struct power_button){
		.read16 = model_read16,
		.write16 = model_write16,
		.write8 = model_write8,
	};
	power = (struct acpi_power){
		.has_power_button = true,
		.pm1a_event = {ACPI_SPACE_IO, 32, PM1A},
		.pm1_event_bytes = 4,
		.general_event = {{ACPI_SPACE_IO, 8, GENERAL}},
		.general_event_bytes = {16},
	};
}

TEST(power_button, is_the_only_event_that_interrupts)
{
	start();
	CHECK(interrupt_is_up());
	REQUIRE(power_button_arm(&button, &power));
	CHECK(!interrupt_is_up());
	CHECK_EQ(model.enable[0], BUTTON);
	CHECK_EQ(model.strange, 0);
	model.status[0] |= TIMER;
	CHECK(!interrupt_is_up() && !power_button_take(&button));
}

TEST(power_button, each_press_is_taken_once)
{
	start();
	REQUIRE(power_button_arm(&button, &power));
	CHECK(!power_button_take(&button));
	for (unsigned i = 0; i < 3; i++) {
		model.status[0] |= BUTTON;
		CHECK(interrupt_is_up());
		CHECK(power_button_take(&button));
		CHECK(!interrupt_is_up());
		CHECK(!power_button_take(&button));
	}
	CHECK_EQ(model.status[0], TIMER);
	CHECK_EQ(model.strange, 0);
}

TEST(power_button, second_register_block)
{
	start();
	power.pm1b_event = (struct acpi_register){ACPI_SPACE_IO, 32, PM1B};
	REQUIRE(power_button_arm(&button, &power));
	CHECK_EQ(model.enable[1], BUTTON);
	model.status[1] |= BUTTON;
	CHECK(power_button_take(&button));
	CHECK(!interrupt_is_up());
	CHECK_EQ(model.strange, 0);
}

TEST(power_button, tables_without_one_touch_nothing)
{
	start();
	power.has_power_button = false;
	CHECK(!power_button_arm(&button, &power));
	power.has_power_button = true;
	power.pm1a_event.space = ACPI_SPACE_MEMORY;
	CHECK(!power_button_arm(&button, &power));
	power.pm1a_event = (struct acpi_register){ACPI_SPACE_IO, 32, 0x10000};
	CHECK(!power_button_arm(&button, &power));
	CHECK(model.enable[0] == TIMER && model.general[8] == 0xff);
	CHECK_EQ(model.strange, 0);
	CHECK(!power_button_take(&button));
}
