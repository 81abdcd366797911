// SPDX-License-Identifier: MIT
/*
 * See map.h. The counters of 2 MiB blocks are asked, never single frames, and only below the
 * frontiers: the cost goes with the memory that was used, at most one step per 2 MiB.
 */
#include <mm/map.h>
#include <mm/zone.h>
#include <kernel/bits.h>
#include <kernel/json.h>
#include <kernel/log.h>

/* What lies in a cell. */
struct tally {
	bool ram;
	uint64_t touched; /* frames of open blocks */
	uint64_t taken;   /* of those */
};

void memory_map_plan(struct memory_map *map)
{
	map->end = zones[zone_count - 1]->end.nr;
	map->cell_frames = BLOCK_FRAMES;
	while (map->cell_frames * MAP_COLUMNS * MAP_ROWS < map->end)
		map->cell_frames *= 2;
}

static void tally_zone(const struct zone *zone, uint64_t start, uint64_t end,
		       struct tally *tally)
{
	uint64_t open = zone->base.nr +
			atomic_load_explicit(&zone->frames.frontier, memory_order_acquire) *
				BLOCK_FRAMES;

	if (end <= zone->start.nr || start >= zone->end.nr)
		return;
	tally->ram = true;
	for (uint64_t f = MAX(start, zone->base.nr); f < MIN(end, open); f += BLOCK_FRAMES) {
		tally->touched += BLOCK_FRAMES;
		tally->taken +=
			frames_taken_in(&zone->frames, (f - zone->base.nr) / BLOCK_FRAMES);
	}
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
		return '-';
	if (tally.taken == tally.touched)
		return '#';
	return (char)('0' + MAX(tally.taken * 10 / tally.touched, 1));
}

bool memory_map_row(const struct memory_map *map, uint64_t start, char text[MAP_COLUMNS + 1])
{
	bool ram = false;

	for (unsigned i = 0; i < MAP_COLUMNS; i++) {
		uint64_t at = start + i * map->cell_frames;

		text[i] = cell(at, at + map->cell_frames);
		ram = ram || text[i] != ' ';
	}
	text[MAP_COLUMNS] = '\0';
	return ram;
}

static void print_rows(const struct memory_map *map)
{
	char text[MAP_COLUMNS + 1];

	print("a character is %llu MiB:  . never touched  - free  1-9 tenths in use  # full or "
	      "reserved\n",
	      (unsigned long long)map->cell_frames << PAGE_SHIFT >> 20);
	for (uint64_t start = 0; start < map->end; start += map->cell_frames * MAP_COLUMNS)
		if (memory_map_row(map, start, text))
			print("%#14llx |%s|\n", (unsigned long long)start << PAGE_SHIFT, text);
}

static void json_rows(const struct memory_map *map)
{
	char text[MAP_COLUMNS + 1];
	struct json json;

	json_start(&json);
	json_object(&json, NULL);
	json_number(&json, "cell_bytes", map->cell_frames << PAGE_SHIFT);
	json_array(&json, "rows");
	for (uint64_t start = 0; start < map->end; start += map->cell_frames * MAP_COLUMNS) {
		if (!memory_map_row(map, start, text))
			continue;
		json_object(&json, NULL);
		json_number(&json, "start", start << PAGE_SHIFT);
		json_string(&json, "cells", text);
		json_end(&json);
	}
	json_finish(&json);
}

void memory_map_print(bool as_json)
{
	struct memory_map map;

	memory_map_plan(&map);
	if (as_json)
		json_rows(&map);
	else
		print_rows(&map);
}
