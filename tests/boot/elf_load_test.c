// SPDX-License-Identifier: MIT
/*
 * Placing a kernel ELF: a good one, and files that lie.
 */
#include <boot/elf_load.h>
#include <tests/test.h>

#include <kernel/bits.h>
#include <string.h>

#define DISTANCE UINT64_C(0xffffffff80000000)

static uint8_t file[4096];
static uint8_t memory[0x4000];
static struct elf_plan plan;

static uint8_t *program_header(unsigned i)
{
	return file + 64 + i * 56;
}

static void put_segment(unsigned i, uint32_t flags, uint64_t offset, uint64_t physical,
			uint64_t file_size, uint64_t memory_size)
{
	uint8_t *header = program_header(i);

	le32_store(header, 1);
	le32_store(header + 4, flags);
	le64_store(header + 8, offset);
	le64_store(header + 16, physical + DISTANCE);
	le64_store(header + 24, physical);
	le64_store(header + 32, file_size);
	le64_store(header + 40, memory_size);
}

/* Text at 2 MiB, data and bss at 2 MiB + 0x2000, and a note that is not loaded. */
static void good_file(void)
{
	memset(file, 0, sizeof(file));
	memcpy(file, "\177ELF\2\1\1", 7);
	le16_store(file + 16, 2);
	le16_store(file + 18, 62);
	le64_store(file + 24, 0x200010 + DISTANCE);
	le64_store(file + 32, 64);
	le16_store(file + 54, 56);
	le16_store(file + 56, 3);
	put_segment(0, 5, 0x400, 0x200000, 0x100, 0x100);
	put_segment(1, 6, 0x500, 0x202000, 0x80, 0x1801);
	le32_store(program_header(2), 4);
	memset(file + 0x400, 'T', 0x100);
	memset(file + 0x500, 'D', 0x80);
}

static void check_refused(const char *text)
{
	const char *problem = elf_plan_make(file, sizeof(file), &plan);

	CHECK(problem != NULL && strstr(problem, text) != NULL);
}

TEST(elf_load, plans_and_copies)
{
	good_file();
	CHECK(elf_plan_make(file, sizeof(file), &plan) == NULL);
	CHECK_EQ(plan.low, 0x200000);
	CHECK_EQ(plan.span, 0x4000);
	CHECK_EQ(plan.entry, 0x10);
	memset(memory, 0xee, sizeof(memory));
	elf_copy(file, &plan, memory);
	CHECK(memory[0] == 'T' && memory[0xff] == 'T' && memory[0x100] == 0);
	CHECK(memory[0x1fff] == 0 && memory[0x2000] == 'D' && memory[0x207f] == 'D');
	CHECK(memory[0x2080] == 0 && memory[0x3fff] == 0);
}

TEST(elf_load, image_not_on_a_large_page_keeps_its_offset)
{
	good_file();
	put_segment(0, 5, 0x400, 0x201000, 0x100, 0x100);
	le64_store(file + 24, 0x201010 + DISTANCE);
	CHECK(elf_plan_make(file, sizeof(file), &plan) == NULL);
	CHECK_EQ(plan.low, 0x200000);
	CHECK_EQ(plan.entry, 0x1010);
}

TEST(elf_load, foreign_files_are_refused)
{
	memset(file, 0, sizeof(file));
	check_refused("no ELF file");
	CHECK(elf_plan_make(file, 10, &plan) != NULL);
	good_file();
	file[4] = 1;
	check_refused("no executable for x86-64");
	good_file();
	le16_store(file + 16, 3);
	check_refused("no executable for x86-64");
	good_file();
	le16_store(file + 18, 22);
	check_refused("no executable for x86-64");
}

TEST(elf_load, headers_outside_the_file_are_refused)
{
	good_file();
	le64_store(file + 32, sizeof(file) - 100);
	check_refused("program headers");
	le64_store(file + 32, UINT64_MAX - 8);
	check_refused("program headers");
	good_file();
	le16_store(file + 56, 0);
	check_refused("program headers");
	le16_store(file + 56, 33);
	check_refused("program headers");
	good_file();
	le16_store(file + 54, 32);
	check_refused("program headers");
}

TEST(elf_load, segments_that_lie_are_refused)
{
	good_file();
	put_segment(1, 6, 0xf81, 0x202000, 0x80, 0x1801);
	check_refused("cut off");
	put_segment(1, 6, UINT64_MAX, 0x202000, 0x80, 0x1801);
	check_refused("cut off");
	put_segment(1, 6, 0x500, 0x202000, 0x80, 0x7f);
	check_refused("cut off");
	put_segment(1, 6, 0x500, UINT64_MAX - 0x100, 0x80, 0x1801);
	check_refused("address space");
	put_segment(1, 6, 0x500, 0x50200000, 0x80, 0x1801);
	check_refused("larger than 1 GiB");
	good_file();
	le64_store(program_header(1) + 16, 0x202000);
	check_refused("different distances");
}

TEST(elf_load, entry_must_be_code)
{
	good_file();
	le64_store(file + 24, 0x200100 + DISTANCE);
	check_refused("entry point");
	le64_store(file + 24, 0x200010);
	check_refused("entry point");
	good_file();
	le32_store(program_header(0) + 4, 4);
	check_refused("entry point");
	good_file();
	le32_store(program_header(0), 0);
	le32_store(program_header(1), 0);
	check_refused("entry point");
}
