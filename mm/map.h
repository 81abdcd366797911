// SPDX-License-Identifier: MIT
/*
 * A picture of physical memory, a character for so many frames.
 */
#ifndef MM_MAP_H
#define MM_MAP_H

#include <platform/types.h>

#define MAP_COLUMNS 64
#define MAP_ROWS    24

/* One picture: rows of MAP_COLUMNS cells, from frame 0 on. */
struct memory_map {
	uint64_t cell_frames; /* a power of two, at least 2 MiB */
	uint64_t end;         /* first frame above all RAM */
};

/* The smallest cells for which all RAM fits into MAP_ROWS rows. */
void memory_map_plan(struct memory_map *map);

/* The cells from frame `start` on, terminated; false when there is no RAM in the row.
 *
 *	' '  no RAM     '.'  never touched     '-'  touched, all free
 *	'1' to '9'  so many tenths of what was touched are in use     '#'  all in use or
 *reserved
 */
bool memory_map_row(const struct memory_map *map, uint64_t start, char text[MAP_COLUMNS + 1]);

/* `mem -m`: print it. */
void memory_map_print(bool as_json);

#endif
