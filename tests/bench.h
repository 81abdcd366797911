// SPDX-License-Identifier: MIT
/*
 * Benches: BENCH(suite, name, iterations) { body for `iterations` } puts one pointer into a
 * linker table. The runner divides the time stamp's difference by the iterations; under QEMU's
 * -icount that is guest instructions, and repeats. Costs are ratios of counts, never asserted.
 */
#ifndef TESTS_BENCH_H
#define TESTS_BENCH_H

#include <kernel/table.h>
#include <stdint.h>

struct bench {
	const char *name;
	uint64_t iterations;
	void (*run)(uint64_t iterations);
};

TABLE_DECLARE(quire_benches, struct bench);

#define BENCH(suite, fact, count)                                                           \
	static void bench_##suite##_##fact(uint64_t iterations);                            \
	static const struct bench bench_record_##suite##_##fact = {#suite "." #fact, count, \
								   bench_##suite##_##fact}; \
	TABLE_ENTRY(quire_benches, struct bench, bench_record_##suite##_##fact);            \
	static void bench_##suite##_##fact(uint64_t iterations)

#endif
