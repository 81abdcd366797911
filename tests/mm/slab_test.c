// SPDX-License-Identifier: MIT
/*
 * Small objects.
 */
#include <tests/mm/bad_page_fixture.h>
#include <tests/kernel/text_sink.h>
#include <tests/kernel/threads.h>
#include <tests/mm/reclaim_hold.h>
#include <kernel/fault.h>
#include <kernel/format.h>
#include <kernel/hook.h>
#include <kernel/rcu.h>
#include <kernel/shell.h>
#include <mm/memcg.h>
#include <mm/slab.h>
#include <mm/slab_internal.h>
#include <mm/zone.h>
#include <platform/clock.h>
#include <errno.h>

static struct slab_cache *cache_of(size_t size, size_t alignment)
{
	return slab_cache_create(&(struct slab_attributes){
		.name = "test", .size = size, .alignment = alignment});
}

TEST(slab, objects_are_apart_aligned_and_come_back)
{
	struct slab_cache *cache = cache_of(100, 64);
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
	struct slab_cache *cache = cache_of(40, 0);
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
	CHECK(!cache_of(0, 0));
	CHECK(!cache_of(SLAB_OBJECT_MAX + 1, 0));
	CHECK(!cache_of(10, 3));
	CHECK(!cache_of(10, 2 * PAGE_SIZE));
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
	struct slab_cache *cache = cache_of(256, 0);
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
/* One object of 24 bytes in a cache of its own, and the report that an act on it gives. */
static struct slab_cache *guarded;
static char *victim;

static void victim_get(void)
{
	guarded = cache_of(24, 0);
	REQUIRE(guarded);
	victim = slab_alloc(guarded, 0);
	REQUIRE(victim);
	reports_expect();
}

/* One report, which names object, cache and who had it; everything works afterwards. */
static void victim_reported(const char *what)
{
	char object[32];

	(void)reports_end();
	format(object, sizeof(object), "object %p", (void *)victim);
	CHECK_EQ(reports_count("slab: test: "), 1);
	CHECK_EQ(reports_count(what), 1);
	CHECK_EQ(reports_count(object), 1);
	CHECK_EQ(reports_count("allocated by "), 1);
	CHECK_EQ(slab_cache_destroy(guarded), 0);
}

TEST(slab, overrun_is_reported_at_free)
{
	victim_get();
	victim[24] ^= 1;
	slab_free(guarded, victim);
	CHECK_EQ(reports_count("never freed"), 1);
	victim_reported("written beyond its end");
}

TEST(slab, underrun_is_reported_at_free)
{
	victim_get();
	victim[-1] ^= 1;
	slab_free(guarded, victim);
	victim_reported("written before its start");
}

TEST(slab, overrun_of_what_was_asked_from_kmalloc_is_reported)
{
	char *object = kmalloc(40, 0);

	REQUIRE(object);
	CHECK_EQ(kmalloc_usable_size(object), 40);
	reports_expect();
	object[40] = 0;
	kfree(object);
	(void)reports_end();
	CHECK_EQ(reports_count("slab: kmalloc-64: "), 1);
	CHECK_EQ(reports_count("written beyond its end"), 1);
}

TEST(slab, second_free_is_reported_and_does_nothing)
{
	victim_get();
	slab_free(guarded, victim);
	slab_free(guarded, victim);
	CHECK_EQ(reports_count("freed by "), 1);
	victim_reported("freed twice");
}

TEST(slab, use_after_free_is_reported_at_the_next_allocation)
{
	void *next;

	victim_get();
	preempt_disable(); /* another CPU's magazine does not have it */
	slab_free(guarded, victim);
	victim[3] = 1;
	next = slab_alloc(guarded, 0);
	preempt_enable();
	CHECK_EQ(reports_count("freed by "), 1);
	slab_free(guarded, next);
	victim_reported("written after it was freed");
}

TEST(slab, overrun_into_a_guard_is_survived)
{
	victim_get();
	memset(victim + 24, 0xff, 24);
	slab_free(guarded, victim);
	victim_reported("its guard was overwritten");
}
#endif

TEST(slab, free_to_another_cache_is_reported_and_goes_home)
{
	struct slab_cache *right = cache_of(48, 0);
	struct slab_cache *wrong;
	void *object;

	REQUIRE(right);
	wrong = cache_of(48, 0);
	REQUIRE(wrong);
	object = slab_alloc(right, 0);
	REQUIRE(object);
	reports_expect();
	slab_free(wrong, object);
	(void)reports_end();
	CHECK_EQ(reports_count("of the cache test is freed to it"), 1);
	CHECK_EQ(slab_cache_destroy(right), 0);
	CHECK_EQ(slab_cache_destroy(wrong), 0);
}

TEST(slab, free_of_no_object_is_reported_and_refused)
{
	struct slab_cache *cache = cache_of(48, 0);
	struct folio *folio;
	char *object;

	REQUIRE(cache);
	folio = folio_alloc(NODE_ANY, 0, 0, NULL);
	REQUIRE(folio);
	object = slab_alloc(cache, 0);
	REQUIRE(object);
	reports_expect();
	slab_free(cache, object + 8);
	slab_free(cache, folio_address(folio));
	(void)reports_end();
	CHECK_EQ(reports_count("no object begins there"), 1);
	CHECK_EQ(reports_count("is no small object"), 1);
	slab_free(cache, object);
	folio_put(folio);
	CHECK_EQ(slab_cache_destroy(cache), 0);
}

/* Every start of an object is known as one, and nothing else is. */
TEST(slab, objects_of_every_stride_are_told_from_what_lies_between)
{
	for (size_t size = 1; size <= SLAB_OBJECT_MAX; size += size / 3 + 1) {
		struct slab_cache *cache = cache_of(size, 0);
		char *object;

		REQUIRE(cache);
		for (unsigned i = 0; i < 10; i++) {
			object = slab_alloc(cache, 0);
			REQUIRE(object);
			reports_expect();
			slab_free(cache, object + 1);
			slab_free(cache, object);
			(void)reports_end();
			CHECK_EQ(reports_count("no object begins there"), 1);
			CHECK_EQ(reports_count("slab: "), 1);
		}
		CHECK_EQ(slab_cache_destroy(cache), 0);
	}
}

TEST(slab, node_of_an_object_is_that_of_its_memory)
{
	struct slab_cache *cache = cache_of(64, 0);
	void *object;

	REQUIRE(cache);
	object = slab_alloc_node(cache, 0, FOLIO_THIS_NODE, NULL);
	REQUIRE(object);
	CHECK_EQ(slab_object_node(object), 0);
	CHECK(!slab_object_memcg(object));
	CHECK(!slab_alloc_node(cache, NODES_MAX - 1, FOLIO_THIS_NODE | FOLIO_NOWARN, NULL));
	slab_free(cache, object);
	object = slab_alloc_node(cache, NODES_MAX - 1, FOLIO_NOWARN, NULL);
	CHECK(object);
	slab_free(cache, object);
	CHECK_EQ(slab_cache_destroy(cache), 0);
}

TEST(slab, group_is_charged_by_bytes_and_found_from_the_object)
{
	static const struct slab_attributes attributes = {
		.name = "test", .size = 1000, .flags = SLAB_GROUPS};
	struct memcg group = {.limit = 2};
	struct slab_cache *cache = slab_cache_create(&attributes);
	void *objects[9];
	unsigned count = 0;

	REQUIRE(cache);
	while (count < 9 && (objects[count] = slab_alloc_node(cache, NODE_ANY, 0, &group)))
		count++;
	CHECK_EQ(count, 8); /* of 1000 bytes, in two pages */
	CHECK_EQ(group.pages, 2);
	CHECK_EQ(group.object_bytes, 8000);
	for (unsigned i = 0; i < count; i++) {
		CHECK(slab_object_memcg(objects[i]) == &group);
		slab_free(cache, objects[i]);
	}
	CHECK_EQ(group.pages, 0);
	CHECK_EQ(group.object_bytes, 0);
	objects[0] = slab_alloc(cache, 0);
	CHECK(objects[0] && !slab_object_memcg(objects[0]));
	slab_free(cache, objects[0]);
	CHECK_EQ(slab_cache_destroy(cache), 0);
}

static void construct(void *object)
{
	*(uint64_t *)object = 0x5eed;
}

TEST(slab, constructed_state_survives_being_free)
{
	static const struct slab_attributes attributes = {
		.name = "test", .size = 24, .constructor = construct};
	struct slab_cache *cache = slab_cache_create(&attributes);
	uint64_t *objects[40];

	REQUIRE(cache);
	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < 40; i++) {
			objects[i] = slab_alloc(cache, 0);
			REQUIRE(objects[i]);
			CHECK_EQ(objects[i][0], 0x5eed);
		}
		for (unsigned i = 0; i < 40; i++)
			slab_free(cache, objects[i]);
	}
	CHECK_EQ(slab_cache_destroy(cache), 0);
}

/* The newest cache. */
static struct slab_cache_statistics newest(void)
{
	struct slab_cache_statistics statistics = {0};

	for (unsigned index = 0; slab_statistics(index, &statistics); index++)
		;
	return statistics;
}

struct churn {
	struct slab_cache *cache;
	_Atomic bool stop;
};

static int churn(void *arg)
{
	struct churn *churn = arg;
	void *objects[40];

	while (!atomic_load(&churn->stop)) {
		unsigned got = 0;

		while (got < 40 && (objects[got] = slab_alloc(churn->cache, FOLIO_NOWARN)))
			got++;
		while (got > 0)
			slab_free(churn->cache, objects[--got]);
		thread_yield();
	}
	return 0;
}

/* Each node's numbers are of one moment. */
TEST(slab, statistics_add_up_while_others_allocate)
{
	struct churn others = {.cache = cache_of(512, 0)};
	struct thread *thread;
	unsigned wrong = 0;

	NEED(others.cache, "no memory for a cache");
	thread = test_thread(churn, &others, THREAD_ANY_CPU);
	for (unsigned i = 0; i < 200; i++) {
		struct slab_cache_statistics now = newest();

		wrong += now.in_use > now.objects || now.empty > now.pages;
	}
	atomic_store(&others.stop, true);
	thread_join(thread);
	CHECK_EQ(wrong, 0);
	CHECK_EQ(slab_cache_destroy(others.cache), 0);
}

/* While a reader is in its section, a freed object's memory stays one of its cache, even when
 * its slab is given back: of 40 objects the oldest 15, a slab at least, are in no magazine. */
TEST(slab, type_stable_memory_waits_for_a_grace_period)
{
	static const struct slab_attributes attributes = {
		.name = "test", .size = 512, .flags = SLAB_RCU};
	struct slab_cache *cache = slab_cache_create(&attributes);
	uint64_t *objects[40];
	struct reclaim_hold hold;
	unsigned got = 0;
	uint64_t free;

	REQUIRE(cache);
	mm_drain();
	free = pages_free();
	reclaim_hold(&hold); /* it would give them back first */
	rcu_read_lock();
	while (got < 40 && (objects[got] = slab_alloc(cache, 0)) != NULL)
		*objects[got++] = 0x5eed;
	for (unsigned i = 0; i < got; i++)
		slab_free(cache, objects[i]);
	if (got == 40) {
		CHECK(slab_shrink() > 0);
		CHECK(newest().waiting > 0);
		CHECK_EQ(*objects[0], 0x5eed);
		CHECK(virt_to_page(objects[0])->type == PAGE_TYPE_SLAB);
	}
	rcu_read_unlock();
	reclaim_let_go(&hold);
	CHECK_EQ(got, 40);
	mm_drain();
	CHECK_EQ(newest().waiting, 0);
	CHECK_EQ(pages_free(), free);
	CHECK_EQ(slab_cache_destroy(cache), 0);
}

/* Of 40 objects that come back, the magazine keeps 25: the oldest 15, a slab at least, go home.
 */
TEST(slab, shrink_gives_back_slabs_without_an_object)
{
	struct slab_cache *cache = cache_of(512, 0);
	struct slab_cache_statistics before;
	struct reclaim_hold hold;
	void *objects[40];
	unsigned got = 0;

	REQUIRE(cache);
	mm_drain();
	reclaim_hold(&hold); /* it would give them back first */
	preempt_disable();   /* one CPU's magazine */
	while (got < 40 && (objects[got] = slab_alloc(cache, 0)) != NULL)
		got++;
	for (unsigned i = 0; i < got; i++)
		slab_free(cache, objects[i]);
	preempt_enable();
	CHECK_EQ(got, 40);
	before = newest();
	CHECK_EQ(before.in_use, before.cached);
	CHECK(before.empty > 0);
	CHECK_EQ(slab_shrink(), before.empty);
	CHECK_EQ(newest().empty, 0);
	CHECK_EQ(newest().pages, before.pages - before.empty);
	reclaim_let_go(&hold);
	CHECK_EQ(slab_cache_destroy(cache), 0);
}

#define OUT 64

/* Interrupts are off while an empty slab is looked for, so however many others have free
 * objects it is the first of its list. */
TEST(slab, empty_slab_is_found_without_a_walk)
{
	struct slab_cache *cache = cache_of(512, 0);
	struct reclaim_hold hold;
	struct slab_node *node;
	const struct page *last;
	void *objects[OUT];
	unsigned got = 0, more = 1;

	NEED(cache, "no memory for a cache");
	node = &cache->nodes[0];
	for (; got < OUT && more; got += more)
		more = slab_take(cache, objects + got, OUT - got, 0, 0);
	if (got == 0) {
		CHECK_EQ(slab_cache_destroy(cache), 0);
		ERROR("no memory for a slab");
	}
	CHECK_EQ(got, OUT);
	last = &page_folio(virt_to_page(objects[got - 1]))->page;
	reclaim_hold(&hold); /* it would give the empty one back first */
	for (unsigned i = 0; i < got; i++)
		if (i % cache->objects == 0 ||
		    &page_folio(virt_to_page(objects[i]))->page == last) {
			slab_give(cache, &objects[i], 1);
			objects[i] = NULL;
		}
	CHECK(list_first(&node->unused, struct page, list) == last);
	CHECK_EQ(slab_cache_shrink(cache), 1);
	reclaim_let_go(&hold);
	for (unsigned i = 0; i < got; i++)
		if (objects[i])
			slab_give(cache, &objects[i], 1);
	CHECK_EQ(slab_cache_destroy(cache), 0);
}

TEST(slab, shell_command_reports_in_text_and_json)
{
	void *object = kmalloc(40, 0);
	int error;

	REQUIRE(object);
	text_sink_open();
	error = shell_run_line("slab");
	CHECK(strstr(text_sink_close(), "kmalloc-64"));
	CHECK_EQ(error, 0);
	text_sink_open();
	error = shell_run_line("slab -s -j");
	CHECK(strstr(text_sink_close(), "{\"given_back_pages\":"));
	CHECK_EQ(error, 0);
	text_sink_open();
	error = shell_run_line("slab -x");
	CHECK(strstr(text_sink_close(), "unknown argument -x"));
	CHECK_EQ(error, -EINVAL);
	kfree(object);
}

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
static struct {
	struct slab_cache *cache;
	unsigned caches; /* that the walk has not come to yet */
	struct thread *destroyer;
	_Atomic bool goes;
	_Atomic bool gone;
	bool linked; /* while the walk was there */
} walked;

static int destroy_walked(void *unused)
{
	int error = slab_cache_destroy(walked.cache);

	(void)unused;
	atomic_store(&walked.gone, true);
	return error;
}

static void note_goes(struct hook *hook)
{
	(void)hook;
	atomic_store(&walked.goes, true);
}

/* The walk is at the newest cache, which somebody destroys now. */
static void destroy_meanwhile(struct hook *hook)
{
	(void)hook;
	if (--walked.caches)
		return;
	walked.destroyer = test_thread_try(destroy_walked, NULL, THREAD_ANY_CPU);
	while (walked.destroyer && !atomic_load(&walked.goes) && !atomic_load(&walked.gone))
		thread_yield();
	walked.linked = slab_cache_name(walked.cache) != NULL;
}

TEST(slab, cache_stays_while_somebody_shrinks_it)
{
	struct hook hooks[] = {{.name = "slab_cache_shrunk",
				.function = destroy_meanwhile,
				.only = thread_current()},
			       {.name = "slab_cache_goes", .function = note_goes}};
	struct slab_cache_statistics statistics;

	memset(&walked, 0, sizeof(walked));
	walked.cache = cache_of(200, 0);
	NEED(walked.cache, "no memory for a cache");
	while (slab_statistics(walked.caches, &statistics))
		walked.caches++;
	hook_attach(&hooks[0]);
	hook_attach(&hooks[1]);
	(void)slab_shrink();
	hook_detach(&hooks[1]);
	hook_detach(&hooks[0]);
	CHECK(walked.linked);
	CHECK_EQ(walked.destroyer ? thread_join(walked.destroyer) : destroy_walked(NULL), 0);
	CHECK(slab_cache_name(walked.cache) == NULL);
}

#define DRAIN_NS (50 * NSEC_PER_MSEC)

static struct {
	struct slab_cache *cache;
	_Atomic bool drains;
} drained;

/* Takes its time, with interrupts off: who needs this CPU drained waits. */
static void drain_slowly(struct hook *hook)
{
	uint64_t begin = clock_ns();

	(void)hook;
	atomic_store(&drained.drains, true);
	while (clock_ns() - begin < DRAIN_NS)
		cpu_relax();
}

static int fill_and_drain(void *unused)
{
	struct hook hook = {
		.name = "slab_drain_here", .function = drain_slowly, .only = thread_current()};
	void *object = slab_alloc(drained.cache, FOLIO_NOWARN);

	(void)unused;
	slab_free(drained.cache, object);
	hook_attach(&hook);
	slab_drain();
	hook_detach(&hook);
	atomic_store(&drained.drains, true);
	return 0;
}

/* What lies in the magazine of a CPU that is just drained is not in use. */
TEST(slab, cache_is_destroyed_while_another_cpu_is_drained)
{
	struct thread *thread;

	atomic_store(&drained.drains, false);
	drained.cache = cache_of(200, 0);
	NEED(drained.cache, "no memory for a cache");
	thread = test_thread_try(fill_and_drain, NULL, cpu_count() - 1);
	while (thread && !atomic_load(&drained.drains))
		thread_yield();
	CHECK_EQ(slab_cache_destroy(drained.cache), 0);
	if (thread)
		thread_join(thread);
}

TEST(slab, every_failed_allocation_is_undone)
{
	for (unsigned nth = 1; nth < 100; nth++) {
		struct slab_cache *cache;
		void *object = NULL;

		fault_arm(nth);
		cache = cache_of(500, 0);
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
