// SPDX-License-Identifier: MIT
/*
 * Memory of several nodes: the order in which zones are asked, with made-up zones everywhere;
 * and on a machine that has nodes (tools/test boots one of four, QEMU -numa) requests that are
 * restricted to one, one node used up, and what CPUs of different nodes get.
 */
#include <mm/folio.h>
#include <mm/node.h>
#include <mm/slab.h>
#include <mm/zone.h>
#include <mm/zone_internal.h>
#include <kernel/percpu.h>
#include <tests/kernel/threads.h>
#include <tests/test.h>

#define NO_NODES "this machine has one node"

/* ---- the order, of zones that are only node and type ---- */

#define MADE_UP 6
static struct zone made_up[MADE_UP];
static struct zone *list[MADE_UP];
static unsigned far[4][4];

static unsigned made_up_distance(unsigned from, unsigned to)
{
	return far[from][to];
}

static void make(unsigned at, unsigned node, enum zone_type type)
{
	made_up[at].node = node;
	made_up[at].type = type;
	list[at] = &made_up[at];
}

/* Node 0: all types; nodes 1 to 3: normal. Node 3 has no CPU, which nobody asks. */
static void make_zones(void)
{
	make(0, 0, ZONE_DMA);
	make(1, 0, ZONE_DMA32);
	make(2, 0, ZONE_NORMAL);
	make(3, 1, ZONE_NORMAL);
	make(4, 2, ZONE_NORMAL);
	make(5, 3, ZONE_NORMAL);
}

static void check_order_of(unsigned node, unsigned count, const char *expected)
{
	uint8_t order[MADE_UP];

	zones_order(node, list, count, made_up_distance, order);
	for (unsigned i = 0; i < count; i++)
		CHECK_EQ(order[i], (unsigned)(expected[i] - '0'));
}

static void check_order(unsigned node, const char *expected)
{
	check_order_of(node, MADE_UP, expected);
}

static void set_distances(const unsigned (*table)[4])
{
	for (unsigned i = 0; i < 16; i++)
		far[i / 4][i % 4] = table[i / 4][i % 4];
}

TEST(numa, zones_are_asked_by_distance_then_from_the_highest_type_down)
{
	static const unsigned table[4][4] = {
		{10, 30, 20, 40}, {30, 10, 25, 15}, {20, 25, 10, 35}, {40, 15, 35, 10}};

	make_zones();
	set_distances(table);
	check_order(0, "210435");
	check_order(1, "354210");
	check_order(2, "421035");
	check_order(3, "534210");
	/* Where node 3 has no usable memory. */
	check_order_of(3, MADE_UP - 1, "34210");
}

/* Each direction as it is told. */
TEST(numa, distances_that_differ_by_direction_give_each_node_its_own_order)
{
	static const unsigned table[4][4] = {
		{10, 20, 30, 40}, {40, 10, 30, 20}, {20, 20, 10, 20}, {40, 30, 20, 10}};

	make_zones();
	set_distances(table);
	check_order(0, "210345");
	check_order(1, "354210");
	/* All equally far: the highest type first, then the lowest address. */
	check_order(2, "423510");
	check_order(3, "543210");
}

/* ---- the machine ---- */

static uint64_t node_free(unsigned node)
{
	uint64_t pages = 0;

	for (unsigned i = 0; i < zone_count; i++)
		if (zones[i]->node == node)
			pages += frames_free(&zones[i]->frames);
	return pages;
}

static bool node_has_memory(unsigned node)
{
	bool has = false;

	for (unsigned i = 0; i < zone_count; i++)
		has |= zones[i]->node == node;
	return has;
}

TEST(numa, fallback_follows_what_the_firmware_says)
{
	if (node_count() == 1)
		SKIP(NO_NODES);
	for (unsigned node = 0; node < node_count(); node++) {
		const struct zone *first = zones[zone_fallback[node][0]];
		unsigned before = 0;

		CHECK(first->node == node || !node_has_memory(node));
		CHECK(zone_nearest[node] == first);
		for (unsigned i = 0; i < zone_count; i++) {
			unsigned distance =
				node_distance(node, zones[zone_fallback[node][i]]->node);

			CHECK(distance >= before);
			before = distance;
		}
	}
	/* tools/qemu.py --nodes 4 says so. */
	if (node_count() == 5) {
		CHECK_EQ(node_distance(0, 1), 30);
		CHECK_EQ(node_distance(2, 0), 20);
		CHECK_EQ(node_distance(3, 1), 15);
		CHECK(!node_has_memory(4));
		CHECK_EQ(zone_nearest[4]->node, 3);
	}
}

/* All that requests restricted to a node get, as large blocks and single pages, on any CPU. */
static uint64_t take_node(unsigned node, struct list_head *taken)
{
	static const unsigned orders[] = {FOLIO_ORDER_MAX, 0};
	uint64_t pages = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(orders); i++) {
		struct folio *folio;

		while ((folio = folio_alloc((int)node, orders[i],
					    FOLIO_THIS_NODE | FOLIO_NOWARN, NULL)) != NULL) {
			CHECK_EQ(page_node(&folio->page), node);
			list_add_tail(taken, &folio->page.list);
			pages += folio_pages(folio);
		}
	}
	zones_drain();
	return pages;
}

static void give_all(struct list_head *taken)
{
	struct page *page, *next;

	list_for_each_entry_safe (page, next, taken, list) {
		list_del(&page->list);
		page_put(page);
	}
}

static unsigned nearest_other(unsigned node)
{
	for (unsigned i = 0; i < zone_count; i++)
		if (zones[zone_fallback[node][i]]->node != node)
			return zones[zone_fallback[node][i]]->node;
	return node;
}

/* One node used up: restricted requests are refused, others served by the nearest one, and no
 * other node was touched. */
TEST(numa, used_up_node_refuses_restricted_requests_and_the_nearest_serves_the_others)
{
	if (node_count() == 1)
		SKIP(NO_NODES);
	for (unsigned node = 1; node < node_count(); node++) {
		struct list_head taken = LIST_INIT(taken);
		uint64_t before[NODES_MAX];
		struct folio *folio;
		uint64_t pages;

		if (!node_has_memory(node))
			continue;
		for (unsigned i = 0; i < node_count(); i++)
			before[i] = node_free(i);
		pages = take_node(node, &taken);
		CHECK(pages > 1000);
		for (unsigned i = 0; i < node_count(); i++)
			CHECK_EQ(node_free(i), before[i] - (i == node ? pages : 0));
		CHECK(folio_alloc((int)node, 0,
				  FOLIO_THIS_NODE | FOLIO_NOWARN | FOLIO_MAY_SLEEP,
				  NULL) == NULL);
		folio = folio_alloc((int)node, 0, FOLIO_NOWARN, NULL);
		CHECK(folio && page_node(&folio->page) == nearest_other(node));
		if (folio)
			folio_put(folio);
		give_all(&taken);
		for (unsigned i = 0; i < node_count(); i++)
			CHECK_EQ(node_free(i), before[i]);
	}
}

TEST(numa, restricted_request_for_a_node_that_is_not_there_is_refused)
{
	static const int nodes[] = {NODES_MAX - 1, NODES_MAX, 1000, NODE_ANY};

	for (unsigned i = 0; i < ARRAY_SIZE(nodes); i++)
		if (nodes[i] < 0 || (unsigned)nodes[i] >= node_count())
			CHECK(folio_alloc(nodes[i], 0, FOLIO_THIS_NODE | FOLIO_NOWARN, NULL) ==
			      NULL);
}

/* ---- any node: that of the CPU ---- */

/* Made up: a node that this machine lacks, which asks the zones in the opposite order. */
#define ELSEWHERE (NODES_MAX - 1)

static void set_elsewhere(bool opposite)
{
	for (unsigned i = 0; i < zone_count; i++)
		zone_fallback[ELSEWHERE][i] =
			zone_fallback[0][opposite ? zone_count - 1 - i : i];
	zone_nearest[ELSEWHERE] = zones[zone_fallback[ELSEWHERE][0]];
}

/* Each way to ask for any node; true: all were served by this zone. */
static bool all_ways_from(const struct zone *zone)
{
	struct page *pages[4] = {NULL};
	bool good = true;

	pages[0] = (struct page *)folio_alloc(NODE_ANY, 0, 0, NULL);
	pages[1] = (struct page *)folio_alloc(NODE_ANY, 0, FOLIO_ZERO, NULL);
	pages[2] = page_alloc(NODE_ANY, 0, 0);
	if (page_alloc_bulk(NODE_ANY, 0, &pages[3], 1) != 1)
		pages[3] = NULL;
	for (unsigned i = 0; i < ARRAY_SIZE(pages); i++) {
		good = good && pages[i] && page_zone(pages[i]) == zone;
		if (pages[i])
			page_put(pages[i]);
	}
	return good;
}

TEST(numa, any_node_is_that_of_the_cpu_that_asks)
{
	unsigned node;
	bool before, moved, after;
	struct irq_state irq;

	if (zone_count == 1)
		SKIP("all memory of this machine is one zone");
	set_elsewhere(true);
	irq = irq_save();
	node = zone_cpu_node(cpu_current());
	before = all_ways_from(zone_nearest[node]);
	zone_cpu_set_node(cpu_current(), ELSEWHERE);
	moved = all_ways_from(zone_nearest[ELSEWHERE]);
	zone_cpu_set_node(cpu_current(), node);
	after = all_ways_from(zone_nearest[node]);
	irq_restore(irq);
	set_elsewhere(false);
	CHECK(before && moved && after);
}

/* tools/qemu.py --nodes 4 says so; nodes are numbered as their domains are. */
static unsigned cpu_node_told(unsigned cpu)
{
	static const unsigned nodes[] = {1, 0, 4, 2};

	return node_count() == 5 ? nodes[cpu % ARRAY_SIZE(nodes)] : zone_cpu_node(cpu);
}

static int check_cpu(void *arg)
{
	const struct zone *near = zone_nearest[cpu_node_told(cpu_current())];
	struct slab_cache *cache = arg;
	void *object;

	CHECK_EQ(zone_cpu_node(cpu_current()), cpu_node_told(cpu_current()));
	CHECK(all_ways_from(near));
	object = slab_alloc(cache, 0);
	CHECK(object && slab_object_node(object) == near->node);
	slab_free(cache, object);
	return 0;
}

/* Memory comes from the node of the CPU, or the nearest one that has any; so do objects, though
 * every node has a slab with room. */
TEST(numa, each_cpu_gets_memory_of_its_node)
{
	static const struct slab_attributes attributes = {.name = "numa", .size = 64};
	struct slab_cache *cache;
	void *objects[NODES_MAX] = {NULL};

	if (node_count() == 1)
		SKIP(NO_NODES);
	cache = slab_cache_create(&attributes);
	NEED(cache, "no memory for a cache");
	for (unsigned node = 0; node < node_count(); node++)
		if (node_has_memory(node))
			objects[node] =
				slab_alloc_node(cache, (int)node, FOLIO_THIS_NODE, NULL);
	cpu_for_each (cpu)
		(void)thread_join(test_thread(check_cpu, cache, cpu));
	for (unsigned node = 0; node < node_count(); node++)
		slab_free(cache, objects[node]);
	slab_drain();
	CHECK_EQ(slab_cache_destroy(cache), 0);
}
