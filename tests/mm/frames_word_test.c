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

TEST(frames_word, row_take_many_takes_all_or_so_many)
{
	uint64_t row = UINT64_C(0xfffffffffffff000);

	CHECK_EQ(row_take_many(&row, 64), 0xfff);
	CHECK_EQ(row, UINT64_MAX);
	CHECK_EQ(row_take_many(&row, 64), 0);
	row = UINT64_C(0xffffffffffff0f0f);
	CHECK_EQ(row_take_many(&row, 3), 0xe000);
	CHECK_EQ(row, UINT64_C(0xffffffffffffef0f));
	CHECK_EQ(row_take_many(&row, 0), 0);
}

TEST(frames_word, block_take_stops_at_512_and_at_whole)
{
	uint32_t block = BLOCK_FRAMES - 8;

	CHECK(block_take(&block, 8));
	CHECK_EQ(block, BLOCK_FRAMES);
	CHECK(!block_take(&block, 1));
	block = BLOCK_WHOLE;
	CHECK(!block_take(&block, 1));
	block = BLOCK_REPORTED | BLOCK_KEPT | BLOCK_WRITTEN;
	CHECK(block_take(&block, 1));
	CHECK_EQ(block, BLOCK_WRITTEN | 1);
}

TEST(frames_word, block_reserve_claims_everything_once)
{
	uint32_t block = BLOCK_REPORTED | BLOCK_WRITTEN;

	CHECK(block_reserve(&block, 63));
	CHECK_EQ(block_owner(block), 64);
	CHECK_EQ(block, BLOCK_WRITTEN | BLOCK_FRAMES | 64u << BLOCK_OWNER_AT);
	CHECK(!block_reserve(&block, 0));
	block -= 3;
	CHECK(!block_reserve(&block, 0));
	block = BLOCK_FRAMES;
	CHECK(!block_reserve(&block, 0));
	block = BLOCK_WHOLE;
	CHECK(!block_reserve(&block, 0));
}

TEST(frames_word, block_claim_takes_what_came_back)
{
	uint32_t block = 500 | 1u << BLOCK_OWNER_AT;

	CHECK(block_claim(&block, 0));
	CHECK_EQ(block, BLOCK_FRAMES | 1u << BLOCK_OWNER_AT);
	CHECK(!block_claim(&block, 0));
}

TEST(frames_word, block_release_needs_an_owner_and_as_many_taken)
{
	uint32_t block = 500 | 1u << BLOCK_OWNER_AT | BLOCK_WRITTEN;

	CHECK(!block_release(&block, 501));
	CHECK(block_release(&block, 100));
	CHECK_EQ(block, 400 | BLOCK_WRITTEN);
	CHECK(!block_release(&block, 100));
}

TEST(frames_word, block_give_not_below_zero_nor_from_whole)
{
	uint32_t block = 3 | BLOCK_WRITTEN;

	CHECK(!block_give(&block, 4));
	CHECK(block_give(&block, 2));
	CHECK_EQ(block, 1 | BLOCK_WRITTEN);
	block = BLOCK_WHOLE | BLOCK_FRAMES;
	CHECK(!block_give(&block, 1));
}

TEST(frames_word, block_whole_only_from_free_and_back_with_a_mark)
{
	uint32_t block = BLOCK_WRITTEN | BLOCK_KEPT;

	CHECK(block_take_whole(&block, 0));
	CHECK_EQ(block, BLOCK_WRITTEN | BLOCK_WHOLE | BLOCK_FRAMES);
	CHECK(!block_take_whole(&block, 0));
	CHECK(block_give_whole(&block, BLOCK_REPORTED));
	CHECK_EQ(block, BLOCK_WRITTEN | BLOCK_REPORTED);
	CHECK(!block_give_whole(&block, 0));
	block = 1;
	CHECK(!block_take_whole(&block, 0));
	block = 1u << BLOCK_OWNER_AT;
	CHECK(!block_take_whole(&block, 0));
	CHECK_EQ(block, 1u << BLOCK_OWNER_AT);
}

TEST(frames_word, block_take_kept_leaves_others_alone)
{
	uint32_t block = BLOCK_REPORTED;

	CHECK(!block_take_kept(&block, 0));
	CHECK_EQ(block, BLOCK_REPORTED);
	block = BLOCK_KEPT;
	CHECK(block_take_kept(&block, 0));
	CHECK_EQ(block, BLOCK_WHOLE | BLOCK_FRAMES);
}

TEST(frames_word, row_masks_are_taken_and_given_whole)
{
	uint64_t row = UINT64_C(0xf0);

	CHECK(!row_take_mask(&row, 0x18));
	CHECK(row_take_mask(&row, 0x0f));
	CHECK_EQ(row, 0xff);
	CHECK(!row_give_mask(&row, 0x180));
	CHECK(row_give_mask(&row, 0xa5));
	CHECK_EQ(row, 0x5a);
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

TEST(frames_word, class_says_what_a_block_is_good_for)
{
	CHECK_EQ(block_class(0), CLASS_FREE);
	CHECK_EQ(block_class(BLOCK_WRITTEN), CLASS_FREE);
	CHECK_EQ(block_class(BLOCK_REPORTED), CLASS_REPORTED);
	CHECK_EQ(block_class(1), CLASS_PARTIAL);
	CHECK_EQ(block_class(BLOCK_FRAMES - 1), CLASS_PARTIAL);
	CHECK_EQ(block_class(BLOCK_FRAMES), CLASS_NONE);
	CHECK_EQ(block_class(BLOCK_FRAMES | BLOCK_WHOLE), CLASS_NONE);
	CHECK_EQ(block_class(BLOCK_KEPT), CLASS_NONE);
	CHECK_EQ(block_class(5 | 1u << BLOCK_OWNER_AT), CLASS_NONE);
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
