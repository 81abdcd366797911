// SPDX-License-Identifier: MIT
/*
 * Looks for the pattern of a constant _BBN (ACPI 6.5, 6.5.5; encoding: chapter 20). No AML is
 * run.
 */
#include <pci/root_buses.h>
#include <kernel/acpi.h>
#include <string.h>

#define HEADER_SIZE  36
#define NAME_OP      0x08
#define ZERO_OP      0x00
#define ONE_OP       0x01
#define BYTE_PREFIX  0x0a
#define WORD_PREFIX  0x0b
#define DWORD_PREFIX 0x0c
#define TABLES_MAX   64

/* The integer after the name; -1 when it is none, or no bus number. */
static int constant_at(const uint8_t *code, size_t length)
{
	if (length >= 1 && code[0] <= ONE_OP)
		return code[0];
	if (length >= 2 && code[0] == BYTE_PREFIX)
		return code[1];
	if (length >= 3 && code[0] == WORD_PREFIX && code[2] == 0)
		return code[1];
	if (length >= 5 && code[0] == DWORD_PREFIX && !code[2] && !code[3] && !code[4])
		return code[1];
	return -1;
}

bool pci_root_buses_collect(const uint8_t *code, size_t length, struct pci_bus_set *roots)
{
	for (size_t at = HEADER_SIZE + 1; at + 4 <= length; at++) {
		int bus;

		if (code[at] != '_' || memcmp(code + at, "_BBN", 4) != 0)
			continue;
		bus = constant_at(code + at + 4, length - at - 4);
		if (code[at - 1] != NAME_OP || bus < 0)
			return false;
		pci_bus_set_add(roots, (unsigned)bus);
	}
	return true;
}

bool pci_root_buses_find(struct pci_bus_set *roots)
{
	unsigned tables = 0;

	for (unsigned i = 0; i < TABLES_MAX; i++) {
		size_t length;
		const void *code = acpi_code_find(i, &length);

		if (!code)
			continue;
		tables++;
		if (!pci_root_buses_collect(code, length, roots))
			return false;
	}
	return tables > 0;
}
