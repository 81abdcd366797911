// SPDX-License-Identifier: MIT
/*
 * Using libquire_mm.a: two threads take and free memory, each as a CPU of its own, and at the
 * end everything is free. Built against the library and run by tests/tools/library_test.py.
 */
#include "quire_mm.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FRAMES 65536
#define HELD   4096

static void *one_cpu(void *arg)
{
	unsigned cpu = *(const unsigned *)arg;
	static uint64_t held[2][HELD];

	for (unsigned round = 0; round < 16; round++) {
		for (unsigned i = 0; i < HELD; i++) {
			int64_t frame = frames_get(cpu, 0);

			if (frame < 0)
				abort();
			held[cpu][i] = (uint64_t)frame;
		}
		for (unsigned i = 0; i < HELD; i++)
			if (!frames_put(cpu, held[cpu][i], 0))
				abort();
	}
	return NULL;
}

/* All that there is, although another CPU used it last. */
static uint64_t take_all(unsigned cpu)
{
	uint64_t count = 0;

	while (frames_get(cpu, 0) >= 0)
		count++;
	return count;
}

int main(void)
{
	unsigned numbers[2] = {0, 1};
	pthread_t threads[2];
	void *folio;

	if (frames_init(NULL, FRAMES, 8) != 0)
		return 1;
	for (unsigned i = 0; i < 2; i++)
		if (pthread_create(&threads[i], NULL, one_cpu, &numbers[i]) != 0)
			return 1;
	for (unsigned i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	printf("frames: %llu of %u taken\n", (unsigned long long)take_all(7), FRAMES);
	if (frames_count_free() != 0 || !frames_put(0, 5, 0) || frames_put(1, 5, 0))
		return 1;
	if (folios_init(FRAMES, 8) != 0)
		return 1;
	folio = folios_get(3, 9);
	if (!folio)
		return 1;
	memset(folios_address(folio), 0xa5, 2u << 20);
	folios_put(5, folio);
	printf("folios: fine\n");
	return 0;
}
