// SPDX-License-Identifier: MIT
/*
 * The first C function on s390x: from parameter area and service processor to one struct
 * boot_info. Runs without translation on the boot stack.
 */
#include <boot/ipl_info.h>
#include <kernel/bits.h>
#include <kernel/boot_info.h>
#include <platform/console.h>
#include <platform/exit.h>
#include <platform/image.h>
#include <platform/s390x/layout.h>
#include <platform/s390x/sclp.h>
#include <platform/s390x/start.h>
#include <platform/s390x/trap.h>
#include <kernel/attributes.h>

/* Where nobody says how much storage there is, it is looked for in steps of 1 MiB. */
#define SEARCH_INCREMENT  MIB(1)
#define SEARCH_INCREMENTS (GIB(64) / SEARCH_INCREMENT)

/* Called by ipl_start.S. entry_cycles: TOD clock at entry. */
void ipl_main(uint64_t entry_cycles) NORETURN;
void kmain(struct boot_info *info) NORETURN;

extern const uint8_t ipl_parameters[];

static uint8_t block[SCLP_BLOCK_SIZE] ALIGNED(4096);
static struct boot_info info;

/* The service processor's word, or what a search finds. NULL, or what was wrong. */
static const char *storage_learn(struct ipl_storage *storage)
{
	struct sclp_info said;
	const char *problem;
	bool held = sclp_hold();

	sclp_block_start(block, SCLP_BLOCK_SIZE);
	if (sclp_request(SCLP_READ_INFO, block) != 0)
		problem = "the service processor does not answer";
	else
		problem = sclp_info_parse(block, &said);
	sclp_release(held);
	storage->present = probe_storage;
	storage->increment = problem ? SEARCH_INCREMENT : said.increment;
	storage->increments = problem ? SEARCH_INCREMENTS : said.increments;
	if (problem)
		storage->increments = ipl_storage_count(storage);
	return problem;
}

static void write_line(const char *text)
{
	console_write(text, strlen(text));
	console_write("\n", 1);
}

void ipl_main(uint64_t entry_cycles)
{
	struct ipl_storage storage;
	const char *warning, *problem;

	start_lowcore();
	info.entry_cycles = entry_cycles;
	info.kernel_base = phys((uint64_t)kernel_image_start);
	info.kernel_size = (uint64_t)(kernel_image_end - kernel_image_start);
	warning = storage_learn(&storage);
	/* Below the image lies what the loader left; the prefix area is among it. */
	problem = ipl_boot_info(ipl_parameters, PARAMETER_SIZE, &storage, IMAGE_BASE, &info);
	if (warning || problem)
		console_init();
	if (warning)
		write_line(warning);
	if (problem) {
		write_line(problem);
		platform_exit(false);
	}
	kmain(&info);
}
