// SPDX-License-Identifier: MIT
/*
 * ACPI tables built byte by byte in a memory of the test's own. Hosted only: a target's own
 * tables must not be forgotten.
 */
#ifndef TESTS_KERNEL_ACPI_FIXTURE_H
#define TESTS_KERNEL_ACPI_FIXTURE_H

#include <kernel/acpi.h>
#include <kernel/bits.h>
#include <string.h>
#include <tests/kernel/text_sink.h>
#include <tests/test.h>

/* Fake physical memory at BASE. The root pointer is its first bytes, then the root tables. */
#define BASE   UINT64_C(0x7fe0000)
#define RSDP   0x0000
#define RSDT   0x0100
#define XSDT   0x0200
#define TABLES 0x0400

static uint8_t memory[0x10000];
static size_t used;
static size_t entries[32];
static unsigned nr_entries;

static inline const void *view(struct phys p, uint64_t size)
{
	if (p.addr < BASE || p.addr - BASE > sizeof(memory) ||
	    size > sizeof(memory) - (p.addr - BASE))
		return NULL;
	return memory + (p.addr - BASE);
}

static inline void seal(size_t at, size_t length, size_t checksum)
{
	uint8_t sum = 0;

	memory[at + checksum] = 0;
	for (size_t i = 0; i < length; i++)
		sum = (uint8_t)(sum + memory[at + i]);
	memory[at + checksum] = (uint8_t)-sum;
}

static inline void put_header(size_t at, const char *signature, size_t length)
{
	memcpy(memory + at, signature, 4);
	le32_store(memory + at + 4, (uint32_t)length);
	memory[at + 8] = 3;
	seal(at, length, 9);
}

static inline void start(void)
{
	memset(memory, 0, sizeof(memory));
	used = TABLES;
	nr_entries = 0;
}

/* Room for a table; fill it behind the header, then seal_table(). */
static inline size_t table(const char *signature, size_t length, bool listed)
{
	size_t at = used;

	used += (length + 15) & ~(size_t)15;
	memcpy(memory + at, signature, 4);
	le32_store(memory + at + 4, (uint32_t)length);
	if (listed)
		entries[nr_entries++] = at;
	return at;
}

static inline void seal_table(size_t at)
{
	char signature[5] = {0};

	memcpy(signature, memory + at, 4);
	put_header(at, signature, le32_load(memory + at + 4));
}

static inline void put_roots(void)
{
	for (unsigned i = 0; i < nr_entries; i++) {
		le32_store(memory + RSDT + 36 + i * 4, (uint32_t)(BASE + entries[i]));
		le64_store(memory + XSDT + 36 + i * 8, BASE + entries[i]);
	}
	put_header(RSDT, "RSDT", 36 + nr_entries * 4);
	put_header(XSDT, "XSDT", 36 + nr_entries * 8);
	memcpy(memory + RSDP, "RSD PTR ", 8);
	memory[RSDP + 15] = 2;
	le32_store(memory + RSDP + 16, BASE + RSDT);
	le32_store(memory + RSDP + 20, 36);
	le64_store(memory + RSDP + 24, BASE + XSDT);
	seal(RSDP, 20, 8);
	seal(RSDP, 36, 32);
}

static inline const char *load(void)
{
	text_sink_open();
	acpi_load(phys(BASE + RSDP), view);
	return text_sink_close();
}

static inline void put_bytes(size_t at, const char *bytes, size_t length)
{
	memcpy(memory + at, bytes, length);
}

#endif
