// SPDX-License-Identifier: MIT
/* clang-format off */
/*
 * Quire's memory allocator for other programs: build/hosted/libquire_mm.a (`make library`), link
 * with -pthread. It is the code of the kernel, compiled for this machine without test hooks.
 *
 *	#include "quire_mm.h"
 *
 *	frames_init(NULL, 262144, 8);        // 1 GiB for 8 CPUs
 *	int64_t frame = frames_get(0, 9);    // CPU 0 takes 2 MiB: the first of 512 frames, or -1
 *	if (frame >= 0 && !frames_put(0, (uint64_t)frame, 9))
 *		abort();                     // was not taken: a double free
 *
 * A CPU is a number below `cpus` that one thread at a time uses; any thread may put what another
 * one got. Not from signal handlers. Frames are numbers from 0; the allocator never touches the
 * memory they stand for.
 */
/* clang-format on */
#ifndef QUIRE_MM_H
#define QUIRE_MM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define QUIRE_CPUS_MAX  64
#define QUIRE_ORDER_MAX 10

/*
 * Start, or start again with everything free. memory: where the state goes,
 * frames_memory(frames) bytes aligned to 64, any contents; NULL: the library allocates it.
 * frames: 1 and more, of 4 KiB. cpus: 1 to 64. 0, -EINVAL, or -ENOMEM.
 */
int frames_init(void *memory, uint64_t frames, unsigned cpus);
size_t frames_memory(uint64_t frames);

/* First frame of 2^order free ones, aligned to their number, or -1. order: 0 to 10. */
int64_t frames_get(unsigned cpu, unsigned order);

/* False, and nothing changed, if they are not taken in this form. */
bool frames_put(unsigned cpu, uint64_t frame, unsigned order);

/* Free frames; exact while nobody gets or puts. */
uint64_t frames_count_free(void);

/*
 * The same through the folio interface of the kernel, with page records, references and all of
 * its checks; independent of the frames above. Once per process: `frames` frames of memory (a
 * sparse file in memory, at least 64 MiB), of which the records take 1/64.
 */
int folios_init(uint64_t frames, unsigned cpus);

/* One reference to a folio of 2^order pages, or NULL. */
void *folios_get(unsigned cpu, unsigned order);

/* One reference less; the last one frees it. */
void folios_put(unsigned cpu, void *folio);

/* The folio's memory. */
void *folios_address(const void *folio);

#endif
