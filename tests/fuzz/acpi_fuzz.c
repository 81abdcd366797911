// SPDX-License-Identifier: MIT
/*
 * The input is a piece of physical memory with ACPI tables in it, the root pointer first.
 * Because blind changes would all end at a checksum, byte 0 says whether checksums are put
 * right first. Every table is then walked to its end.
 */
#include <kernel/acpi.h>

#include <kernel/assert.h>
#include <kernel/bits.h>
#include <kernel/log.h>
#include <stdlib.h>
#include <string.h>

#define BASE     UINT64_C(0x1000)
#define STEPS    4096u /* no walk over 4 KiB of tables is longer */
#define NR_FIXED 32u

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static uint8_t *memory; /* exact size, so that reading past the end is seen */
static size_t size;

static void ignore_text(const char *text, size_t length)
{
	(void)text;
	(void)length;
}

static const void *view(struct phys p, uint64_t length)
{
	if (p.addr < BASE || p.addr - BASE > size || length > size - (p.addr - BASE))
		return NULL;
	return memory + (p.addr - BASE);
}

static void seal(size_t at, size_t length, size_t checksum)
{
	uint8_t sum = 0;

	if (at > size || length > size - at || checksum >= length)
		return;
	memory[at + checksum] = 0;
	for (size_t i = 0; i < length; i++)
		sum = (uint8_t)(sum + memory[at + i]);
	memory[at + checksum] = (uint8_t)-sum;
}

static void seal_table(uint64_t address)
{
	if (address >= BASE && address - BASE < size && size - (address - BASE) >= 36)
		seal(address - BASE, le32_load(memory + (address - BASE) + 4), 9);
}

static uint64_t field(size_t offset, unsigned width)
{
	if (offset + width > size)
		return 0;
	return width == 8 ? le64_load(memory + offset) : le32_load(memory + offset);
}

/* Tables named by a root table at `root`, then the root itself; the DSDT hangs on the FADT. */
static void seal_root(uint64_t root, unsigned width)
{
	if (root < BASE)
		return;
	for (unsigned i = 0; i < NR_FIXED; i++) {
		uint64_t table = field(root - BASE + 36 + i * width, width);

		if (table >= BASE && table - BASE < size && size - (table - BASE) > 44 &&
		    memcmp(memory + (table - BASE), "FACP", 4) == 0)
			seal_table(field(table - BASE + 40, 4));
		seal_table(table);
	}
	seal_table(root);
}

static void seal_all(void)
{
	seal_root(field(16, 4), 4);
	seal_root(field(24, 8), 8);
	seal(0, 20, 8);
	seal(0, 36, 32);
}

#define WALK(next, type)                         \
	do {                                     \
		size_t cursor = 0;               \
		unsigned steps = 0;              \
		type item;                       \
		while (next(&cursor, &item))     \
			ASSERT(++steps < STEPS); \
	} while (0)

static void walk_all(void)
{
	struct acpi_power_off plan;
	char text[64];

	WALK(acpi_cpu_next, struct acpi_cpu);
	WALK(acpi_io_apic_next, struct acpi_io_apic);
	WALK(acpi_override_next, struct acpi_override);
	WALK(acpi_local_nmi_next, struct acpi_local_nmi);
	WALK(acpi_cpu_affinity_next, struct acpi_cpu_affinity);
	WALK(acpi_memory_affinity_next, struct acpi_memory_affinity);
	WALK(acpi_ecam_next, struct acpi_ecam);
	(void)acpi_local_apic_address();
	for (unsigned i = 0; i < 9; i++)
		ASSERT(acpi_distance(i / 3, i % 3) >= 10);
	for (unsigned i = 0; i < acpi_table_count(); i++)
		acpi_table_describe(i, text, sizeof(text));
	if (acpi_power_off_plan(&plan))
		ASSERT(plan.a.address != 0 && acpi_power()->present);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	if (length < 1)
		return 0;
	log_set_sink(ignore_text);
	size = length - 1;
	memory = malloc(size ? size : 1);
	ASSERT(memory);
	memcpy(memory, bytes + 1, size);
	if (bytes[0] & 1)
		seal_all();
	acpi_load(phys(BASE), view);
	walk_all();
	acpi_load(phys(0), view); /* forget what lies in memory that goes */
	free(memory);
	return 0;
}
