// SPDX-License-Identifier: MIT
/*
 * An s390x machine's word about itself: command line in either code, storage with holes.
 */
#include <boot/ipl_info.h>
#include <platform/s390x/ebcdic.h>
#include <kernel/bits.h>
#include <tests/test.h>

#define RESERVED 0x10000

static uint8_t parameters[64];
static struct boot_info info;
static uint64_t holes; /* bit n: increment n is missing */
static uint64_t end;

static uint64_t present(uint64_t address, uint64_t step, uint64_t count)
{
	uint64_t found = 0;

	for (; found < count && address < end; found++, address += step)
		if (address < MIB(64) && (holes >> (address >> 20) & 1))
			break;
	return found;
}

static const char *convert(uint64_t mib)
{
	struct ipl_storage storage = {MIB(1), mib, present};

	end = MIB(mib);
	memset(&info, 0, sizeof(info));
	info.kernel_base = phys(RESERVED);
	info.kernel_size = MIB(2);
	return ipl_boot_info(parameters, sizeof(parameters), &storage, RESERVED, &info);
}

static uint64_t ram(void)
{
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < info.range_count; i++)
		if (info.ranges[i].type == BOOT_RANGE_RAM)
			bytes += info.ranges[i].size;
	return bytes;
}

TEST(ipl_info, ranges_of_a_plain_machine)
{
	holes = 0;
	strcpy((char *)parameters, "tests=all");
	CHECK(convert(16) == NULL);
	CHECK_EQ(info.method, BOOT_IPL);
	CHECK_STR(info.command_line, "tests=all");
	REQUIRE(info.range_count == 3);
	CHECK_EQ(info.ranges[0].type, BOOT_RANGE_RESERVED);
	CHECK_EQ(info.ranges[0].size, RESERVED);
	CHECK_EQ(info.ranges[1].type, BOOT_RANGE_KERNEL);
	CHECK_EQ(info.ranges[2].start.addr, RESERVED + MIB(2));
	CHECK_EQ(ram(), MIB(14) - RESERVED);
}

TEST(ipl_info, holes_are_no_ram)
{
	holes = BIT64(4) | BIT64(5) | BIT64(9) | BIT64(15);
	CHECK(convert(16) == NULL);
	CHECK_EQ(ram(), MIB(10) - RESERVED);
	CHECK_EQ(info.range_count, 5);
	holes = 0;
}

static uint64_t present_every_second(uint64_t address, uint64_t step, uint64_t count)
{
	(void)step;
	return count != 0 && (address >> 20 & 1);
}

TEST(ipl_info, storage_in_too_many_pieces_is_refused)
{
	struct ipl_storage storage = {MIB(1), 2048, present_every_second};

	CHECK(ipl_boot_info(parameters, sizeof(parameters), &storage, RESERVED, &info) == NULL);
	storage.increments = 2052;
	CHECK(ipl_boot_info(parameters, sizeof(parameters), &storage, RESERVED, &info) != NULL);
}

TEST(ipl_info, command_line_in_ebcdic)
{
	const char *text = "loglevel=debug seed=7";

	memset(parameters, 0, sizeof(parameters));
	for (size_t i = 0; text[i]; i++)
		parameters[i] = ebcdic_from_ascii(text[i]);
	CHECK(convert(16) == NULL);
	CHECK_STR(info.command_line, text);
}

TEST(ipl_info, command_line_without_end_is_cut_at_its_size)
{
	memset(parameters, 'x', sizeof(parameters));
	CHECK(convert(16) == NULL);
	CHECK_EQ(strlen(info.command_line), sizeof(parameters));
	memset(parameters, 0, sizeof(parameters));
	CHECK(convert(16) == NULL);
	CHECK_STR(info.command_line, "");
}

TEST(ipl_info, search_ends_at_the_first_hole)
{
	struct ipl_storage storage = {MIB(1), 4096, present};

	end = MIB(100);
	CHECK_EQ(ipl_storage_count(&storage), 100);
	holes = BIT64(7);
	CHECK_EQ(ipl_storage_count(&storage), 7);
	holes = 0;
	storage.increments = 50;
	CHECK_EQ(ipl_storage_count(&storage), 50);
}
