// SPDX-License-Identifier: MIT
/*
 * Linker tables: any file may add a pointer to a record, the owner walks them all. Tables of
 * pointers have no padding trouble. The order is the linker's; an owner that cares sorts.
 * linker/tables.ld lists every table for the targets; the hosted linker makes the symbols
 * itself.
 */
#ifndef KERNEL_TABLE_H
#define KERNEL_TABLE_H

/* Weak: the hosted linker makes no symbols for a table that nobody adds to; it is then empty.
 */
#define TABLE_DECLARE(table, type)                                        \
	extern const type *const __start_##table[] __attribute__((weak)); \
	extern const type *const __stop_##table[] __attribute__((weak))

#define TABLE_ENTRY(table, type, record)                                                   \
	__attribute__((used, section(#table))) static const type *const table##_##record = \
		&record

#define table_for_each(table, entry)                                                          \
	for (__typeof__(&__start_##table[0]) entry = __start_##table; entry < __stop_##table; \
	     entry++)

#endif
