// SPDX-License-Identifier: MIT
/*
 * fw_cfg against a model of the device.
 */
#include <boot/fw_cfg.h>
#include <tests/test.h>

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define COMMAND_LINE_ITEM 0x27

static const char *signature = "QEMU";
static uint32_t directory_count = 2;
static const char *command_line = "tests=all";
static uint16_t item;
static unsigned position;
static unsigned reads;

static void model_select(uint16_t number)
{
	item = number;
	position = 0;
}

static uint8_t big32(uint32_t value, unsigned byte)
{
	return (uint8_t)(value >> (24 - 8 * byte));
}

static uint8_t directory_byte(unsigned at)
{
	static const char *const names[] = {"etc/e820", "opt/quire/cmdline"};

	if (at < 4)
		return big32(directory_count, at);
	at -= 4;
	unsigned entry = at / 64;
	at %= 64;
	if (entry > 1)
		return 0;
	if (at < 4)
		return big32((uint32_t)strlen(command_line), at);
	if (at < 8)
		return big32((COMMAND_LINE_ITEM - 1 + entry) << 16, at - 4);
	return at - 8 < strlen(names[entry]) ? (uint8_t)names[entry][at - 8] : 0;
}

static uint8_t model_read(void)
{
	unsigned at = position++;

	reads++;
	if (item == 0)
		return at < 4 ? (uint8_t)signature[at] : 0;
	if (item == 0x19)
		return directory_byte(at);
	if (item == COMMAND_LINE_ITEM)
		return (uint8_t)command_line[at];
	return 0xff;
}

static const struct fw_cfg device = {model_select, model_read};

TEST(fw_cfg, reads_a_file_by_name)
{
	char text[32];

	CHECK_EQ(fw_cfg_read_file(&device, "opt/quire/cmdline", text, sizeof(text)), 9);
	CHECK_STR(text, "tests=all");
	CHECK_EQ(fw_cfg_read_file(&device, "opt/quire/cmd", text, sizeof(text)), -ENOENT);
	CHECK_EQ(fw_cfg_read_file(&device, "opt/quire/cmdline", text, 9), -ENOSPC);
	CHECK_EQ(fw_cfg_read_file(&device, "opt/quire/cmdline", text, 10), 9);
}

TEST(fw_cfg, empty_ports_are_no_device)
{
	char text[32];

	signature = "\377\377\377\377";
	CHECK_EQ(fw_cfg_read_file(&device, "opt/quire/cmdline", text, sizeof(text)), -ENODEV);
	signature = "QEMU";
	directory_count = 0xffffffff;
	reads = 0;
	CHECK_EQ(fw_cfg_read_file(&device, "opt/quire/cmdline", text, sizeof(text)), -ENODEV);
	CHECK(reads < 100);
	directory_count = 2;
}
