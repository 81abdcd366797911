// SPDX-License-Identifier: MIT
/*
 * Small objects.
 */
#include <tests/mm/bad_page_fixture.h>
#include <kernel/fault.h>
#include <mm/slab.h>
#include <errno.h>

TEST(slab, objects_are_apart_aligned_and_come_back)
{
	struct slab_cache *cache = slab_cache_create("test", 100, 64);
	char *objects[500];

	REQUIRE(cache);
	for (unsigned i = 0; i < 500; i++) {
		objects[i] = slab_alloc(cache, 0);
		REQUIRE(objects[i]);
		CHECK(is_aligned((uintptr_t)objects[i], 64));
		memset(objects[i], (int)i, 100);
	}
	for (unsigned i = 0; i < 500; i++) {
		unsigned same = 0;

		for (unsigned b = 0; b < 100; b++)
			same += objects[i][b] == (char)i;
		CHECK_EQ(same, 100);
	}
	CHECK_STR(slab_check_all() ? slab_check_all() : "fine", "fine");
	for (unsigned i = 0; i < 500; i++)
		slab_free(cache, objects[i * 7 % 500]);
	CHECK_EQ(slab_cache_destroy(cache), 0);
}

TEST(slab, cache_with_objects_out_is_not_destroyed)
{
	struct slab_cache *cache = slab_cache_create("test", 40, 0);
	void *object;

	REQUIRE(cache);
	object = slab_alloc(cache, FOLIO_ZERO);
	REQUIRE(object);
	reports_expect();
	CHECK_EQ(slab_cache_destroy(cache), -EBUSY);
	(void)reports_end();
	slab_free(cache, object);
	CHECK_EQ(slab_cache_destroy(cache), 0);
}

TEST(slab, arguments_out_of_range_are_refused)
{
	reports_expect();
	CHECK(!slab_cache_create("test", 0, 0));
	CHECK(!slab_cache_create("test", SLAB_OBJECT_MAX + 1, 0));
	CHECK(!slab_cache_create("test", 10, 3));
	CHECK(!slab_cache_create("test", 10, 2 * PAGE_SIZE));
	CHECK_EQ(reports_end(), 0);
}

TEST(slab, kmalloc_serves_every_size)
{
	for (size_t size = 0; size < 3 * SLAB_OBJECT_MAX; size = size * 5 / 4 + 1) {
		char *object = kmalloc(size, 0);

		REQUIRE(object);
		CHECK(kmalloc_usable_size(object) >= size);
		memset(object, 0x11, size);
		kfree(object);
	}
	kfree(NULL);
	CHECK(!kmalloc(MIB(5), FOLIO_NOWARN));
}

TEST(slab, kmalloc_aligns_powers_of_two)
{
	for (size_t size = 16; size <= MIB(4); size *= 2) {
		void *object = kmalloc(size, 0);

		REQUIRE(object);
		CHECK(is_aligned((uintptr_t)virt_to_phys(object).addr, MIN(size, PAGE_SIZE)));
		kfree(object);
	}
}

TEST(slab, kzalloc_is_zero_after_dirty_use)
{
	for (unsigned round = 0; round < 50; round++) {
		unsigned char *object = kzalloc(200);
		unsigned sum = 0;

		REQUIRE(object);
		for (unsigned i = 0; i < 200; i++)
			sum += object[i];
		CHECK_EQ(sum, 0);
		memset(object, 0xee, 200);
		kfree(object);
	}
}

TEST(slab, drain_gives_all_memory_back)
{
	struct slab_cache *cache = slab_cache_create("test", 256, 0);
	void *objects[300];
	uint64_t free;

	REQUIRE(cache);
	mm_drain();
	free = pages_free();
	for (unsigned i = 0; i < 300; i++)
		objects[i] = slab_alloc(cache, 0);
	CHECK(pages_free() < free);
	for (unsigned i = 0; i < 300; i++)
		slab_free(cache, objects[i]);
	mm_drain();
	CHECK_EQ(pages_free(), free);
	CHECK_EQ(slab_cache_destroy(cache), 0);
}

#ifdef QUIRE_TEST_HOOKS
TEST(slab, overrun_and_double_free_are_reported)
{
	struct slab_cache *cache = slab_cache_create("test", 24, 0);
	char *first;
	char *second;

	REQUIRE(cache);
	first = slab_alloc(cache, 0);
	second = slab_alloc(cache, 0);
	REQUIRE(first && second);
	reports_expect();
	slab_free(cache, second);
	slab_free(cache, second);
	CHECK_EQ(reports_count("freed twice"), 1);
	first[24] ^= 1;
	slab_free(cache, first);
	CHECK_EQ(reports_count("written beyond its end"), 1);
	first[24] ^= 1;
	(void)reports_end();
	slab_free(cache, first);
	CHECK_EQ(slab_cache_destroy(cache), 0);
}
#endif

#ifdef QUIRE_TEST_HOOKS
TEST(slab, use_after_free_is_reported_at_the_next_allocation)
{
	struct slab_cache *cache = slab_cache_create("test", 24, 0);
	char *object;
	char *next;

	REQUIRE(cache);
	object = slab_alloc(cache, 0);
	REQUIRE(object);
	slab_free(cache, object);
	object[3] = 1;
	reports_expect();
	next = slab_alloc(cache, 0);
	(void)reports_end();
	CHECK_EQ(reports_count("written after it was freed"), 1);
	CHECK(next != object);
	/* The object is out of use for good: put it right, or the cache could never go. */
	slab_free(cache, next);
	memset(object, 0, 24);
	((uint64_t *)(void *)object)[3] = UINT64_C(0x7a4e7a4e7a4e7a4e);
	slab_free(cache, object);
	CHECK_EQ(slab_cache_destroy(cache), 0);
}
#endif

TEST(slab, foreign_pointer_to_kfree_is_reported)
{
	struct folio *folio = folio_alloc(NODE_ANY, 1, 0, NULL);

	REQUIRE(folio);
	reports_expect();
	kfree(folio_address(folio));
	CHECK_EQ(reports_count("not from kmalloc()"), 1);
	(void)reports_end();
	folio_put(folio);
}

#ifdef QUIRE_TEST_HOOKS
TEST(slab, every_failed_allocation_is_undone)
{
	for (unsigned nth = 1; nth < 100; nth++) {
		struct slab_cache *cache;
		void *object = NULL;

		fault_arm(nth);
		cache = slab_cache_create("test", 500, 0);
		if (cache)
			object = slab_alloc(cache, FOLIO_NOWARN);
		if (!fault_disarm())
			nth = 100;
		CHECK(nth == 100 || !object || cache);
		if (cache) {
			slab_free(cache, object);
			CHECK_EQ(slab_cache_destroy(cache), 0);
		}
	}
}
#endif
