// SPDX-License-Identifier: MIT
/*
 * See map.h. Free memory is known from the words of 2 MiB blocks; who uses a block is looked up
 * frame by frame in at most LOOKS blocks of a cell, spread evenly, so that the cost of a
 * picture has a bound whatever the size of the machine. Nobody is asked to stand still.
 */
#include <mm/map.h>
#include <mm/balloon.h>
#include <mm/folio.h>
#include <mm/frame_info.h>
#include <mm/mm.h>
#include <mm/node.h>
#include <mm/page_reporting.h>
#include <mm/zone.h>
#include <kernel/bits.h>
#include <kernel/json.h>
#include <kernel/log.h>
#include <kernel/thread.h>
#include <platform/clock.h>
#include <platform/console.h>

#define LOOKS         16u
#define LEGEND_ROWS   4u /* with the prompt */
#define WATCH_POLL_NS (50 * NSEC_PER_MSEC)
#define WATCH_POLLS   10u /* from one picture to the next */
#define HOME          "\033[H"
#define CLEAR_LINE    "\033[K"
#define CLEAR_BELOW   "\033[J"

/* Frames of a cell. */
struct tally {
	bool ram;
	uint64_t touched; /* of open blocks */
	uint64_t taken;   /* of those */
	uint64_t reported;
	uint64_t looked;    /* in use, of blocks looked into */
	uint64_t ballooned; /* of those */
	uint64_t large;
};

/* ---- one cell ---- */

static void look_at(const struct frame_info *info, uint64_t frames, struct tally *tally)
{
	if (info->state == FRAME_FREE || info->state == FRAME_UNTOUCHED)
		return;
	tally->looked += frames;
	if (!info->block)
		return;
	if (page_type(info->block) == PAGE_TYPE_OFFLINE)
		tally->ballooned += frames;
	else if (page_kind(info->block) == PAGE_KIND_HEAD)
		tally->large += frames;
}

static void look_into(uint64_t start, struct tally *tally)
{
	uint64_t end = start + BLOCK_FRAMES;

	for (uint64_t at = start; at < end;) {
		struct frame_info info;
		uint64_t next;

		frame_info_get(pfn(at), &info);
		next = MIN(info.first.nr + info.frames, end);
		look_at(&info, next - at, tally);
		at = next;
	}
}

static void tally_block(const struct zone *zone, uint64_t block, bool look, struct tally *tally)
{
	enum frames_state state = frames_state_of(&zone->frames, block);

	tally->touched += BLOCK_FRAMES;
	if (state == FRAMES_REPORTED)
		tally->reported += BLOCK_FRAMES;
	if (state != FRAMES_PARTIAL && state != FRAMES_TAKEN)
		return;
	tally->taken += frames_taken_in(&zone->frames, block);
	if (look)
		look_into(zone->base.nr + block * BLOCK_FRAMES, tally);
}

static void tally_zone(const struct zone *zone, uint64_t start, uint64_t end,
		       struct tally *tally)
{
	uint64_t open = zone->base.nr +
			atomic_load_explicit(&zone->frames.frontier, memory_order_acquire) *
				BLOCK_FRAMES;
	uint64_t stride = MAX((end - start) / BLOCK_FRAMES / LOOKS, UINT64_C(1));

	if (end <= zone->start.nr || start >= zone->end.nr)
		return;
	tally->ram = true;
	for (uint64_t f = MAX(start, zone->base.nr); f < MIN(end, open); f += BLOCK_FRAMES)
		tally_block(zone, (f - zone->base.nr) / BLOCK_FRAMES,
			    (f / BLOCK_FRAMES) % stride == 0, tally);
}

static char used_cell(const struct tally *tally)
{
	bool full = tally->taken == tally->touched;

	if (tally->ballooned * 2 > tally->looked)
		return full && tally->ballooned == tally->looked ? 'B' : 'b';
	if (tally->large * 2 > tally->looked)
		return full && tally->large == tally->looked ? 'L' : 'l';
	if (full)
		return '#';
	return (char)('0' + MAX(tally->taken * 10 / tally->touched, UINT64_C(1)));
}

static char cell(uint64_t start, uint64_t end)
{
	struct tally tally = {0};

	for (unsigned i = 0; i < zone_count; i++)
		tally_zone(zones[i], start, end, &tally);
	if (!tally.ram)
		return ' ';
	if (tally.touched == 0)
		return '.';
	if (tally.taken == 0)
		return tally.reported * 2 >= tally.touched ? 'r' : '-';
	return used_cell(&tally);
}

/* ---- a picture ---- */

void memory_map_plan(struct memory_map *map, unsigned console_columns, unsigned console_rows)
{
	unsigned rows = MAX(console_rows, MAP_ROWS_MIN + LEGEND_ROWS) - LEGEND_ROWS;
	unsigned around;

	map->end = zones[zone_count - 1]->end.nr;
	map->digits = (log2_floor(map->end << PAGE_SHIFT) + 4) / 4;
	around = map->digits + sizeof("0x |||") - 1; /* one more than is printed */
	map->columns = MAP_COLUMNS_MIN;
	while (map->columns * 2 <= MAP_COLUMNS_MAX &&
	       map->columns * 2 + around <= console_columns)
		map->columns *= 2;
	map->cell_frames = BLOCK_FRAMES;
	while (map->cell_frames * map->columns * rows < map->end)
		map->cell_frames *= 2;
}

bool memory_map_row(const struct memory_map *map, uint64_t start,
		    char text[MAP_COLUMNS_MAX + 1])
{
	bool ram = false;

	for (unsigned i = 0; i < map->columns; i++) {
		uint64_t at = start + i * map->cell_frames;

		text[i] = cell(at, at + map->cell_frames);
		ram = ram || text[i] != ' ';
	}
	text[map->columns] = '\0';
	return ram;
}

static unsigned long long mib(uint64_t pages)
{
	return pages >> (20 - PAGE_SHIFT);
}

static void print_legend(const struct memory_map *map, const char *line_end)
{
	struct page_reporting_statistics reporting;
	struct mm_statistics total;
	uint64_t lent = 0, told;

	mm_statistics(&total);
	page_reporting_statistics(&reporting);
	/* What an earlier device told may have been used again since this one counts. */
	told = reporting.reported - MIN(reporting.reported, reporting.taken_back);
	for (unsigned node = 0; node < node_count(); node++)
		lent += balloon_node_pages(node);
	print("MiB: %llu free, %llu of it reported to the host; %llu in balloons%s\n",
	      mib(total.free), mib(told * BLOCK_FRAMES), mib(lent), line_end);
	print("a character is %llu MiB: . never touched  - free  r reported  1-9 tenths in "
	      "use%s\n",
	      mib(map->cell_frames), line_end);
	print("# all in use; mostly by  b balloons (B: all)  l large folios (L: all)%s\n",
	      line_end);
}

static void print_rows(const struct memory_map *map, const char *line_end)
{
	char text[MAP_COLUMNS_MAX + 1];

	print_legend(map, line_end);
	for (uint64_t start = 0; start < map->end; start += map->cell_frames * map->columns)
		if (memory_map_row(map, start, text))
			print("%#*llx |%s|%s\n", (int)map->digits + 2,
			      (unsigned long long)start << PAGE_SHIFT, text, line_end);
}

static void json_rows(const struct memory_map *map)
{
	char text[MAP_COLUMNS_MAX + 1];
	struct json json;

	json_start(&json);
	json_object(&json, NULL);
	json_number(&json, "cell_bytes", map->cell_frames << PAGE_SHIFT);
	json_array(&json, "rows");
	for (uint64_t start = 0; start < map->end; start += map->cell_frames * map->columns) {
		if (!memory_map_row(map, start, text))
			continue;
		json_object(&json, NULL);
		json_number(&json, "start", start << PAGE_SHIFT);
		json_string(&json, "cells", text);
		json_end(&json);
	}
	json_finish(&json);
}

static void plan_for_console(struct memory_map *map)
{
	unsigned columns, rows;

	console_size(&columns, &rows);
	memory_map_plan(map, columns, rows);
}

void memory_map_print(bool as_json)
{
	struct memory_map map;

	plan_for_console(&map);
	if (as_json)
		json_rows(&map);
	else
		print_rows(&map, "");
}

static bool key_comes(int (*read_key)(void))
{
	for (unsigned poll = 0; poll < WATCH_POLLS; poll++) {
		if (read_key() >= 0)
			return true;
		thread_sleep_ns(WATCH_POLL_NS);
	}
	return false;
}

void memory_map_watch(int (*read_key)(void), bool plain)
{
	struct memory_map map;

	plan_for_console(&map);
	if (!plain)
		print(HOME CLEAR_BELOW);
	do {
		print("%s", plain ? "" : HOME);
		print_rows(&map, plain ? "" : CLEAR_LINE);
	} while (!key_comes(read_key));
}
