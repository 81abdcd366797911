// SPDX-License-Identifier: MIT
/*
 * The log of what a loader handed over.
 */
#include <kernel/boot_info.h>
#include <kernel/log.h>
#include <tests/kernel/text_sink.h>
#include <tests/test.h>

#include <string.h>

static struct boot_range ranges[100];

static const char *report(const struct boot_info *info, enum log_level level)
{
	enum log_level before = log_level();

	log_set_level(level);
	text_sink_open();
	boot_info_report(info);
	log_set_level(before);
	return text_sink_close();
}

TEST(boot_report, says_where_we_come_from)
{
	static struct boot_info info = {.method = BOOT_EFI,
					.firmware = "EDK II 0x10000",
					.boot_device = "PciRoot(0x0)",
					.command_line = "run=mem"};

	const char *text = report(&info, LOG_INFO);
	CHECK(strstr(text, "boot: UEFI EDK II 0x10000 from PciRoot(0x0)\n") != NULL);
	CHECK(strstr(text, "boot: command line: run=mem\n") != NULL);
	CHECK(strstr(text, "KiB") == NULL);
	info.boot_device[0] = '\0';
	info.ranges_dropped = 7;
	text = report(&info, LOG_INFO);
	CHECK(strstr(text, "from") == NULL);
	CHECK(strstr(text, "warning: boot: 7 memory ranges are too many") != NULL);
}

TEST(boot_report, shows_a_bounded_map)
{
	static struct boot_info info = {
		.method = BOOT_PVH, .range_count = 100, .ranges = ranges};

	for (unsigned i = 0; i < 100; i++)
		ranges[i] = (struct boot_range){phys(i * 0x2000), 0x1000,
						(enum boot_range_type)(i % 7), 0};
	const char *text = report(&info, LOG_DEBUG);
	CHECK(strstr(text, "boot:            0x0") != NULL ||
	      strstr(text, "boot:              0"));
	CHECK(strstr(text, "         4 KiB runtime services\n") != NULL);
	CHECK(strstr(text, "boot: and 52 ranges more") != NULL);
	CHECK(strstr(text, "0xc6000") == NULL);
}
