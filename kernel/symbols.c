// SPDX-License-Identifier: MIT
/*
 * Binary search in the kernel's own symbol table. The first link has no table yet, and neither
 * has the hosted port: the references are weak and the answer is then "unknown".
 */
#include <kernel/symbols.h>
#include <stddef.h>

extern const uint64_t symbol_table_addresses[] __attribute__((weak));
extern const uint32_t symbol_table_names[] __attribute__((weak));
extern const uint32_t symbol_table_count __attribute__((weak));
extern const char symbol_table_text[] __attribute__((weak));

/* A return address past the last function by more than this belongs to something else. */
#define FUNCTION_SIZE_MAX 0x10000

const char *symbol_find(uintptr_t address, uintptr_t *offset)
{
	const volatile uint32_t *present = &symbol_table_count;

	if (!present || address < symbol_table_addresses[0])
		return NULL;
	size_t low = 0;
	size_t high = symbol_table_count;
	while (high - low > 1) {
		size_t middle = (low + high) / 2;
		if (symbol_table_addresses[middle] <= address)
			low = middle;
		else
			high = middle;
	}
	*offset = address - symbol_table_addresses[low];
	if (*offset > FUNCTION_SIZE_MAX)
		return NULL;
	return symbol_table_text + symbol_table_names[low];
}
