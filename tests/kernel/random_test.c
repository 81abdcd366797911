// SPDX-License-Identifier: MIT
/*
 * The generator of random numbers, against RFC 8439 and against its own promises; the wall
 * clock.
 */
#include <kernel/random.h>
#include <kernel/scheduler.h>
#include <kernel/wall_clock.h>
#include <platform/clock.h>
#include <string.h>
#include <tests/kernel/threads.h>

/* RFC 8439 section 2.3.2. */
TEST(random, block_is_that_of_the_standard)
{
	static const uint32_t state[16] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574,
					   0x03020100, 0x07060504, 0x0b0a0908, 0x0f0e0d0c,
					   0x13121110, 0x17161514, 0x1b1a1918, 0x1f1e1d1c,
					   0x00000001, 0x09000000, 0x4a000000, 0x00000000};
	static const uint8_t expected[64] = {
		0x10, 0xf1, 0xe7, 0xe4, 0xd1, 0x3b, 0x59, 0x15, 0x50, 0x0f, 0xdd, 0x1f, 0xa3,
		0x20, 0x71, 0xc4, 0xc7, 0xd1, 0xf4, 0xc7, 0x33, 0xc0, 0x68, 0x03, 0x04, 0x22,
		0xaa, 0x9a, 0xc3, 0xd4, 0x6c, 0x4e, 0xd2, 0x82, 0x64, 0x46, 0x07, 0x9f, 0xaa,
		0x09, 0x14, 0xc2, 0xd7, 0x05, 0xd9, 0x8b, 0x02, 0xa2, 0xb5, 0x12, 0x9c, 0xd1,
		0xde, 0x16, 0x4e, 0xb9, 0xcb, 0xd0, 0x83, 0xe8, 0xa2, 0x50, 0x3c, 0x4e};
	uint8_t block[64];

	chacha20_block(state, block);
	CHECK(memcmp(block, expected, sizeof(block)) == 0);
}

TEST(random, requests_differ_and_fill_exactly)
{
	uint8_t one[100];
	uint8_t two[100];

	memset(one, 0, sizeof(one));
	random_fill(one, 99);
	random_fill(two, sizeof(two));
	CHECK(memcmp(one, two, 99) != 0);
	CHECK_EQ(one[99], 0);
	CHECK(random_u64() != random_u64());
}

TEST(random, below_stays_below_and_reaches_everything)
{
	unsigned seen[5] = {0};

	for (unsigned i = 0; i < 500; i++)
		seen[random_below(5)]++;
	for (unsigned i = 0; i < 5; i++)
		CHECK(seen[i] > 40);
	CHECK_EQ(random_below(1), 0);
	CHECK(random_below((UINT64_C(1) << 63) + 1) <= UINT64_C(1) << 63);
}

TEST(random, fed_bits_count_until_it_is_seeded)
{
	uint64_t word = clock_cycles();

	for (unsigned i = 0; i < 2; i++)
		random_feed(&word, sizeof(word), 64);
	CHECK(random_is_seeded());
}

TEST(random, events_are_taken_in_from_any_cpu)
{
	uint64_t before = random_u64();

	for (unsigned i = 0; i < 200; i++)
		random_note_event();
	CHECK(random_u64() != before);
}

TEST(wall_clock, goes_with_the_monotonic_clock_and_can_be_set)
{
	uint64_t boot_ns = wall_clock_ns() - clock_ns();
	uint64_t before;
	int64_t after;

	wall_clock_set(UINT64_C(1000000000) * NSEC_PER_SEC);
	before = wall_clock_ns();
	CHECK(before >= UINT64_C(1000000000) * NSEC_PER_SEC);
	CHECK(before < UINT64_C(1000000060) * NSEC_PER_SEC);
	CHECK(wall_clock_ns() >= before);
	wall_clock_set(clock_ns() + boot_ns);
	after = (int64_t)(wall_clock_ns() - clock_ns() - boot_ns);
	CHECK(after > -60 * (int64_t)NSEC_PER_SEC && after < 60 * (int64_t)NSEC_PER_SEC);
}
