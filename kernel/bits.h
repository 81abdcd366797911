// SPDX-License-Identifier: MIT
/*
 * Small arithmetic without state: alignment, powers of two, fields of a fixed byte order,
 * minimum.
 */
#ifndef KERNEL_BITS_H
#define KERNEL_BITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define BIT(n)        (1u << (n))
#define BIT64(n)      (UINT64_C(1) << (n))

#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

#define container_of(pointer, type, member) ((type *)((char *)(pointer)-offsetof(type, member)))

/* `to` is a power of two. */
static inline uint64_t align_down(uint64_t value, uint64_t to)
{
	return value & ~(to - 1);
}

static inline uint64_t align_up(uint64_t value, uint64_t to)
{
	return (value + to - 1) & ~(to - 1);
}

static inline bool is_aligned(uint64_t value, uint64_t to)
{
	return (value & (to - 1)) == 0;
}

static inline bool is_power_of_two(uint64_t value)
{
	return value != 0 && (value & (value - 1)) == 0;
}

/* Floor of the binary logarithm; value must not be 0. */
static inline unsigned log2_floor(uint64_t value)
{
	return 63u - (unsigned)__builtin_clzll(value);
}

static inline unsigned log2_ceil(uint64_t value)
{
	return value <= 1 ? 0 : log2_floor(value - 1) + 1;
}

/* Little-endian fields of outside data at any alignment. */
static inline uint16_t le16_load(const void *p)
{
	const uint8_t *b = p;

	return (uint16_t)(b[0] | b[1] << 8);
}

static inline uint32_t le32_load(const void *p)
{
	const uint8_t *b = p;

	return (uint32_t)le16_load(b) | (uint32_t)le16_load(b + 2) << 16;
}

static inline uint64_t le64_load(const void *p)
{
	const uint8_t *b = p;

	return (uint64_t)le32_load(b) | (uint64_t)le32_load(b + 4) << 32;
}

static inline void le16_store(void *p, uint16_t value)
{
	uint8_t *b = p;

	b[0] = (uint8_t)value;
	b[1] = (uint8_t)(value >> 8);
}

static inline void le32_store(void *p, uint32_t value)
{
	le16_store(p, (uint16_t)value);
	le16_store((uint8_t *)p + 2, (uint16_t)(value >> 16));
}

static inline void le64_store(void *p, uint64_t value)
{
	le32_store(p, (uint32_t)value);
	le32_store((uint8_t *)p + 4, (uint32_t)(value >> 32));
}

/* The same, big-endian. */
static inline uint16_t be16_load(const void *p)
{
	const uint8_t *b = p;

	return (uint16_t)(b[0] << 8 | b[1]);
}

static inline uint32_t be32_load(const void *p)
{
	const uint8_t *b = p;

	return (uint32_t)be16_load(b) << 16 | be16_load(b + 2);
}

static inline uint64_t be64_load(const void *p)
{
	const uint8_t *b = p;

	return (uint64_t)be32_load(b) << 32 | be32_load(b + 4);
}

static inline void be16_store(void *p, uint16_t value)
{
	uint8_t *b = p;

	b[0] = (uint8_t)(value >> 8);
	b[1] = (uint8_t)value;
}

static inline void be32_store(void *p, uint32_t value)
{
	be16_store(p, (uint16_t)(value >> 16));
	be16_store((uint8_t *)p + 2, (uint16_t)value);
}

static inline void be64_store(void *p, uint64_t value)
{
	be32_store(p, (uint32_t)(value >> 32));
	be32_store((uint8_t *)p + 4, (uint32_t)value);
}

#endif
