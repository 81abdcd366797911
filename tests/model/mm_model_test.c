// SPDX-License-Identifier: MIT
/*
 * Random programs for the players: what the fuzzers find by coverage, on every port.
 */
#include <tests/model/frames_play.h>
#include <tests/model/objects_play.h>
#include <mm/slab.h>
#include <tests/mm/bad_page_fixture.h>

#define PROGRAM_SIZE 3000

static struct bytes program_random(uint8_t *bytes)
{
	for (unsigned i = 0; i < PROGRAM_SIZE; i++)
		bytes[i] = (uint8_t)test_random();
	return (struct bytes){bytes, PROGRAM_SIZE};
}

TEST(mm_model, random_frame_operations_agree_with_the_oracle)
{
	struct frames_play *play = kmalloc(sizeof(*play), 0);
	void *state;
	uint8_t *bytes;

	NEED(play, "no memory for the player");
	state = kmalloc(frames_state_size(FRAMES_PLAY_FRAMES), 0);
	NEED(state, "no memory for the allocator's state");
	bytes = kmalloc(PROGRAM_SIZE, 0);
	NEED(bytes, "no memory for a program");
	for (unsigned i = 0; i < 10; i++) {
		const char *wrong = frames_play(play, state, program_random(bytes));

		CHECK_STR(wrong ? wrong : "fine", "fine");
	}
	kfree(bytes);
	kfree(state);
	kfree(play);
}

TEST(mm_model, random_object_operations_agree_with_the_oracle)
{
	uint8_t *bytes = kmalloc(PROGRAM_SIZE, 0);

	NEED(bytes, "no memory for a program");
	for (unsigned i = 0; i < 10; i++) {
		const char *wrong;

		reports_expect(); /* of the mistakes a program makes */
		wrong = objects_play(program_random(bytes));
		(void)reports_end();
		CHECK_STR(wrong ? wrong : "fine", "fine");
	}
	kfree(bytes);
}
