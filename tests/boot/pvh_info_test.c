// SPDX-License-Identifier: MIT
/*
 * hvm_start_info: what loaders give, and what broken ones do.
 */
#include <boot/pvh_info.h>
#include <tests/test.h>

#include <kernel/bits.h>
#include <string.h>

/* A little physical memory at BASE. */
#define BASE    UINT64_C(0x9000)
#define INFO    BASE
#define MAP     (BASE + 0x100)
#define MODULES (BASE + 0x1c0)
#define LINE    (BASE + 0x200)

static uint8_t memory[0x1000];

static const void *view(uint64_t address, uint64_t size)
{
	if (address < BASE || address - BASE > sizeof(memory) ||
	    size > sizeof(memory) - (address - BASE))
		return NULL;
	return memory + (address - BASE);
}

static void put_entry(unsigned i, uint64_t start, uint64_t size, uint32_t type)
{
	uint8_t *entry = memory + (MAP - BASE) + i * 24;

	le64_store(entry, start);
	le64_store(entry + 8, size);
	le32_store(entry + 16, type);
}

/* As QEMU's q35 with 128 MiB gives it. */
static void good_info(void)
{
	memset(memory, 0, sizeof(memory));
	le32_store(memory, 0x336ec578);
	le32_store(memory + 4, 1);
	le64_store(memory + 24, LINE);
	le64_store(memory + 32, 0xf5ad0);
	le64_store(memory + 40, MAP);
	le32_store(memory + 48, 4);
	put_entry(0, 0, 0x9fc00, 1);
	put_entry(1, 0x9fc00, 0x400, 2);
	put_entry(2, 0x100000, 0x7edf000, 1);
	put_entry(3, 0x7fdf000, 0x21000, 2);
	strcpy((char *)memory + (LINE - BASE), "tests=all");
}

static struct boot_info info;

static const char *convert(void)
{
	memset(&info, 0, sizeof(info));
	info.kernel_base = phys(0x200000);
	info.kernel_size = 0x300000;
	return pvh_boot_info(INFO, view, 0, &info);
}

TEST(pvh_info, fills_boot_info)
{
	good_info();
	CHECK(convert() == NULL);
	CHECK_EQ(info.method, BOOT_PVH);
	CHECK_STR(info.command_line, "tests=all");
	CHECK_EQ(info.acpi_root.addr, 0xf5ad0);
	CHECK_EQ(info.range_count, 6);
	CHECK_EQ(info.ranges[0].start.addr, 0x1000);
	CHECK_EQ(info.ranges[0].size, 0x9e000);
	CHECK_EQ(info.ranges[3].type, BOOT_RANGE_KERNEL);
	CHECK_EQ(info.ranges[3].start.addr, 0x200000);
	CHECK_EQ(info.ranges[4].start.addr, 0x500000);
	CHECK_EQ(info.initrd.addr, 0);
}

TEST(pvh_info, keeps_the_first_module)
{
	good_info();
	le32_store(memory + 12, 1);
	le64_store(memory + 16, MODULES);
	le64_store(memory + (MODULES - BASE), 0x7000000);
	le64_store(memory + (MODULES - BASE) + 8, 0x1234);
	CHECK(convert() == NULL);
	CHECK_EQ(info.initrd.addr, 0x7000000);
	CHECK_EQ(info.initrd_size, 0x1234);
	unsigned loader = 0;
	for (unsigned i = 0; i < info.range_count; i++)
		if (info.ranges[i].type == BOOT_RANGE_LOADER)
			loader += info.ranges[i].start.addr == 0x7000000 &&
				  info.ranges[i].size == 0x2000;
	CHECK_EQ(loader, 1);
}

TEST(pvh_info, no_command_line_is_an_empty_one)
{
	good_info();
	le64_store(memory + 24, 0);
	CHECK(convert() == NULL);
	CHECK_STR(info.command_line, "");
}

TEST(pvh_info, long_command_line_is_cut)
{
	good_info();
	memset(memory + (LINE - BASE), 'x', sizeof(memory) - (LINE - BASE));
	CHECK(convert() == NULL);
	CHECK_EQ(strlen(info.command_line), BOOT_COMMAND_LINE_MAX - 1);
}

static void check_refused(const char *text)
{
	const char *problem = convert();

	CHECK(problem != NULL && strstr(problem, text) != NULL);
}

TEST(pvh_info, broken_information_is_refused_with_a_message)
{
	good_info();
	memory[0] = 0;
	check_refused("no start information");
	good_info();
	le32_store(memory + 4, 0);
	check_refused("version 0");
	good_info();
	le32_store(memory + 48, 0);
	check_refused("no entry");
	le32_store(memory + 48, 0xffffffff);
	check_refused("no entry or more than");
	le32_store(memory + 48, 200);
	check_refused("outside memory");
	good_info();
	le64_store(memory + 40, UINT64_MAX - 8);
	check_refused("outside memory");
	good_info();
	le64_store(memory + 24, BASE + sizeof(memory) - 2);
	memset(memory + sizeof(memory) - 2, 'x', 2);
	check_refused("command line lies outside");
	good_info();
	le32_store(memory + 12, 1);
	le64_store(memory + 16, 1);
	check_refused("module list");
	CHECK(pvh_boot_info(BASE - 1, view, 0, &info) != NULL);
	CHECK(pvh_boot_info(BASE + sizeof(memory) - 44, view, 0, &info) != NULL);
}
