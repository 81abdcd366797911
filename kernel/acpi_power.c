// SPDX-License-Identifier: MIT
/*
 * FADT, and the one thing we need of AML: the two numbers of \_S5. They stand in the byte code
 * of DSDT or an SSDT as Name (_S5, Package () {a, b, ...}); that pattern is looked for, nothing
 * is run (encoding: ACPI 6.5, chapter 20).
 */
#include "acpi_internal.h"

#include <kernel/log.h>

#define FADT_DSDT          40
#define FADT_SCI           46
#define FADT_SMI_COMMAND   48
#define FADT_ACPI_ENABLE   52
#define FADT_PM1A_EVENT    56
#define FADT_PM1B_EVENT    60
#define FADT_PM1A_CONTROL  64
#define FADT_PM1B_CONTROL  68
#define FADT_PM_TIMER      76
#define FADT_GPE0          80
#define FADT_GPE1          84
#define FADT_PM1_BYTES     88
#define FADT_GPE0_BYTES    92
#define FADT_GPE1_BYTES    93
#define FADT_BOOT_FLAGS    109
#define FADT_FLAGS         112
#define FADT_SIZE_1        116u /* ACPI 1.0 */
#define FADT_RESET         116
#define FADT_RESET_VALUE   128
#define FADT_X_DSDT        140
#define FADT_X_PM1A_EVENT  148
#define FADT_X_PM1B_EVENT  160
#define FADT_X_PM1A        172
#define FADT_X_PM1B        184
#define FADT_X_PM_TIMER    208
#define FADT_X_GPE0        220
#define FADT_X_GPE1        232
#define FADT_SLEEP_CONTROL 244
#define REGISTER_SIZE      12u

#define FLAG_BUTTON_IN_AML   BIT(4) /* the power button is a device of AML */
#define FLAG_TIMER_32        BIT(8)
#define FLAG_RESET           BIT(10)
#define FLAG_REDUCED         BIT(20)
#define BOOT_FLAG_I8042      BIT(1)
#define FADT_REVISION_FLAGS  2 /* from here on the boot flags mean something */
#define FADT_REVISION_OFFSET 8

/* AML. */
#define AML_NAME    0x08
#define AML_PACKAGE 0x12
#define AML_BYTE    0x0a
#define AML_WORD    0x0b
#define AML_DWORD   0x0c

#define SSDTS_MAX 32u

#define PM1_SCI_ENABLE   BIT(0)
#define PM1_SLEEP_SHIFT  10
#define PM1_SLEEP_ENABLE BIT(13)
#define SLEEP_TYPE_SHIFT 2 /* sleep control register */
#define SLEEP_ENABLE     BIT(5)

static struct acpi_power power;

const struct acpi_power *acpi_power(void)
{
	return &power;
}

/* A generic address structure, or none when the table is too short for it. */
static struct acpi_register register_at(const uint8_t *fadt, size_t length, size_t offset)
{
	struct acpi_register reg = {.space = 0};

	if (length < offset + REGISTER_SIZE)
		return reg;
	reg.space = fadt[offset];
	reg.bits = fadt[offset + 1];
	reg.address = le64_load(fadt + offset + 4);
	return reg;
}

/* The extended field where it is filled, else the port of ACPI 1.0. */
static struct acpi_register register_or_port(const uint8_t *fadt, size_t length,
					     size_t extended, size_t port, uint8_t bits)
{
	struct acpi_register reg = register_at(fadt, length, extended);

	if (reg.address != 0)
		return reg;
	return (struct acpi_register){ACPI_SPACE_IO, bits, le32_load(fadt + port)};
}

/* AML integer at *at; false when there is none that we know. */
static bool aml_integer(const uint8_t *code, size_t length, size_t *at, uint8_t *value)
{
	size_t skip;

	if (*at >= length)
		return false;
	switch (code[*at]) {
	case 0:
	case 1:
		*value = code[(*at)++];
		return true;
	case AML_BYTE:
		skip = 1;
		break;
	case AML_WORD:
		skip = 2;
		break;
	case AML_DWORD:
		skip = 4;
		break;
	default:
		return false;
	}
	if (length - *at <= skip)
		return false;
	*value = code[*at + 1];
	*at += 1 + skip;
	return true;
}

/* Is a Name(_S5, Package) at `at`, the place of "_S5_"? Then take its first two numbers. */
static bool s5_package(const uint8_t *code, size_t length, size_t at)
{
	bool named = (at >= 1 && code[at - 1] == AML_NAME) ||
		     (at >= 2 && code[at - 2] == AML_NAME && code[at - 1] == '\\');

	at += 4;
	if (!named || length - at < 4 || code[at] != AML_PACKAGE)
		return false;
	/* The length's first byte says in two bits how many follow; then the element count. */
	at += 2 + (code[at + 1] >> 6);
	if (at >= length || code[at] < 1)
		return false;
	uint8_t elements = code[at++];
	uint8_t type_a, type_b = 0;
	if (!aml_integer(code, length, &at, &type_a))
		return false;
	if (elements > 1 && !aml_integer(code, length, &at, &type_b))
		return false;
	power.s5_type_a = type_a & 7;
	power.s5_type_b = type_b & 7;
	return true;
}

static bool s5_search(const uint8_t *code, size_t length)
{
	for (size_t at = ACPI_HEADER_SIZE; at + 4 <= length; at++)
		if (code[at] == '_' && memcmp(code + at, "_S5_", 4) == 0 &&
		    s5_package(code, length, at))
			return true;
	return false;
}

static const void *dsdt_find(size_t *length)
{
	size_t fadt_length;
	const uint8_t *fadt = acpi_table_find("FACP", 0, &fadt_length);
	struct phys address;

	if (!fadt || fadt_length < FADT_DSDT + 4)
		return NULL;
	address = phys(le32_load(fadt + FADT_DSDT));
	if (fadt_length >= FADT_X_DSDT + 8 && le64_load(fadt + FADT_X_DSDT) != 0)
		address = phys(le64_load(fadt + FADT_X_DSDT));
	if (address.addr == 0)
		return NULL;
	return acpi_table_view(address, "DSDT", ACPI_HEADER_SIZE, length);
}

const void *acpi_code_find(unsigned index, size_t *length)
{
	return index == 0 ? dsdt_find(length) : acpi_table_find("SSDT", index - 1, length);
}

static void s5_load(void)
{
	for (unsigned i = 0; !power.has_s5 && i <= SSDTS_MAX; i++) {
		size_t length;
		const uint8_t *code = acpi_code_find(i, &length);

		power.has_s5 = code && s5_search(code, length);
	}
}

static void events_load(const uint8_t *fadt, size_t length, uint32_t flags)
{
	power.pm1a_event =
		register_or_port(fadt, length, FADT_X_PM1A_EVENT, FADT_PM1A_EVENT, 32);
	power.pm1b_event =
		register_or_port(fadt, length, FADT_X_PM1B_EVENT, FADT_PM1B_EVENT, 32);
	power.pm1_event_bytes = fadt[FADT_PM1_BYTES];
	power.sci_line = le16_load(fadt + FADT_SCI);
	power.general_event[0] = register_or_port(fadt, length, FADT_X_GPE0, FADT_GPE0, 8);
	power.general_event[1] = register_or_port(fadt, length, FADT_X_GPE1, FADT_GPE1, 8);
	power.general_event_bytes[0] = fadt[FADT_GPE0_BYTES];
	power.general_event_bytes[1] = fadt[FADT_GPE1_BYTES];
	power.has_power_button = !(flags & (FLAG_BUTTON_IN_AML | FLAG_REDUCED)) &&
				 power.pm1a_event.address != 0 && power.pm1_event_bytes >= 4;
}

static void fadt_load(const uint8_t *fadt, size_t length)
{
	uint32_t flags = le32_load(fadt + FADT_FLAGS);

	power.present = true;
	power.hardware_reduced = flags & FLAG_REDUCED;
	power.pm1a_control = register_or_port(fadt, length, FADT_X_PM1A, FADT_PM1A_CONTROL, 16);
	power.pm1b_control = register_or_port(fadt, length, FADT_X_PM1B, FADT_PM1B_CONTROL, 16);
	power.pm_timer = register_or_port(fadt, length, FADT_X_PM_TIMER, FADT_PM_TIMER, 32);
	power.pm_timer_32_bits = flags & FLAG_TIMER_32;
	power.sleep_control = register_at(fadt, length, FADT_SLEEP_CONTROL);
	power.reset = register_at(fadt, length, FADT_RESET);
	power.has_reset =
		(flags & FLAG_RESET) && power.reset.address != 0 && length > FADT_RESET_VALUE;
	if (power.has_reset)
		power.reset_value = fadt[FADT_RESET_VALUE];
	power.no_i8042 = fadt[FADT_REVISION_OFFSET] >= FADT_REVISION_FLAGS &&
			 !(le16_load(fadt + FADT_BOOT_FLAGS) & BOOT_FLAG_I8042);
	power.smi_command = le32_load(fadt + FADT_SMI_COMMAND);
	power.acpi_enable = fadt[FADT_ACPI_ENABLE];
	events_load(fadt, length, flags);
	s5_load();
}

void acpi_power_load(void)
{
	size_t length;
	const uint8_t *fadt = acpi_table_find("FACP", 0, &length);

	power = (struct acpi_power){.present = false};
	if (fadt && length >= FADT_SIZE_1)
		fadt_load(fadt, length);
	else if (fadt)
		log_warn("acpi: FADT is only %zu bytes long: no power-off through ACPI",
			 length);
}

bool acpi_power_off_plan(struct acpi_power_off *plan)
{
	*plan = (struct acpi_power_off){.value_a = 0};
	if (!power.present || !power.has_s5)
		return false;
	if (power.hardware_reduced && power.sleep_control.address != 0) {
		plan->a = power.sleep_control;
		plan->value_a = (uint16_t)(power.s5_type_a << SLEEP_TYPE_SHIFT | SLEEP_ENABLE);
		return true;
	}
	if (power.hardware_reduced || power.pm1a_control.address == 0)
		return false;
	plan->a = power.pm1a_control;
	plan->b = power.pm1b_control;
	plan->value_a = (uint16_t)(power.s5_type_a << PM1_SLEEP_SHIFT | PM1_SLEEP_ENABLE |
				   PM1_SCI_ENABLE);
	plan->value_b = (uint16_t)(power.s5_type_b << PM1_SLEEP_SHIFT | PM1_SLEEP_ENABLE |
				   PM1_SCI_ENABLE);
	return true;
}
