// SPDX-License-Identifier: MIT
/*
 * Prefix areas of the CPUs that the boot CPU starts. Each sees its own at real, and virtual,
 * address 0; the direct map leaves all of them out. The boot CPU keeps absolute 0.
 */
#ifndef PLATFORM_S390X_PRIVATE_H
#define PLATFORM_S390X_PRIVATE_H

#include <platform/types.h>

struct lowcore;

/* Take areas for `cpus` CPUs out of boot memory, below 2 GiB as prefixes must be; their
 * extent. Translation off. Panics when memory is too short. */
void private_pool_init(unsigned cpus);
void private_pool_extent(struct phys *start, uint64_t *size);
/* Absolute address of area `index`, which is the prefix of the CPU that gets it. */
struct phys private_area_phys(unsigned index);

/* A view of an area whose CPU does not run yet, and the end of it; NULL without memory for the
 * view. */
struct lowcore *private_area_open(unsigned index);
void private_area_close(struct lowcore *area);

#endif
