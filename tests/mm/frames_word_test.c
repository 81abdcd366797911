// SPDX-License-Identifier: MIT
/*
 * Each pure function on a word of the frame allocator, alone.
 */
#include <mm/frames_word.h>
#include <mm/reference.h>
#include <tests/test.h>

TEST(frames_word, row_mask_covers_the_run)
{
	CHECK_EQ(row_mask(0, 6), UINT64_MAX);
	CHECK_EQ(row_mask(8, 3), UINT64_C(0xff00));
	CHECK_EQ(row_mask(63, 0), BIT64(63));
}

TEST(frames_word, row_free_runs_are_aligned_and_wholly_free)
{
	for (unsigned round = 0; round < 200; round++) {
		uint64_t row = test_random() & test_random();
		unsigned order = (unsigned)test_random_below(ROW_ORDER + 1);
		uint64_t runs = row_free_runs(row, order);

		for (unsigned at = 0; at < ROW_FRAMES; at++) {
			bool free = at % (1u << order) == 0 && !(row & row_mask(at, order));

			if (free != (runs >> at & 1))
				CHECK_EQ(free, runs >> at & 1);
		}
	}
	CHECK_EQ(row_free_runs(UINT64_MAX, 0), 0);
	CHECK_EQ(row_free_runs(0, 6), 1);
}

TEST(frames_word, row_take_takes_the_lowest_run_or_nothing)
{
	uint64_t row = UINT64_C(0x0f13);
	unsigned at = 99;

	CHECK(row_take(&row, 2, &at));
	CHECK_EQ(at, 12);
	CHECK_EQ(row, UINT64_C(0xff13));
	row = UINT64_C(0x1111111111111111);
	CHECK(!row_take(&row, 2, &at));
	CHECK_EQ(row, UINT64_C(0x1111111111111111));
}

TEST(frames_word, row_take_at_takes_exactly_there)
{
	uint64_t row = 1;
	unsigned at = 0;

	CHECK(!row_take_at(&row, 1, &at));
	at = 2;
	CHECK(row_take_at(&row, 1, &at));
	CHECK_EQ(row, 0xd);
}

TEST(frames_word, row_give_undoes_and_sees_double_free)
{
	uint64_t row = UINT64_C(0xff00);
	unsigned at = 8;

	CHECK(row_give(&row, 2, &at));
	CHECK_EQ(row, UINT64_C(0xf000));
	CHECK(!row_give(&row, 2, &at));
	CHECK(!row_give(&row, 3, &at));
	CHECK_EQ(row, UINT64_C(0xf000));
}

TEST(frames_word, block_take_stops_at_512_and_at_whole)
{
	uint32_t block = BLOCK_FRAMES - 8;

	CHECK(block_take(&block, 3));
	CHECK_EQ(block, BLOCK_FRAMES);
	CHECK(!block_take(&block, 0));
	block = BLOCK_WHOLE;
	CHECK(!block_take(&block, 0));
}

TEST(frames_word, block_take_and_own_needs_no_owner)
{
	uint32_t block = 0;

	CHECK(block_take_and_own(&block, 4));
	CHECK_EQ(block, BLOCK_OWNED | 16);
	CHECK(!block_take_and_own(&block, 4));
	CHECK(block_take(&block, 4));
	block = BLOCK_FRAMES;
	CHECK(!block_take_and_own(&block, 0));
	CHECK_EQ(block, BLOCK_FRAMES);
}

TEST(frames_word, block_give_not_below_zero_nor_from_whole)
{
	uint32_t block = 3 | BLOCK_OWNED | BLOCK_WRITTEN;

	CHECK(!block_give(&block, 2));
	CHECK(block_give(&block, 1));
	CHECK_EQ(block, 1 | BLOCK_OWNED | BLOCK_WRITTEN);
	block = BLOCK_WHOLE | BLOCK_FRAMES;
	CHECK(!block_give(&block, 0));
}

TEST(frames_word, block_whole_only_from_empty_and_back)
{
	uint32_t block = BLOCK_WRITTEN;

	CHECK(block_take_whole(&block, 0));
	CHECK_EQ(block, BLOCK_WRITTEN | BLOCK_WHOLE | BLOCK_FRAMES);
	CHECK(!block_take_whole(&block, 0));
	CHECK(block_give_whole(&block, 0));
	CHECK_EQ(block, BLOCK_WRITTEN);
	CHECK(!block_give_whole(&block, 0));
	block = 1;
	CHECK(!block_take_whole(&block, 0));
	CHECK_EQ(block, 1);
}

TEST(frames_word, block_split_keeps_the_count)
{
	uint32_t block = BLOCK_WHOLE | BLOCK_FRAMES;

	CHECK(block_split(&block, 0));
	CHECK_EQ(block, BLOCK_FRAMES);
	CHECK(!block_split(&block, 0));
}

TEST(frames_word, block_marks_tell_whether_they_changed)
{
	uint32_t block = 5;

	CHECK(block_set(&block, BLOCK_WRITTEN));
	CHECK(!block_set(&block, BLOCK_WRITTEN));
	CHECK_EQ(block, 5 | BLOCK_WRITTEN);
	CHECK(block_clear(&block, BLOCK_WRITTEN));
	CHECK(!block_clear(&block, BLOCK_WRITTEN));
	CHECK_EQ(block, 5);
}

TEST(frames_word, tree_counts_busy_and_full_blocks)
{
	uint64_t tree = 0;

	tree += tree_change_of(0, 5);
	CHECK_EQ(tree_busy(tree), 1);
	CHECK_EQ(tree_full(tree), 0);
	tree += tree_change_of(5, BLOCK_FRAMES);
	tree += tree_change_of(0, BLOCK_FRAMES);
	CHECK_EQ(tree_busy(tree), 2);
	CHECK_EQ(tree_full(tree), 2);
	tree += tree_change_of(BLOCK_FRAMES, BLOCK_FRAMES - 1);
	CHECK_EQ(tree_busy(tree), 2);
	CHECK_EQ(tree_full(tree), 1);
	tree += tree_change_of(BLOCK_FRAMES - 1, 0) + tree_change_of(BLOCK_FRAMES, 0);
	CHECK_EQ(tree, 0);
}

/* A reader may see a release before the request it belongs to. */
TEST(frames_word, tree_halves_do_not_disturb_each_other_below_zero)
{
	uint64_t tree = tree_change(-1, 2);

	CHECK_EQ(tree_full(tree), 2);
	CHECK_EQ(tree_busy(tree), (unsigned)-1);
	CHECK_EQ(tree + tree_change(1, -2), 0);
}

TEST(frames_word, reference_drop_stops_at_zero)
{
	int32_t count = 2;

	CHECK(reference_drop(&count));
	CHECK(reference_drop(&count));
	CHECK(!reference_drop(&count));
	CHECK_EQ(count, 0);
}

TEST(frames_word, reference_add_live_needs_one)
{
	int32_t count = 0;

	CHECK(!reference_add_live(&count));
	CHECK_EQ(count, 0);
	count = 1;
	CHECK(reference_add_live(&count));
	CHECK_EQ(count, 2);
	count = INT32_MAX;
	CHECK(!reference_add_live(&count));
	CHECK_EQ(count, INT32_MAX);
}
