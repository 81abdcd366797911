// SPDX-License-Identifier: MIT
/*
 * Coherent DMA buffers: spec-mapping-dma section 5.
 */
#include <tests/mm/bad_page_fixture.h>
#include <kernel/fault.h>
#include <mm/dma.h>
#include <mm/zone.h>

#define MASK_32 UINT64_C(0xffffffff)

static struct dma_device device_of(uint64_t mask)
{
	return (struct dma_device){.name = "test device", .mask = mask, .node = NODE_ANY};
}

/* What comes next from the allocator is full of a pattern. */
static void dirty_memory(unsigned pages)
{
	struct page *page = page_alloc_exact(NODE_ANY, pages, 0);

	if (!page)
		ERROR("no memory to dirty");
	memset(page_to_virt(page), 0x5a, pages * PAGE_SIZE);
	page_free_exact(page, pages);
}

static uint64_t nonzero_bytes(const unsigned char *byte, size_t size)
{
	uint64_t count = 0;

	for (size_t i = 0; i < size; i++)
		count += byte[i] != 0;
	return count;
}

TEST(dma, M_T17_5000_bytes_are_two_pages_zero_to_the_end)
{
	struct dma_device device = device_of(UINT64_MAX);
	uint64_t bus = 1;
	uint64_t free;
	unsigned char *buffer;
	struct page *page;

	dirty_memory(2);
	mm_drain();
	free = pages_free();
	buffer = dma_alloc(&device, 5000, 0, &bus);
	REQUIRE(buffer);
	CHECK_EQ(pages_free(), free - 2);
	CHECK_EQ(nonzero_bytes(buffer, 2 * PAGE_SIZE), 0);
	CHECK(is_aligned(bus, PAGE_SIZE));
	page = virt_to_page(buffer);
	CHECK_EQ(bus, page_to_phys(page).addr);
	for (unsigned i = 0; i < 2; i++) {
		CHECK_EQ(page_kind(page + i), PAGE_KIND_SINGLE);
		CHECK_EQ(atomic_load(&page[i].refcount), 1);
		CHECK_EQ(page_type(page + i), PAGE_TYPE_DMA);
	}
	dma_free(&device, 5000, buffer, bus);
	CHECK_EQ(pages_free(), free);
}

static void check_size(size_t size, unsigned pages)
{
	struct dma_device device = device_of(UINT64_MAX);
	uint64_t bus;
	uint64_t free;
	unsigned char *buffer;

	dirty_memory(pages);
	mm_drain();
	free = pages_free();
	buffer = dma_alloc(&device, size, 0, &bus);
	REQUIRE(buffer);
	CHECK_EQ(pages_free(), free - pages);
	CHECK_EQ(nonzero_bytes(buffer, pages * PAGE_SIZE), 0);
	dma_free(&device, size, buffer, bus);
	CHECK_EQ(pages_free(), free);
}

TEST(dma, M_T18_what_a_size_leaves_of_its_power_of_two_goes_back_at_once)
{
	check_size(12289, 4);
	check_size(20480, 5);
	check_size(1, 1);
	check_size(PAGE_SIZE, 1);
	check_size(PAGE_SIZE + 1, 2);
	check_size(DMA_SIZE_MAX, 1024);
	check_size(DMA_SIZE_MAX - PAGE_SIZE, 1023);
}

TEST(dma, sizes_that_make_no_buffer)
{
	struct dma_device device = device_of(UINT64_MAX);
	uint64_t free = pages_free();
	uint64_t bus;

	CHECK(!dma_alloc(&device, 0, 0, &bus));
	CHECK(!dma_alloc(&device, DMA_SIZE_MAX + 1, 0, &bus));
	CHECK(!dma_alloc(&device, SIZE_MAX, 0, &bus));
	dma_free(&device, 100, NULL, 0);
	CHECK_EQ(pages_free(), free);
}

TEST(dma, M_T22_compound_flag_is_taken_out_with_one_warning)
{
	struct dma_device device = device_of(UINT64_MAX);
	uint64_t free;

	mm_drain();
	free = pages_free();
	reports_expect();
	for (unsigned i = 0; i < 2; i++) {
		uint64_t bus;
		char *buffer = dma_alloc(&device, 20000, FOLIO_COMPOUND, &bus);

		REQUIRE(buffer);
		memset(buffer, 0x33, 5 * PAGE_SIZE);
		CHECK_EQ(page_kind(virt_to_page(buffer)), PAGE_KIND_SINGLE);
		CHECK_EQ(page_kind(virt_to_page(buffer + 4 * PAGE_SIZE)), PAGE_KIND_SINGLE);
		CHECK_EQ(pages_free(), free - 5);
		dma_free(&device, 20000, buffer, bus);
		CHECK_EQ(pages_free(), free);
	}
	CHECK_EQ(reports_end(), 0);
	CHECK_EQ(reports_count("cannot be compound"), 1);
}

/* Within the mask to the last byte, or nothing. */
static void check_mask(uint64_t mask, size_t size)
{
	struct dma_device device = device_of(mask);
	uint64_t bus;
	void *buffer = dma_alloc(&device, size, FOLIO_NOWARN, &bus);

	if (!buffer)
		return;
	CHECK(bus + align_up(size, PAGE_SIZE) - 1 <= mask);
	CHECK(page_to_phys(virt_to_page(buffer)).addr == bus);
	dma_free(&device, size, buffer, bus);
}

TEST(dma, M_T23_buffer_lies_below_the_mask_with_its_last_byte)
{
	struct folio *high = folio_alloc(NODE_ANY, 0, 0, NULL);
	struct dma_device device = device_of(MASK_32);
	uint64_t bus;
	void *buffer;

	REQUIRE(high);
	/* Where there is memory above 4 GiB, it is what a request without a mask gets. */
	if (page_zone_type(&high->page) == ZONE_NORMAL &&
	    platform_dma_zone_end[1].addr == MASK_32 + 1)
		CHECK(folio_phys(high).addr > MASK_32);
	buffer = dma_alloc(&device, 20480, 0, &bus);
	REQUIRE(buffer);
	CHECK(bus + 20480 - 1 <= MASK_32);
	dma_free(&device, 20480, buffer, bus);
	/* Flags of zones change nothing. */
	buffer = dma_alloc(&device, 20480, FOLIO_DMA, &bus);
	REQUIRE(buffer);
	CHECK(bus + 20480 - 1 <= MASK_32);
	dma_free(&device, 20480, buffer, bus);
	for (unsigned bits = 13; bits < 64; bits++) {
		check_mask((UINT64_C(1) << bits) - 1, 100);
		check_mask((UINT64_C(1) << bits) - 1, 3 * PAGE_SIZE);
		check_mask(UINT64_C(3) << (bits - 2), DMA_SIZE_MAX);
	}
	folio_put(high);
}

/* The next page of the zone lies above the mask: a lower zone has one below it. */
TEST(dma, page_above_the_mask_goes_back_and_a_lower_zone_is_asked)
{
	struct folio *folio = folio_alloc(NODE_ANY, 0, FOLIO_DMA32, NULL);
	struct dma_device device;
	uint64_t free;
	uint64_t bus;
	void *buffer;

	REQUIRE(folio);
	if (page_zone_type(&folio->page) != ZONE_DMA32 || zones[0]->type != ZONE_DMA) {
		folio_put(folio);
		SKIP("this machine has no two DMA zones");
	}
	device = device_of(folio_phys(folio).addr + PAGE_SIZE - 2);
	folio_put(folio);
	free = pages_free();
	buffer = dma_alloc(&device, 1, 0, &bus);
	REQUIRE(buffer);
	CHECK(bus + PAGE_SIZE - 1 <= device.mask);
	CHECK_EQ(pages_free(), free - 1);
	dma_free(&device, 1, buffer, bus);
	CHECK_EQ(pages_free(), free);
}

TEST(dma, M_T24_free_with_another_size_is_refused_with_a_report)
{
	struct dma_device device = device_of(UINT64_MAX);
	uint64_t bus;
	char *buffer = dma_alloc(&device, 20000, 0, &bus);
	uint64_t free = pages_free();

	REQUIRE(buffer);
	reports_expect();
	dma_free(&device, 20481, buffer, bus);
	dma_free(&device, PAGE_SIZE, buffer, bus);
	CHECK_EQ(reports_count("test device: free of a DMA buffer of another size"), 2);
	dma_free(&device, 4 * PAGE_SIZE, buffer + PAGE_SIZE, bus + PAGE_SIZE);
	CHECK_EQ(reports_count("not the address of a DMA buffer"), 1);
	dma_free(&device, 20000, buffer, bus + PAGE_SIZE);
	CHECK_EQ(reports_count("at another bus address"), 1);
	CHECK_EQ(pages_free(), free);
	dma_free(&device, 20000, buffer, bus);
	CHECK_EQ(pages_free(), free + 5);
	dma_free(&device, 20000, buffer, bus);
	CHECK_EQ(reports_count("not the address of a DMA buffer"), 2);
	CHECK_EQ(reports_end(), 0);
	CHECK_EQ(pages_free(), free + 5);
}

TEST(dma, M_T25_page_with_a_reserved_mark_is_withheld_and_the_others_freed)
{
	struct dma_device device = device_of(UINT64_MAX);
	uint64_t bus;
	void *buffer = dma_alloc(&device, 3 * PAGE_SIZE, 0, &bus);
	uint64_t free = pages_free();
	uint64_t bad = pages_bad();
	struct page *page;

	REQUIRE(buffer);
	page = virt_to_page(buffer) + 1;
	page_flag_set(page, PAGE_RESERVED);
	reports_expect();
	dma_free(&device, 3 * PAGE_SIZE, buffer, bus);
	CHECK_EQ(reports_end(), 1);
	CHECK(strstr(reports_text(), "!reserved"));
	CHECK_EQ(pages_free(), free + 2);
	CHECK_EQ(pages_bad(), bad + 1);
	CHECK(page_flag_test(page, PAGE_RESERVED));
}

/* The same mark on a page of a compound block: none of it comes back. */
TEST(dma, M_T25_compound_block_with_a_reserved_page_is_withheld)
{
	struct folio *folio = folio_alloc(NODE_ANY, 2, 0, NULL);
	uint64_t free = pages_free();
	uint64_t bad = pages_bad();

	REQUIRE(folio);
	page_flag_set(folio_page(folio, 1), PAGE_RESERVED);
	reports_expect();
	folio_put(folio);
	CHECK_EQ(reports_end(), 1);
	CHECK_EQ(pages_free(), free);
	CHECK_EQ(pages_bad(), bad + 4);
	CHECK(page_flag_test(folio_page(folio, 1), PAGE_RESERVED));
}

#ifdef QUIRE_TEST_HOOKS
TEST(dma, every_failed_allocation_leaves_nothing_behind)
{
	struct dma_device device = device_of(MASK_32);
	bool injected = true;

	for (unsigned nth = 1; injected && nth < 20; nth++) {
		uint64_t free = pages_free();
		uint64_t bus;
		void *buffer;

		fault_arm(nth);
		buffer = dma_alloc(&device, 9000, FOLIO_NOWARN, &bus);
		injected = fault_disarm();
		dma_free(&device, 9000, buffer, bus);
		CHECK_EQ(pages_free(), free);
	}
	CHECK(!injected);
}
#endif
