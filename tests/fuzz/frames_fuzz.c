// SPDX-License-Identifier: MIT
/*
 * The input is a program of frame operations, played beside the oracle of tests/model.
 */
#include <tests/model/frames_play.h>
#include <kernel/assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static struct frames_play play;
static uint64_t state[8192] ALIGNED(CACHE_LINE);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	const char *wrong;

	ASSERT(frames_state_size(FRAMES_PLAY_FRAMES) <= sizeof(state));
	wrong = frames_play(&play, state, (struct bytes){bytes, length});
	if (wrong)
		panic("frames: %s", wrong);
	return 0;
}
