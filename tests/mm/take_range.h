// SPDX-License-Identifier: MIT
/*
 * All steps of frames_take_range() one after the other, on one CPU.
 */
#ifndef TESTS_MM_TAKE_RANGE_H
#define TESTS_MM_TAKE_RANGE_H

#include <mm/frames.h>
#include <errno.h>

/* *busy is written with -EBUSY. */
static inline int take_range(struct frames *frames, unsigned cpu, uint64_t first,
			     uint64_t count, uint64_t *busy)
{
	struct frames_range range = frames_range_of(first, count);
	int error;

	do
		error = frames_take_range(frames, cpu, &range);
	while (error == -EAGAIN);
	if (error == -EBUSY)
		*busy = range.busy;
	return error;
}

#endif
