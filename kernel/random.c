// SPDX-License-Identifier: MIT
/*
 * The generator. Key and generation run under one lock for a few hundred cycles; each request
 * makes its own stream from a fresh key (fast key erasure). Feeding absorbs 32 bytes at a time:
 * they are added to the key, and one block of the result is the new key. Lock order: a leaf.
 */
#include <kernel/random.h>
#include <kernel/bits.h>
#include <kernel/lock.h>
#include <kernel/log.h>
#include <kernel/percpu.h>
#include <platform/clock.h>
#include <platform/random.h>

#define KEY_SIZE        32
#define BLOCK_SIZE      64
#define SEEDED_BITS     128
#define EVENTS_PER_FEED 64 /* worth one bit each: most of a time stamp is predictable */
#define HARDWARE_WORDS  8

static struct lock_class random_class = {.name = "random"};
static struct spin_lock lock = SPIN_LOCK_INIT(&random_class);
static uint8_t key[KEY_SIZE]; /* lock */
static _Atomic unsigned entropy_bits;

struct event_pool {
	uint64_t mixed;
	unsigned count;
};

static PER_CPU(struct event_pool, event_pools);

static uint32_t rotate(uint32_t word, unsigned by)
{
	return word << by | word >> (32 - by);
}

static void quarter_round(uint32_t *a, uint32_t *b, uint32_t *c, uint32_t *d)
{
	*a += *b;
	*d = rotate(*d ^ *a, 16);
	*c += *d;
	*b = rotate(*b ^ *c, 12);
	*a += *b;
	*d = rotate(*d ^ *a, 8);
	*c += *d;
	*b = rotate(*b ^ *c, 7);
}

void chacha20_block(const uint32_t state[16], uint8_t block[64])
{
	uint32_t x[16];

	memcpy(x, state, sizeof(x));
	for (unsigned round = 0; round < 10; round++) {
		for (unsigned i = 0; i < 4; i++)
			quarter_round(&x[i], &x[4 + i], &x[8 + i], &x[12 + i]);
		for (unsigned i = 0; i < 4; i++)
			quarter_round(&x[i], &x[4 + (i + 1) % 4], &x[8 + (i + 2) % 4],
				      &x[12 + (i + 3) % 4]);
	}
	for (unsigned i = 0; i < 16; i++)
		le32_store(block + 4 * i, x[i] + state[i]);
}

/* "expand 32-byte k", the key, block 0 of nonce 0. */
static void stream_start(uint32_t state[16], const uint8_t *with_key)
{
	static const uint32_t constants[4] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};

	memset(state, 0, 16 * sizeof(*state));
	memcpy(state, constants, sizeof(constants));
	for (unsigned i = 0; i < 8; i++)
		state[4 + i] = le32_load(with_key + 4 * i);
}

static void block_next(uint32_t state[16], uint8_t block[BLOCK_SIZE])
{
	chacha20_block(state, block);
	state[12]++;
}

/* Overwrite secrets so that the compiler keeps it. */
static void forget(void *data, size_t size)
{
	memset(data, 0, size);
	__asm__ volatile("" : : "r"(data) : "memory");
}

/* One key for the caller's stream, the other half of the block for the next request. */
static void key_take(uint8_t *stream_key)
{
	uint32_t state[16];
	uint8_t block[BLOCK_SIZE];
	struct irq_state irq = spin_lock_irqsave(&lock);

	stream_start(state, key);
	block_next(state, block);
	memcpy(key, block, KEY_SIZE);
	spin_unlock_irqrestore(&lock, irq);
	memcpy(stream_key, block + KEY_SIZE, KEY_SIZE);
	forget(block, sizeof(block));
	forget(state, sizeof(state));
}

void random_fill(void *data, size_t size)
{
	uint8_t stream_key[KEY_SIZE];
	uint8_t block[BLOCK_SIZE];
	uint32_t state[16];
	uint8_t *to = data;

	key_take(stream_key);
	stream_start(state, stream_key);
	while (size > 0) {
		size_t part = MIN(size, sizeof(block));

		block_next(state, block);
		memcpy(to, block, part);
		to += part;
		size -= part;
	}
	forget(block, sizeof(block));
	forget(state, sizeof(state));
	forget(stream_key, sizeof(stream_key));
}

uint64_t random_u64(void)
{
	uint64_t value;

	random_fill(&value, sizeof(value));
	return value;
}

uint64_t random_below(uint64_t limit)
{
	/* Values at or above the largest multiple of limit would favour small results. */
	uint64_t excess = (UINT64_MAX % limit + 1) % limit;
	uint64_t value;

	do {
		value = random_u64();
	} while (value > UINT64_MAX - excess);
	return value % limit;
}

static void absorb(const uint8_t *data, size_t size)
{
	uint32_t state[16];
	uint8_t block[BLOCK_SIZE];
	struct irq_state irq = spin_lock_irqsave(&lock);

	for (size_t i = 0; i < size; i++)
		key[i] ^= data[i];
	stream_start(state, key);
	block_next(state, block);
	memcpy(key, block, KEY_SIZE);
	spin_unlock_irqrestore(&lock, irq);
	forget(block, sizeof(block));
}

void random_feed(const void *data, size_t size, unsigned bits)
{
	const uint8_t *from = data;

	for (size_t at = 0; at < size; at += KEY_SIZE)
		absorb(from + at, MIN(size - at, (size_t)KEY_SIZE));
	if (!random_is_seeded())
		atomic_fetch_add(&entropy_bits, bits);
}

void random_note_event(void)
{
	struct irq_state irq = irq_save();
	struct event_pool *pool = this_cpu(event_pools);
	bool full;

	pool->mixed = (pool->mixed << 7 | pool->mixed >> 57) ^ clock_cycles();
	full = ++pool->count % EVENTS_PER_FEED == 0;
	uint64_t mixed = pool->mixed;
	irq_restore(irq);
	if (full)
		random_feed(&mixed, sizeof(mixed), EVENTS_PER_FEED);
}

bool random_is_seeded(void)
{
	return atomic_load_explicit(&entropy_bits, memory_order_relaxed) >= SEEDED_BITS;
}

void random_init(void)
{
	uint64_t clocks[3] = {clock_cycles(), clock_ns(), clock_wall_seconds()};
	uint64_t word;

	random_feed(clocks, sizeof(clocks), 0);
	for (unsigned i = 0; i < HARDWARE_WORDS && platform_random(&word); i++)
		random_feed(&word, sizeof(word), 32);
	if (!random_is_seeded())
		log_info(
			"random: no hardware generator: numbers are guessable until devices or "
			"virtio-rng have delivered %u bits",
			SEEDED_BITS);
}
