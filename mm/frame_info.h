// SPDX-License-Identifier: MIT
/*
 * What a frame is right now, for reports: nobody asked for it to stand still, so an answer may
 * be old when it is read. Reads records and the allocator's state, changes nothing, takes no
 * lock: also usable after a panic.
 */
#ifndef MM_FRAME_INFO_H
#define MM_FRAME_INFO_H

#include <mm/page.h>

/* Frame numbers from here on name nothing: their addresses have more than 64 bits. */
#define FRAMES_NAMED ((UINT64_MAX >> PAGE_SHIFT) + 1)

enum frame_state {
	FRAME_NO_RAM,    /* no memory, or none that the firmware gave us */
	FRAME_RESERVED,  /* kernel image, page records, boot memory, firmware */
	FRAME_UNTOUCHED, /* free, never used since boot, no record yet */
	FRAME_FREE,      /* free, was used */
	FRAME_IN_USE,
	FRAME_WITHHELD, /* taken and nobody's: after a bad page report, or on its way */
	FRAME_STATES
};

struct frame_info {
	enum frame_state state;
	struct pfn first;         /* of its block, or of the run this answer holds for */
	uint64_t frames;          /* from there */
	const struct page *block; /* in use: the first record of its block; otherwise NULL */
};

void frame_info_get(struct pfn f, struct frame_info *info);

/* The longest run from f on, up to `end`, that one line can describe: one block in use, or all
 * neighbours in the same other state. */
void frame_info_get_run(struct pfn f, struct pfn end, struct frame_info *info);

const char *frame_state_name(enum frame_state state);

/* "single", "compound", "raw" for a block in use. */
const char *frame_mode_name(const struct page *block);

/* Who has a block in use, as far as its record says: a slab cache, a balloon, "kernel". */
const char *frame_owner_name(const struct page *block);

#endif
