// SPDX-License-Identifier: MIT
/*
 * Unpredictable numbers: ChaCha20 (RFC 8439) with a key that is replaced after every use, so
 * that what was given out cannot be computed back from what is in memory. The key takes in the
 * port's generator at start, and whatever is fed later.
 */
#ifndef KERNEL_RANDOM_H
#define KERNEL_RANDOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Take in the port's generator and the clocks; says so when that is not enough. */
void random_init(void);

/* Any context. Before random_is_seeded() the numbers differ from boot to boot at best. */
void random_fill(void *data, size_t size);
uint64_t random_u64(void);
/* Uniform in [0, limit), limit > 0. */
uint64_t random_below(uint64_t limit);

/* Mix in bytes worth `bits` bits of entropy: virtio-rng, host, user. Any context. */
void random_feed(const void *data, size_t size, unsigned bits);
/* An event whose time nobody outside knows exactly; from device interrupts. Cheap. */
void random_note_event(void);

/* True once 128 bits of entropy were taken in. */
bool random_is_seeded(void);

/* The block function, for its test: 16 words of state to 64 bytes, RFC 8439 section 2.3. */
void chacha20_block(const uint32_t state[16], uint8_t block[64]);

#endif
