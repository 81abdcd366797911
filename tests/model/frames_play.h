// SPDX-License-Identifier: MIT
/*
 * Operations on a frame allocator, decoded from bytes, beside an oracle that is too simple to
 * be wrong: one byte per frame says whether it is taken. Every answer is compared.
 */
#ifndef TESTS_MODEL_FRAMES_PLAY_H
#define TESTS_MODEL_FRAMES_PLAY_H

#include <mm/frames.h>
#include <tests/model/bytes.h>

#define FRAMES_PLAY_BLOCKS 6
#define FRAMES_PLAY_FRAMES (FRAMES_PLAY_BLOCKS * BLOCK_FRAMES)
#define FRAMES_PLAY_HELD   64
#define FRAMES_PLAY_LIST   600 /* frames got at once */

struct frames_play {
	struct frames frames; /* all of FRAMES_PLAY_FRAMES, but what a program excludes */
	uint8_t taken[FRAMES_PLAY_FRAMES];
	bool written[FRAMES_PLAY_BLOCKS];
	struct {
		uint64_t frame;
		unsigned order;
		bool whole; /* order 9 and 10, as they were got */
	} held[FRAMES_PLAY_HELD];
	unsigned count;
	uint64_t list[FRAMES_PLAY_LIST];
};

/* Play the whole program over state of frames_state_size(FRAMES_PLAY_FRAMES) bytes, give
 * everything back, and look whether all is as it was. What went wrong first, or NULL. */
const char *frames_play(struct frames_play *play, void *state, struct bytes program);

#endif
