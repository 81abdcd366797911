// SPDX-License-Identifier: MIT
/*
 * The count of a group.
 */
#include <kernel/hook.h>
#include <kernel/thread.h>
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

#ifdef QUIRE_TEST_HOOKS
static bool charged;

static void charge_one(struct hook *hook)
{
	charged = memcg_charge(hook->arg, 1);
}

/* What is refused takes nothing from others, not for a moment. */
TEST(memcg, page_that_fits_is_charged_while_an_object_is_refused)
{
	struct memcg memcg = {.pages = 9, .limit = 10};
	struct hook hook = {.name = "memcg_refused",
			    .function = charge_one,
			    .arg = &memcg,
			    .only = thread_current()};

	charged = false;
	hook_attach(&hook);
	CHECK(!memcg_charge_object(&memcg, 2 * PAGE_SIZE));
	hook_detach(&hook);
	CHECK(charged);
	CHECK_EQ(memcg.pages, 10);
	CHECK_EQ(memcg.object_bytes, 0);
}
#endif
