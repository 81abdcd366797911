// SPDX-License-Identifier: MIT
/*
 * The commands `folios` and `mem -m`, and what they stand on.
 */
#include <tests/mm/bad_page_fixture.h>
#include <kernel/format.h>
#include <kernel/shell.h>
#include <mm/balloon.h>
#include <mm/dma.h>
#include <mm/frame_info.h>
#include <mm/map.h>
#include <mm/slab.h>
#include <mm/zone.h>
#include <tests/kernel/text_sink.h>
#include <errno.h>

static const char *run(int expected, const char *pattern, struct pfn f)
{
	char line[80];
	int error;

	format(line, sizeof(line), pattern, (unsigned long long)f.nr);
	text_sink_open();
	error = shell_run_line(line);
	text_sink_peek();
	const char *text = text_sink_close();
	CHECK_EQ(error, expected);
	return text;
}

TEST(mem_commands, frame_of_a_folio_is_explained_by_its_head)
{
	struct folio *folio = folio_alloc(NODE_ANY, 3, 0, NULL);
	struct frame_info info;
	const char *text;
	char expected[120];
	struct pfn f;

	REQUIRE(folio);
	f = pfn(page_to_pfn(&folio->page).nr + 5);
	page_flag_set(&folio->page, PAGE_DIRTY);
	frame_info_get(f, &info);
	CHECK_EQ(info.state, FRAME_IN_USE);
	CHECK_EQ(info.first.nr, f.nr - 5);
	CHECK_EQ(info.frames, 8);
	CHECK(info.block == &folio->page);
	text = run(0, "folios 0x%llx", f);
	format(expected, sizeof(expected),
	       "is in    %#llx-%#llx: in use, compound, order 3, references 1, flags 0x8 "
	       "dirty, "
	       "type none, kernel\n",
	       (unsigned long long)f.nr - 5, (unsigned long long)f.nr + 2);
	CHECK(strstr(text, expected));
	CHECK(strstr(text, "  before   "));
	CHECK(strstr(text, "  after    "));
	CHECK(strstr(text, "  record   free, tail or later page"));
	text = run(0, "folios -j 0x%llx", f);
	CHECK(text[0] == '{');
	format(expected, sizeof(expected),
	       "\"in\":{\"frame\":%llu,\"frames\":8,\"state\":\"in use\",\"mode\":\"compound\"",
	       (unsigned long long)f.nr - 5);
	CHECK(strstr(text, expected));
	CHECK(strchr(text, '\n') == text + strlen(text) - 1);
	folio_put(folio);
	frame_info_get(f, &info);
	CHECK_EQ(info.state, FRAME_FREE);
}

TEST(mem_commands, later_page_of_a_raw_block_is_found_and_owners_have_names)
{
	struct dma_device device = {.name = "x", .mask = UINT64_MAX, .node = NODE_ANY};
	struct page *raw = page_alloc(NODE_ANY, 2, 0);
	struct frame_info info;
	void *object, *buffer;
	uint64_t bus;

	NEED(raw, "no memory for a block");
	object = kmalloc(64, 0);
	NEED(object, "no memory for an object");
	buffer = dma_alloc(&device, 1, 0, &bus);
	NEED(buffer, "no memory for a buffer");
	frame_info_get(page_to_pfn(raw + 3), &info);
	CHECK(info.block == raw);
	CHECK_STR(frame_mode_name(info.block), "raw");
	frame_info_get(page_to_pfn(virt_to_page(object)), &info);
	CHECK_EQ(info.state, FRAME_IN_USE);
	CHECK(strncmp(frame_owner_name(info.block), "kmalloc", 7) == 0);
	frame_info_get(page_to_pfn(virt_to_page(buffer)), &info);
	CHECK_STR(frame_owner_name(info.block), "DMA buffer");
	dma_free(&device, 1, buffer, bus);
	kfree(object);
	page_free(raw, 2);
}

/* Every frame number has an answer, and runs cover all of them without a gap. */
/* Who is asked for may be about to make, or to free, what he has. */
TEST(mem_commands, owner_that_is_just_coming_or_going_has_a_name)
{
	struct page *page = page_alloc(NODE_ANY, 0, 0);

	NEED(page, "no memory for a page");
	page_set_type(page, PAGE_TYPE_SLAB);
	CHECK_STR(frame_owner_name(page), "slab");
	page->cache = (void *)page;
	CHECK_STR(frame_owner_name(page), "slab");
	page->cache = NULL;
	page_set_type(page, PAGE_TYPE_OFFLINE);
	page_set_private(page, (uintptr_t)page);
	CHECK_STR(frame_owner_name(page), "balloon");
	page_set_private(page, 0);
	page_set_type(page, PAGE_TYPE_NONE);
	page_free(page, 0);
}

TEST(mem_commands, runs_cover_every_frame_once)
{
	uint64_t end = zones[zone_count - 1]->end.nr + 1000;
	uint64_t per_state[FRAME_STATES] = {0};
	uint64_t usable = 0;
	uint64_t at = 0;
	struct frame_info info;

	while (at < end) {
		frame_info_get_run(pfn(at), pfn(end), &info);
		if (info.first.nr != at || info.frames == 0)
			break;
		per_state[info.state] += info.frames;
		at += info.frames;
	}
	CHECK(at >= end);
	for (unsigned i = 0; i < zone_count; i++)
		usable += zones[i]->frames.usable;
	CHECK_EQ(per_state[FRAME_UNTOUCHED] + per_state[FRAME_FREE] + per_state[FRAME_IN_USE] +
			 per_state[FRAME_WITHHELD],
		 usable);
	CHECK_EQ(per_state[FRAME_FREE] + per_state[FRAME_UNTOUCHED], pages_free());
	frame_info_get(pfn(FRAMES_NAMED - 1), &info);
	CHECK_EQ(info.state, FRAME_NO_RAM);
	CHECK_EQ(info.frames, 1);
}

TEST(mem_commands, range_is_listed_and_bad_arguments_are_refused)
{
	struct page *page = page_alloc_exact(NODE_ANY, 6, 0);
	const char *text;
	unsigned lines = 0;

	REQUIRE(page);
	text = run(0, "folios 0x%llx 6", page_to_pfn(page));
	for (const char *at = text; (at = strchr(at, '\n')) != NULL; at++)
		lines++;
	CHECK_EQ(lines, 6);
	CHECK(strstr(text, "single, order 0, references 1"));
	text = run(0, "folios -j 0x%llx 6", page_to_pfn(page));
	CHECK(strstr(text, "\"frames_left\":0}"));
	page_free_exact(page, 6);
	CHECK(strstr(run(-EINVAL, "folios x%llx", pfn(1)), "usage: folios"));
	CHECK(strstr(run(-EINVAL, "folios %llx 0", pfn(1)), "usage: folios"));
	CHECK(strstr(run(-EINVAL, "folios 1 2 %llx", pfn(1)), "usage: folios"));
	CHECK(strstr(run(-EINVAL, "folios 0x%llx", pfn(FRAMES_NAMED)), "end at"));
	CHECK(strstr(run(-EINVAL, "folios 0x%llx 2", pfn(FRAMES_NAMED - 1)), "end at"));
	CHECK(strstr(run(0, "folios", pfn(0)), "splits done"));
	CHECK(strstr(run(0, "folios -j", pfn(0)), "{\"splits\":[{\"order\":1,"));
	CHECK(strstr(run(0, "folios 0x%llx", pfn(FRAMES_NAMED - 1)), "no RAM of ours"));
}

/* The cell of one 2 MiB block. */
static char cell_of(struct pfn f)
{
	struct memory_map map;
	char text[MAP_COLUMNS_MAX + 1];

	memory_map_plan(&map, 80, 24);
	map.cell_frames = BLOCK_FRAMES;
	CHECK(memory_map_row(&map, align_down(f.nr, BLOCK_FRAMES), text));
	return text[0];
}

TEST(mem_commands, map_shows_full_free_and_large)
{
	struct folio *folio = folio_alloc(NODE_ANY, BLOCK_ORDER, 0, NULL);
	struct page *raw = page_alloc(NODE_ANY, BLOCK_ORDER, 0);
	struct pfn f;

	REQUIRE(folio && raw);
	f = page_to_pfn(&folio->page);
	CHECK_EQ(cell_of(f), 'L');
	CHECK_EQ(cell_of(page_to_pfn(raw)), '#');
	page_free(raw, BLOCK_ORDER);
	folio_put(folio);
	CHECK(cell_of(f) == '-' || cell_of(f) == 'r');
}

/* Half of the pages of a block, one by one. */
TEST(mem_commands, map_counts_tenths_and_shows_whose_most_are)
{
	struct page *page = page_alloc(NODE_ANY, BLOCK_ORDER, 0);
	struct balloon_device device;
	struct pfn f;

	REQUIRE(page && page_explode(page, BLOCK_ORDER) == 0);
	f = page_to_pfn(page);
	for (unsigned i = 0; i < BLOCK_FRAMES; i += 2)
		page_put(page + i);
	CHECK_EQ(cell_of(f), '5');
	balloon_device_init(&device, "test", true, NULL);
	for (unsigned i = 1; i < BLOCK_FRAMES; i += 2)
		balloon_enqueue(&device, page + i);
	CHECK_EQ(cell_of(f), 'b');
	for (unsigned i = 1; i < BLOCK_FRAMES; i += 2)
		page_put(balloon_dequeue(&device));
	balloon_device_destroy(&device);
	CHECK(cell_of(f) == '-' || cell_of(f) == 'r');
}

/* As page reporting does, for one free block. */
static void tell_host(struct zone *zone, uint64_t block)
{
	uint64_t word = block / 64, bit = BIT64(block % 64), fresh;
	struct irq_state irq;

	frames_drain(&zone->frames);
	irq = irq_save();
	(void)frames_report_see(&zone->frames, word, &fresh);
	if (frames_report_take(&zone->frames, cpu_current(), word, bit) == bit)
		frames_report_give(&zone->frames, cpu_current(), word, bit, true);
	irq_restore(irq);
}

TEST(mem_commands, map_shows_blocks_of_a_balloon_and_reported_ones)
{
	struct balloon_device device;
	struct list_head entries = LIST_INIT(entries);
	struct page *block;
	struct zone *zone;
	struct pfn f;

	balloon_device_init(&device, "test", true, NULL);
	block = balloon_block_alloc(&device);
	NEED(block, "no block");
	f = page_to_pfn(block);
	zone = page_zone(block);
	balloon_enqueue(&device, block);
	CHECK_EQ(cell_of(f), 'B');
	balloon_dequeue_list(&device, &entries, BALLOON_BLOCK_PAGES);
	balloon_free_list(&entries);
	balloon_device_destroy(&device);
	tell_host(zone, zone_frame(zone, f) / BLOCK_FRAMES);
	CHECK_EQ(cell_of(f), 'r');
}

TEST(mem_commands, map_fits_the_console)
{
	static const unsigned widths[] = {1, 40, 79, 80, 81, 128, 160, 1000};
	struct memory_map map;
	char text[MAP_COLUMNS_MAX + 1];

	for (unsigned i = 0; i < ARRAY_SIZE(widths); i++) {
		memory_map_plan(&map, widths[i], 24);
		CHECK(is_power_of_two(map.columns));
		CHECK(map.columns == MAP_COLUMNS_MIN ||
		      map.columns + map.digits + 5 < widths[i]);
		CHECK(map.cell_frames * map.columns * 20 >= map.end);
		CHECK(map.cell_frames == BLOCK_FRAMES ||
		      map.cell_frames / 2 * map.columns * 20 < map.end);
	}
	CHECK_EQ(map.columns, MAP_COLUMNS_MAX);
	CHECK(memory_map_row(&map, 0, text));
	CHECK_EQ(strlen(text), MAP_COLUMNS_MAX);
	CHECK(!memory_map_row(&map, align_up(map.end, BLOCK_FRAMES), text));
	memory_map_plan(&map, 80, 0);
	CHECK(map.cell_frames * map.columns * MAP_ROWS_MIN >= map.end);
}

TEST(mem_commands, map_is_printed_in_both_forms)
{
	const char *text = run(0, "mem -m", pfn(0));

	CHECK(strstr(text, "a character is "));
	CHECK(strstr(text, "(B: all)"));
	CHECK(strchr(text, '|') != NULL);
	for (const char *line = text; *line; line = strchr(line, '\n') + 1)
		CHECK(strchr(line, '\n') - line < 80);
	text = run(0, "mem -m -j", pfn(0));
	CHECK(strncmp(text, "{\"cell_bytes\":", 14) == 0);
	CHECK(strchr(text, '\n') == text + strlen(text) - 1);
	CHECK(strstr(run(0, "mem", pfn(0)), "\nnode zone"));
	CHECK(strstr(run(0, "mem -j", pfn(0)), "\"cpus\":[{\"pages_got\":"));
	CHECK(strstr(run(-EINVAL, "mem -w", pfn(0)), "usage: mem"));
	CHECK(strstr(run(-EINVAL, "mem -m -w -j", pfn(0)), "usage: mem"));
	CHECK(strstr(run(-EINVAL, "mem -m -p", pfn(0)), "usage: mem"));
	CHECK(strstr(run(-EINVAL, "mem -x", pfn(0)), "unknown argument -x"));
}

static unsigned polls_left;

static int key_later(void)
{
	return polls_left-- == 0 ? 'q' : -1;
}

static unsigned count_of(const char *text, const char *what)
{
	unsigned count = 0;

	for (const char *at = text; (at = strstr(at, what)) != NULL; at++)
		count++;
	return count;
}

TEST(mem_commands, map_is_drawn_again_until_a_key_is_pressed)
{
	const char *text;

	for (unsigned plain = 0; plain < 2; plain++) {
		polls_left = 12; /* a picture every ten */
		text_sink_open();
		memory_map_watch(key_later, plain);
		text = text_sink_close();
		CHECK_EQ(count_of(text, "a character is "), 2);
		CHECK_EQ(count_of(text, "\033[H"), plain ? 0 : 3);
		CHECK_EQ(count_of(text, "\033") == 0, plain);
	}
}
