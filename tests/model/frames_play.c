// SPDX-License-Identifier: MIT
/*
 * See frames_play.h. Byte 0 chooses how much of the first block is excluded; then one byte per
 * operation, with arguments.
 */
#include <tests/model/frames_play.h>
#include <tests/mm/take_range.h>
#include <kernel/bits.h>
#include <errno.h>
#include <string.h>

#define CPUS       4
#define CHECK_EACH 16 /* operations between two looks at everything */

/* In the first block that opens; as many frames as the program said. */
static unsigned excluded;

static void open_block(struct frames *frames, uint64_t block)
{
	if (block == 0 && excluded)
		frames_exclude(frames, 0, BLOCK_FRAMES - excluded, excluded);
}

/* Frames of the run that the oracle has as taken. */
static unsigned taken_in(const struct frames_play *play, uint64_t frame, unsigned order)
{
	unsigned taken = 0;

	for (uint64_t i = 0; i < UINT64_C(1) << order; i++)
		taken += play->taken[frame + i];
	return taken;
}

static bool any_is_free(const struct frames_play *play, unsigned order)
{
	for (uint64_t frame = 0; frame < FRAMES_PLAY_FRAMES; frame += UINT64_C(1) << order)
		if (taken_in(play, frame, order) == 0)
			return true;
	return false;
}

static void mark(struct frames_play *play, uint64_t frame, unsigned order, uint8_t taken)
{
	memset(play->taken + frame, taken, (size_t)1 << order);
}

static const char *play_get(struct frames_play *play, struct bytes *program)
{
	uint8_t choice = bytes_8(program);
	unsigned order = choice % (FRAMES_ORDER_MAX + 1);
	uint64_t frame;

	if (play->count == FRAMES_PLAY_HELD)
		return NULL;
	frame = frames_get(&play->frames, choice >> 6, order);
	if (frame == FRAMES_NONE)
		return any_is_free(play, order) ? "none got, but there is a free run" : NULL;
	if (frame % (UINT64_C(1) << order) ||
	    frame + (UINT64_C(1) << order) > FRAMES_PLAY_FRAMES)
		return "what was got is not aligned or not inside";
	if (taken_in(play, frame, order))
		return "what was got is somebody's";
	mark(play, frame, order, 1);
	play->held[play->count].frame = frame;
	play->held[play->count].whole = order >= BLOCK_ORDER;
	play->held[play->count++].order = order;
	return NULL;
}

static const char *put_held(struct frames_play *play, unsigned cpu, unsigned at)
{
	uint64_t frame = play->held[at].frame;
	unsigned order = play->held[at].order;

	play->held[at] = play->held[--play->count];
	mark(play, frame, order, 0);
	return frames_put(&play->frames, cpu, frame, order) ? NULL : "a held run was refused";
}

static const char *play_put(struct frames_play *play, struct bytes *program)
{
	uint8_t choice = bytes_8(program);

	return play->count ? put_held(play, choice >> 6, choice % play->count) : NULL;
}

/* Many at once, given back at once, the first of them, and one that is free, in between. */
static const char *play_many(struct frames_play *play, struct bytes *program)
{
	unsigned want = bytes_16(program) % FRAMES_PLAY_LIST + 1;
	unsigned cpu = want % CPUS;
	uint64_t free = frames_free(&play->frames);
	unsigned got = frames_get_many(&play->frames, cpu, play->list, want);

	if (got != MIN(free, want))
		return "fewer frames than there are";
	for (unsigned i = 0; i < got; i++) {
		if (play->list[i] >= FRAMES_PLAY_FRAMES || play->taken[play->list[i]])
			return "one of many frames is somebody's";
		play->taken[play->list[i]] = 1;
	}
	for (unsigned i = 0; i < got; i++)
		play->taken[play->list[i]] = 0;
	cpu = bytes_8(program) % CPUS;
	if (frames_put_many(&play->frames, cpu, play->list, got) != got)
		return "one of many frames was refused";
	return got && frames_put_many(&play->frames, cpu, play->list, got) != 0
		       ? "many frames were taken back twice"
		       : NULL;
}

/* Exactly these, or the first that is in use by name. */
static const char *play_range(struct frames_play *play, struct bytes *program)
{
	uint64_t first = bytes_16(program) % FRAMES_PLAY_FRAMES;
	uint64_t count = bytes_16(program) % (FRAMES_PLAY_FRAMES + 8);
	uint64_t end = first;
	uint64_t busy = FRAMES_NONE;
	int error = take_range(&play->frames, first % CPUS, first, count, &busy);

	if (count == 0 || first + count > FRAMES_PLAY_FRAMES)
		return error == -EINVAL ? NULL : "a range that is none was taken";
	while (end < first + count && !play->taken[end])
		end++;
	if (end < first + count)
		return error == -EBUSY && busy == end ? NULL : "not the first frame in use";
	if (error)
		return "a free range is not to be had";
	for (uint64_t frame = first; frame < end; frame++)
		if (!frames_put(&play->frames, frame % CPUS, frame, 0))
			return "a frame of a range was refused";
	return NULL;
}

/* Telling the host: a free block, which then is reported until somebody takes it. */
static const char *play_report(struct frames_play *play, struct bytes *program)
{
	uint8_t choice = bytes_8(program);
	uint64_t word = frames_report_next(&play->frames, 0);
	enum frames_state wanted = choice & 0x80 ? FRAMES_REPORTED : FRAMES_FREE;
	uint64_t bits, fresh, block;

	if (word == FRAMES_NONE)
		return NULL;
	bits = frames_report_see(&play->frames, word, &fresh) | fresh;
	if (!bits)
		return "the index has a block for the host that is none";
	bits &= -bits;
	block = word * 64 + (unsigned)__builtin_ctzll(bits);
	if (taken_in(play, block * BLOCK_FRAMES, BLOCK_ORDER))
		return "a block for the host is in use";
	if (frames_report_take(&play->frames, choice % CPUS, word, bits) != bits)
		return "a block for the host is not to be had";
	frames_report_give(&play->frames, choice % CPUS, word, bits, choice & 0x80);
	return frames_state_of(&play->frames, block) == wanted
		       ? NULL
		       : "a block's state is not what the host was told";
}

static const char *play_drain(struct frames_play *play, struct bytes *program)
{
	uint8_t choice = bytes_8(program);

	if (choice & 0x80)
		frames_drain(&play->frames);
	else
		frames_drain_cpu(&play->frames, choice % CPUS);
	return NULL;
}

/* A run of which some frame is free must be refused, and nothing may change. */
static const char *play_wrong_put(struct frames_play *play, struct bytes *program)
{
	unsigned order = bytes_8(program) % (FRAMES_ORDER_MAX + 1);
	uint64_t frame = bytes_16(program) % FRAMES_PLAY_FRAMES & ~((UINT64_C(1) << order) - 1);

	if (taken_in(play, frame, order) == 1u << order)
		return NULL;
	return frames_put(&play->frames, frame % CPUS, frame, order)
		       ? "a run that is partly free was taken back"
		       : NULL;
}

/* A run becomes two halves; whole blocks must be told. */
static const char *play_split(struct frames_play *play, struct bytes *program)
{
	unsigned at = play->count ? bytes_8(program) % play->count : 0;

	if (play->count == 0 || play->count == FRAMES_PLAY_HELD || play->held[at].order == 0)
		return NULL;
	if (play->held[at].whole)
		frames_split(&play->frames, play->held[at].frame, play->held[at].order);
	play->held[at].whole = false;
	play->held[at].order--;
	play->held[play->count] = play->held[at];
	play->held[play->count++].frame += UINT64_C(1) << play->held[at].order;
	return NULL;
}

static const char *play_mark(struct frames_play *play, struct bytes *program)
{
	uint8_t choice = bytes_8(program);
	unsigned block = choice % FRAMES_PLAY_BLOCKS;
	uint64_t frame = (uint64_t)block * BLOCK_FRAMES;

	if (!frames_is_open(&play->frames, frame))
		return NULL;
	if (choice & 0x80)
		frames_mark_written(&play->frames, frame);
	else
		frames_clear_written(&play->frames, frame);
	play->written[block] = choice & 0x80;
	return NULL;
}

/* Pristine and reported blocks are free ones. */
static enum frames_state state_says(const struct frames_play *play, unsigned block)
{
	enum frames_state state = frames_state_of(&play->frames, block);

	return state == FRAMES_PARTIAL || state == FRAMES_TAKEN ? state : FRAMES_FREE;
}

static enum frames_state state_wanted(const struct frames_play *play, unsigned block)
{
	unsigned taken = taken_in(play, (uint64_t)block * BLOCK_FRAMES, BLOCK_ORDER);

	return taken == 0 ? FRAMES_FREE : taken == BLOCK_FRAMES ? FRAMES_TAKEN : FRAMES_PARTIAL;
}

/* Everything the allocator says, against the oracle. */
static const char *look(struct frames_play *play)
{
	const char *wrong = frames_check(&play->frames);
	uint64_t taken = 0;

	if (wrong)
		return wrong;
	for (uint64_t frame = 0; frame < FRAMES_PLAY_FRAMES; frame++) {
		taken += play->taken[frame];
		if (frames_is_open(&play->frames, frame) &&
		    frames_is_taken(&play->frames, frame) != play->taken[frame])
			return "frames_is_taken() does not know it";
	}
	if (frames_free(&play->frames) != FRAMES_PLAY_FRAMES - taken)
		return "the count of free frames is not what it should be";
	for (unsigned block = 0; block < FRAMES_PLAY_BLOCKS; block++)
		if (frames_is_open(&play->frames, block * BLOCK_FRAMES) &&
		    state_says(play, block) != state_wanted(play, block))
			return "a block is not in the state it should be";
	for (unsigned block = 0; block < FRAMES_PLAY_BLOCKS; block++)
		if (frames_is_open(&play->frames, block * BLOCK_FRAMES) &&
		    frames_is_written(&play->frames, block * BLOCK_FRAMES) !=
			    play->written[block])
			return "a block's mark is not what it should be";
	return NULL;
}

static const char *operation(struct frames_play *play, struct bytes *program)
{
	switch (bytes_8(program) % 12) {
	case 0:
	case 1:
	case 2:
		return play_get(play, program);
	case 3:
	case 4:
		return play_put(play, program);
	case 5:
		return play_wrong_put(play, program);
	case 6:
		return play_split(play, program);
	case 7:
		return play_many(play, program);
	case 8:
		return play_range(play, program);
	case 9:
		return play_report(play, program);
	case 10:
		return play_drain(play, program);
	default:
		return play_mark(play, program);
	}
}

/* No frame is lost: after everything came back every block is there in one piece. */
static const char *give_all_back(struct frames_play *play)
{
	const char *wrong = NULL;

	while (!wrong && play->count)
		wrong = put_held(play, play->count % CPUS, play->count - 1);
	if (!wrong)
		wrong = look(play);
	for (unsigned block = excluded != 0; !wrong && block < FRAMES_PLAY_BLOCKS; block++)
		if (frames_get(&play->frames, 0, BLOCK_ORDER) == FRAMES_NONE)
			wrong = "a block that is free cannot be got whole";
	return wrong;
}

const char *frames_play(struct frames_play *play, void *state, struct bytes program)
{
	const char *wrong = NULL;

	excluded = bytes_8(&program) * 2u;
	memset(play, 0, sizeof(*play));
	memset(state, 0xa5, frames_state_size(FRAMES_PLAY_FRAMES));
	memset(play->taken + BLOCK_FRAMES - excluded, 1, excluded);
	frames_init(&play->frames, state, FRAMES_PLAY_FRAMES, open_block,
		    FRAMES_PLAY_FRAMES - excluded);
	for (unsigned i = 1; !wrong && program.length; i++) {
		wrong = operation(play, &program);
		if (!wrong && i % CHECK_EACH == 0)
			wrong = look(play);
	}
	if (!wrong)
		wrong = look(play);
	return wrong ? wrong : give_all_back(play);
}
