// SPDX-License-Identifier: MIT
/*
 * Numbers of PCI root buses as firmware names them: Name (_BBN, number) in each host bridge
 * (ACPI 6.5, 6.5.5; encoding: chapter 20). Looking for a second root by asking all 256 buses
 * costs 8,192 accesses, each an exit to a hypervisor. Only the pattern of a constant is looked
 * for; no AML is run.
 */
#include <kernel/acpi.h>
#include <kernel/bits.h>
#include <string.h>

#define HEADER_SIZE  36
#define NAME_OP      0x08
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

bool acpi_root_buses_collect(const uint8_t *code, size_t length, uint64_t buses[4])
{
	for (size_t at = HEADER_SIZE + 1; at + 4 <= length; at++) {
		int bus;

		if (code[at] != '_' || memcmp(code + at, "_BBN", 4) != 0)
			continue;
		bus = constant_at(code + at + 4, length - at - 4);
		if (code[at - 1] != NAME_OP || bus < 0)
			return false;
		buses[bus / 64] |= BIT64(bus % 64);
	}
	return true;
}

bool acpi_root_buses(uint64_t buses[4])
{
	unsigned tables = 0;

	memset(buses, 0, 4 * sizeof(buses[0]));
	for (unsigned i = 0; i < TABLES_MAX; i++) {
		size_t length;
		const void *code = acpi_code_find(i, &length);

		if (!code)
			continue;
		tables++;
		if (!acpi_root_buses_collect(code, length, buses))
			return false;
	}
	return tables > 0;
}
