// SPDX-License-Identifier: MIT
/*
 * The count of a group.
 */
#include <mm/memcg.h>
#include <tests/test.h>

TEST(memcg, add_stops_at_the_limit_without_overflow)
{
	uint64_t pages = 5;

	CHECK(memcg_add(&pages, 5, 10));
	CHECK_EQ(pages, 10);
	CHECK(!memcg_add(&pages, 1, 10));
	CHECK(!memcg_add(&pages, UINT64_MAX, 10));
	CHECK(!memcg_add(&pages, UINT64_MAX, UINT64_MAX));
	CHECK_EQ(pages, 10);
	CHECK(memcg_add(&pages, UINT64_MAX - 10, UINT64_MAX));
}

TEST(memcg, nobody_always_fits)
{
	CHECK(memcg_charge(NULL, UINT64_MAX));
	memcg_uncharge(NULL, UINT64_MAX);
}
