// SPDX-License-Identifier: MIT
/*
 * ACPI: from the root pointer to a list of checked tables.
 */
#include "acpi_internal.h"

#include <kernel/format.h>
#include <kernel/log.h>

/* Root pointer (RSDP). */
#define RSDP_SIZE_1   20u
#define RSDP_REVISION 15
#define RSDP_RSDT     16
#define RSDP_LENGTH   20
#define RSDP_XSDT     24
#define RSDP_SIZE_2   36u

/* Every other table starts with these. */
#define TABLE_LENGTH   4
#define TABLE_REVISION 8

/* The largest tables seen are a few MiB (DSDT); more is a broken length. */
#define TABLE_LENGTH_MAX MIB(16)
#define TABLES_MAX       96u

static acpi_view_fn *table_view;
static struct {
	const uint8_t *data;
	size_t length;
} tables[TABLES_MAX];
static unsigned nr_tables;

static bool checksum_good(const uint8_t *data, size_t length)
{
	uint8_t sum = 0;

	for (size_t i = 0; i < length; i++)
		sum = (uint8_t)(sum + data[i]);
	return sum == 0;
}

/* Four bytes from outside as text. */
static void signature_text(const uint8_t *data, char text[5])
{
	for (unsigned i = 0; i < 4; i++)
		text[i] = data[i] >= ' ' && data[i] <= '~' ? (char)data[i] : '?';
	text[4] = '\0';
}

static const uint8_t *table_refuse(const uint8_t *data, struct phys address, const char *why)
{
	char name[5] = "????";

	if (data)
		signature_text(data, name);
	log_warn("acpi: table %s at %#llx %s: ignored, update the firmware", name,
		 (unsigned long long)address.addr, why);
	return NULL;
}

const uint8_t *acpi_table_view(struct phys address, const char *signature, size_t minimum,
			       size_t *length)
{
	const uint8_t *data = table_view(address, ACPI_HEADER_SIZE);

	if (!data)
		return table_refuse(data, address, "lies outside memory");
	if (signature && memcmp(data, signature, 4) != 0)
		return table_refuse(data, address, "has the wrong signature");
	*length = le32_load(data + TABLE_LENGTH);
	if (*length < minimum || *length > TABLE_LENGTH_MAX)
		return table_refuse(data, address, "has an impossible length");
	const uint8_t *whole = table_view(address, *length);
	if (!whole)
		return table_refuse(data, address, "runs out of memory");
	if (!checksum_good(whole, *length))
		return table_refuse(whole, address, "has a wrong checksum");
	return whole;
}

static void table_add(struct phys address)
{
	size_t length;

	if (address.addr == 0)
		return;
	if (nr_tables == TABLES_MAX) {
		log_warn("acpi: more than %u tables: %#llx and later ones ignored", TABLES_MAX,
			 (unsigned long long)address.addr);
		return;
	}
	const uint8_t *data = acpi_table_view(address, NULL, ACPI_HEADER_SIZE, &length);
	if (!data)
		return;
	tables[nr_tables].data = data;
	tables[nr_tables].length = length;
	nr_tables++;
}

/* XSDT (entries of 8 bytes) or RSDT (4). False when the table itself is unusable. */
static bool take_root_table(struct phys address, const char *signature, unsigned entry_size)
{
	size_t length;

	if (address.addr == 0)
		return false;
	const uint8_t *root = acpi_table_view(address, signature, ACPI_HEADER_SIZE, &length);
	if (!root)
		return false;
	size_t count = (length - ACPI_HEADER_SIZE) / entry_size;
	if (count > TABLES_MAX) {
		log_warn("acpi: %s names %zu tables, only %u are looked at", signature, count,
			 TABLES_MAX);
		count = TABLES_MAX;
	}
	for (size_t i = 0; i < count; i++) {
		const uint8_t *entry = root + ACPI_HEADER_SIZE + i * entry_size;

		table_add(phys(entry_size == 8 ? le64_load(entry) : le32_load(entry)));
	}
	return true;
}

/* Where XSDT and RSDT are; false with a message when the root pointer is unusable. */
static bool root_pointer(struct phys root, struct phys *xsdt, struct phys *rsdt)
{
	const uint8_t *data = table_view(root, RSDP_SIZE_1);

	if (!data || memcmp(data, "RSD PTR ", 8) != 0 || !checksum_good(data, RSDP_SIZE_1)) {
		log_warn("acpi: no valid root pointer at %#llx: one CPU, no NUMA, no ECAM",
			 (unsigned long long)root.addr);
		return false;
	}
	*rsdt = phys(le32_load(data + RSDP_RSDT));
	*xsdt = phys(0);
	if (data[RSDP_REVISION] < 2)
		return true;
	data = table_view(root, RSDP_SIZE_2);
	if (!data || le32_load(data + RSDP_LENGTH) < RSDP_SIZE_2 ||
	    !checksum_good(data, RSDP_SIZE_2))
		log_warn("acpi: the root pointer's second half is malformed: using its first");
	else
		*xsdt = phys(le64_load(data + RSDP_XSDT));
	return true;
}

unsigned acpi_load(struct phys root, acpi_view_fn *view)
{
	struct phys xsdt, rsdt;

	nr_tables = 0;
	table_view = view;
	if (root.addr == 0)
		log_warn("acpi: firmware gave no root pointer: one CPU, no NUMA, no ECAM");
	else if (root_pointer(root, &xsdt, &rsdt) && !take_root_table(xsdt, "XSDT", 8) &&
		 !take_root_table(rsdt, "RSDT", 4))
		log_warn("acpi: neither XSDT nor RSDT is usable: one CPU, no NUMA, no ECAM");
	acpi_power_load();
	return nr_tables;
}

const void *acpi_table_find(const char *signature, unsigned index, size_t *length)
{
	for (unsigned i = 0; i < nr_tables; i++) {
		if (memcmp(tables[i].data, signature, 4) != 0 || index-- > 0)
			continue;
		*length = tables[i].length;
		return tables[i].data;
	}
	return NULL;
}

unsigned acpi_table_count(void)
{
	return nr_tables;
}

void acpi_table_describe(unsigned i, char *text, size_t size)
{
	char name[5];

	signature_text(tables[i].data, name);
	format(text, size, "%s revision %u, %zu bytes", name, tables[i].data[TABLE_REVISION],
	       tables[i].length);
}
