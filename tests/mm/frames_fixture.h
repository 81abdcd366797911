// SPDX-License-Identifier: MIT
/*
 * A frame allocator of its own for a test, over state full of garbage: nothing may rely on what
 * was there before.
 */
#ifndef TESTS_MM_FRAMES_FIXTURE_H
#define TESTS_MM_FRAMES_FIXTURE_H

#include <mm/frames.h>
#include <mm/slab.h>
#include <tests/test.h>
#include <string.h>

struct frames_fixture {
	struct frames *frames;
	void *state;
};

static inline struct frames_fixture
frames_fixture_start(uint64_t frame_count, void (*open_block)(struct frames *, uint64_t),
		     uint64_t usable)
{
	size_t size = frames_state_size(frame_count);
	struct frames_fixture fixture = {
		.frames = kmalloc(sizeof(struct frames), 0),
		.state = kmalloc(size, 0),
	};

	if (!fixture.frames || !fixture.state) {
		kfree(fixture.frames);
		kfree(fixture.state);
	}
	NEED(fixture.frames && fixture.state, "no memory for the frame allocator under test");
	memset(fixture.state, 0xa5, size);
	memset(fixture.frames, 0xa5, sizeof(struct frames));
	frames_init(fixture.frames, fixture.state, frame_count, open_block, usable);
	return fixture;
}

/* Everything must be free again. */
static inline void frames_fixture_end(struct frames_fixture *fixture)
{
	const char *wrong = frames_check(fixture->frames);

	CHECK_STR(wrong ? wrong : "fine", "fine");
	CHECK_EQ(frames_free(fixture->frames), fixture->frames->usable);
	kfree(fixture->state);
	kfree(fixture->frames);
}

static inline void frames_expect_sound(const struct frames_fixture *fixture)
{
	const char *wrong = frames_check(fixture->frames);

	CHECK_STR(wrong ? wrong : "fine", "fine");
}

#endif
