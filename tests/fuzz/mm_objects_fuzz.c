// SPDX-License-Identifier: MIT
/*
 * The input is a program of operations on folios, blocks, DMA buffers and small objects, played
 * beside the oracle of tests/model on a machine of 64 MiB with one CPU.
 */
#include <tests/model/objects_play.h>
#include <kernel/assert.h>
#include <kernel/boot_info.h>
#include <kernel/boot_memory.h>
#include <kernel/command_line.h>
#include <kernel/log.h>
#include <kernel/thread.h>
#include <mm/mm.h>
#include <platform/hosted/hosted.h>

#define ARENA_SIZE MIB(64)

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void ignore_text(const char *text, size_t length)
{
	(void)text;
	(void)length;
}

static void machine_start(void)
{
	static struct boot_range ranges[] = {
		{{MIB(1)}, ARENA_SIZE - MIB(1) - HOSTED_TABLES_SIZE, BOOT_RANGE_RAM, 0},
		{{ARENA_SIZE - HOSTED_TABLES_SIZE}, HOSTED_TABLES_SIZE, BOOT_RANGE_RESERVED, 0},
	};
	static struct boot_info info = {
		.method = BOOT_HOSTED,
		.range_count = sizeof(ranges) / sizeof(ranges[0]),
		.ranges = ranges,
	};

	hosted_cpu_init(1);
	command_line_init("loglevel=error");
	hosted_memory_init(ARENA_SIZE);
	hosted_mmu_init();
	boot_info = &info;
	boot_memory_init(boot_info);
	mm_init(boot_info);
	threads_init();
	threads_start_cpus();
	log_set_sink(ignore_text); /* programs make mistakes that are reported */
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	static bool started;
	const char *wrong;

	if (!started)
		machine_start();
	started = true;
	wrong = objects_play((struct bytes){bytes, length});
	if (wrong)
		panic("mm_objects: %s", wrong);
	return 0;
}
