// SPDX-License-Identifier: MIT
/*
 * Taking all memory is for machines small enough; the hosted one pretends to have 64 GiB.
 */
#include <mm/mm.h>
#include <mm/touch.h>
#include <platform/types.h>
#include <tests/test.h>

TEST(touch, takes_nearly_all_memory_and_gives_it_back)
{
	struct mm_statistics before;
	struct touch_result first;
	struct touch_result second;

	mm_statistics(&before);
	memory_touch(&first);
	CHECK(first.pages > before.free * 9 / 10 - MIB(4) / PAGE_SIZE);
	CHECK(first.pages < before.free);
	CHECK_EQ(first.wrong, 0);
	memory_touch(&second);
	CHECK_EQ(second.wrong, 0);
	CHECK_EQ(second.generation, first.generation + 1);
}
