// SPDX-License-Identifier: MIT
/*
 * Constant _BBN in AML, as compilers write it, and everything else.
 */
#include <kernel/acpi.h>
#include <string.h>
#include <tests/test.h>

#define HEADER 36

static uint64_t roots[4];

static bool is_root(unsigned bus)
{
	return roots[bus / 64] >> bus % 64 & 1;
}

static bool collect(const char *body, size_t length)
{
	uint8_t table[256] = {0};

	REQUIRE(HEADER + length <= sizeof(table));
	memcpy(table + HEADER, body, length);
	memset(roots, 0, sizeof(roots));
	return acpi_root_buses_collect(table, HEADER + length, roots);
}

#define COLLECT(text) collect(text, sizeof(text) - 1)

TEST(acpi_root_buses, constants_of_every_width_are_taken)
{
	CHECK(COLLECT("\x10\x08_BBN\x0a\x40 \x08_BBN\x01\x08_BBN\x00"));
	CHECK(is_root(0x40));
	CHECK(is_root(1));
	CHECK(is_root(0));
	CHECK(!is_root(2));
	CHECK(COLLECT("\x08_BBN\x0b\x80\x00 \x08_BBN\x0c\xc0\x00\x00\x00"));
	CHECK(is_root(0x80));
	CHECK(is_root(0xc0));
}

TEST(acpi_root_buses, what_is_computed_is_not_known)
{
	CHECK(!COLLECT("\x14\x0c_BBN\x00\xa4\x0a\x20")); /* a method */
	CHECK(!COLLECT("\x08_BBN\x0b\x00\x01"));         /* no bus number */
	CHECK(!COLLECT("\x08_BBN"));                     /* the table ends */
	CHECK(!COLLECT("\x08_BBN\x0a"));
	CHECK(COLLECT("nothing of the kind"));
	CHECK(!is_root(0));
}
