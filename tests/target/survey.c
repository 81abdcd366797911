// SPDX-License-Identifier: MIT
/*
 * What a leaf may be: never both writable and executable, executable only inside the kernel's
 * text, no second way to write text and constants, no frame that a CPU has for itself.
 */
#include <tests/target/survey.h>

#include <platform/memory.h>
#include <platform/paging/mmu_walk.h>
#include <tests/test.h>
#include <platform/image.h>
#include "private.h"

static bool overlaps(struct phys start, uint64_t size, const char *from, const char *to)
{
	uint64_t first = virt_to_phys(from).addr;
	uint64_t end = first + (uint64_t)(to - from);

	return start.addr < end && first < start.addr + size;
}

static bool pool_overlaps(struct phys start, uint64_t size)
{
	struct phys pool;
	uint64_t pool_size;

	private_pool_extent(&pool, &pool_size);
	return start.addr < pool.addr + pool_size && pool.addr < start.addr + size;
}

static void survey_leaf(struct survey *survey, unsigned level, struct pte entry)
{
	unsigned protection = pte_protection(entry);
	struct phys start = pte_phys(level, entry);
	uint64_t size = level_size(level);

	survey->leaves++;
	survey->bits |= entry.bits;
	if ((protection & MMU_WRITE) && (protection & MMU_EXECUTE))
		survey->writable_executable++;
	if ((protection & MMU_EXECUTE) &&
	    (start.addr < virt_to_phys(kernel_text_start).addr ||
	     start.addr + size > virt_to_phys(kernel_text_start).addr +
					 (uint64_t)(kernel_text_end - kernel_text_start)))
		survey->executable_outside_text++;
	if ((protection & MMU_WRITE) &&
	    overlaps(start, size, kernel_image_start, kernel_ro_after_init_end))
		survey->fixed_writable++;
	survey->private_frames += pool_overlaps(start, size);
}

void survey_table(struct survey *survey, unsigned level, const struct pte *table)
{
	for (unsigned i = 0; i < level_entries(level); i++) {
		struct pte entry = pte_read(&table[i]);

		if (!pte_is_present(level, entry))
			continue;
		if (pte_is_leaf(level, entry))
			survey_leaf(survey, level, entry);
		else
			survey_table(survey, level - 1, page_table_below(level, entry));
	}
}

void survey_check(const struct survey *survey)
{
	CHECK(survey->leaves > 100);
	CHECK_EQ(survey->writable_executable, 0);
	CHECK_EQ(survey->executable_outside_text, 0);
	CHECK_EQ(survey->fixed_writable, 0);
	CHECK_EQ(survey->private_frames, 0);
}
