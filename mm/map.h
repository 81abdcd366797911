// SPDX-License-Identifier: MIT
/*
 * A picture of physical memory, a character for so many frames: what is free, what the host was
 * told of, what a balloon has, what large folios have, what others use.
 */
#ifndef MM_MAP_H
#define MM_MAP_H

#include <platform/types.h>

#define MAP_COLUMNS_MIN 16u
#define MAP_COLUMNS_MAX 256u
#define MAP_ROWS_MIN    8u

/* One picture: rows of so many cells, from frame 0 on. */
struct memory_map {
	uint64_t cell_frames; /* a power of two, at least 2 MiB */
	uint64_t end;         /* first frame above all RAM */
	unsigned columns;     /* a power of two */
	unsigned digits;      /* of the largest address */
};

/* The widest rows that leave a console's last column free, and the smallest cells for which all
 * RAM fits into its rows, legend included. */
void memory_map_plan(struct memory_map *map, unsigned console_columns, unsigned console_rows);

/*
 * The cells from frame `start` on, terminated; false when there is no RAM in the row.
 *
 *	' '  no RAM     '.'  never touched     '-'  free     'r'  free, at least half reported
 *	of what is in use, more than half is  'b' in a balloon   'l' in folios of several pages;
 *	'B' and 'L': all of the cell; else '1' to '9' tenths are in use, '#' all
 */
bool memory_map_row(const struct memory_map *map, uint64_t start,
		    char text[MAP_COLUMNS_MAX + 1]);

/* `mem -m`: print it. Thread context. */
void memory_map_print(bool as_json);

/* `mem -m -w`: print it again and again until read_key() returns a key (negative: none yet),
 * over itself by escape sequences, or, plain, one below the other. Thread context. */
void memory_map_watch(int (*read_key)(void), bool plain);

#endif
