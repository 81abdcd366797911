// SPDX-License-Identifier: MIT
/*
 * Use all memory that can be had, once: for tests of balloons and of memory itself.
 */
#ifndef MM_TOUCH_H
#define MM_TOUCH_H

#include <stdint.h>

struct touch_result {
	uint64_t pages;      /* taken, stamped and read back */
	uint64_t wrong;      /* of them with another stamp than was written */
	uint64_t generation; /* counts the calls */
};

/*
 * Take every folio that is left to ordinary requests, largest first, stamp each page at both
 * ends with its address and a generation, read all of it back, free it. A megabyte is kept for
 * others meanwhile. Thread context.
 */
void memory_touch(struct touch_result *result);

#endif
