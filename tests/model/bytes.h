// SPDX-License-Identifier: MIT
/*
 * A program of operations as bytes, from a fuzzer or from a test's random numbers. Behind its
 * end it reads as zero.
 */
#ifndef TESTS_MODEL_BYTES_H
#define TESTS_MODEL_BYTES_H

#include <stddef.h>
#include <stdint.h>

struct bytes {
	const uint8_t *at;
	size_t length;
};

static inline uint8_t bytes_8(struct bytes *bytes)
{
	if (bytes->length == 0)
		return 0;
	bytes->length--;
	return *bytes->at++;
}

static inline uint16_t bytes_16(struct bytes *bytes)
{
	uint16_t high = bytes_8(bytes);

	return (uint16_t)(high << 8 | bytes_8(bytes));
}

#endif
