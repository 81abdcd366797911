// SPDX-License-Identifier: MIT
/*
 * Large folios survive a balloon: with memory held in scattered single pages, a virtio balloon
 * takes whole 2 MiB blocks and single pages only for the rest, so that every other block stays
 * whole, and folios of 2 MiB in use are not touched. Exact counts; tests/bench/large_folios.py
 * gives the figures of a whole machine.
 */
#include <drivers/balloon/virtio_balloon.h>

#include <kernel/thread.h>
#include <mm/folio.h>
#include <mm/mm.h>
#include <mm/slab.h>
#include <platform/clock.h>
#include <tests/drivers/fake_virtio.h>
#include <tests/test.h>
#include <tests/wait.h>

#define SCATTERED    (32 * BLOCK_FRAMES) /* single pages taken, of which so many are kept */
#define KEPT_PERCENT 40
#define FOLIOS       1000u
#define BLOCKS       100u /* that the balloon is to take */
#define REST         100u /* pages beside them */

static struct page *scattered[SCATTERED];
static unsigned nr_scattered;
static struct folio *folios[FOLIOS];
static unsigned nr_folios;

static uint64_t whole_blocks(void)
{
	uint64_t whole = 0;

	mm_drain();
	for (unsigned i = 0; i < zone_count; i++)
		whole += zone_available(zones[i], BLOCK_ORDER);
	return whole;
}

static uint64_t free_pages(void)
{
	struct mm_statistics now;

	mm_statistics(&now);
	return now.free;
}

/* Single pages, of which chance keeps some. */
static void scatter(void)
{
	unsigned got = 0;

	while (got < SCATTERED &&
	       (scattered[got] = page_alloc(NODE_ANY, 0, FOLIO_NOWARN)) != NULL)
		got++;
	nr_scattered = 0;
	for (unsigned i = 0; i < got; i++)
		if (test_random_below(100) < KEPT_PERCENT)
			scattered[nr_scattered++] = scattered[i];
		else
			page_put(scattered[i]);
	CHECK_EQ(got, SCATTERED);
}

static uint64_t *last_word(struct folio *folio)
{
	return page_to_virt(folio_page(folio, BLOCK_FRAMES - 1));
}

/* As many as leave the balloon its blocks. */
static void folios_take(void)
{
	unsigned wanted = (unsigned)MIN(whole_blocks() / 2, FOLIOS);

	for (nr_folios = 0; nr_folios < wanted; nr_folios++) {
		struct folio *folio =
			folio_alloc(NODE_ANY, BLOCK_ORDER, FOLIO_NOWARN | FOLIO_MOVABLE, NULL);

		REQUIRE(folio != NULL);
		*(uint64_t *)folio_address(folio) = folio_phys(folio).addr;
		*last_word(folio) = ~folio_phys(folio).addr;
		folios[nr_folios] = folio;
	}
}

static void folios_check(void)
{
	for (unsigned i = 0; i < nr_folios; i++) {
		struct folio *folio = folios[i];

		CHECK_EQ(folio_order(folio), BLOCK_ORDER);
		CHECK_EQ(folio_references(folio), 1);
		CHECK_EQ(*(uint64_t *)folio_address(folio), folio_phys(folio).addr);
		CHECK_EQ(*last_word(folio), ~folio_phys(folio).addr);
	}
}

static void give_back(void)
{
	while (nr_folios > 0)
		folio_put(folios[--nr_folios]);
	while (nr_scattered > 0)
		page_put(scattered[--nr_scattered]);
}

static void resize(struct fake_virtio *fake, uint32_t units)
{
	fake_virtio_set_target(fake, units);
	WAIT_FOR(fake_virtio_actual(fake) == units);
	CHECK_EQ(fake_virtio_actual(fake), units);
	CHECK_EQ(fake_virtio_given(fake), units);
}

TEST(large_folios, balloon_takes_whole_blocks_and_scattered_pages_last)
{
	struct fake_virtio *fake = fake_virtio_create();
	uint64_t whole, free;
	unsigned blocks;

	NEED(fake, "no memory for the fake device");
	scatter();
	folios_take();
	REQUIRE(virtio_device_attach(&fake->device) == 0);
	resize(fake, 1);
	resize(fake, 0);
	whole = whole_blocks();
	free = free_pages();
	blocks = (unsigned)MIN(whole / 2, BLOCKS);
	fake->nr_buffers = 0;
	resize(fake, blocks * BLOCK_FRAMES + REST);
	CHECK_EQ(whole_blocks(), whole - blocks);
	CHECK_EQ(free_pages(), free - blocks * BLOCK_FRAMES - REST);
	for (unsigned i = 0; i < 2 * blocks; i++)
		CHECK_EQ(fake->buffers[i].first % VIRTIO_BALLOON_ARRAY, 0);
	CHECK_EQ(fake->buffers[2 * blocks].units, REST);
	folios_check();
	resize(fake, 0);
	CHECK_EQ(whole_blocks(), whole);
	CHECK_EQ(free_pages(), free);
	folios_check();
	virtio_device_detach(&fake->device);
	CHECK_EQ(fake->host_errors, 0);
	fake_virtio_destroy(fake);
	give_back();
}
