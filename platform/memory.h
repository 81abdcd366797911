// SPDX-License-Identifier: MIT
/*
 * The direct map: every byte of RAM has one address at which the kernel reads and writes it.
 * Frames of the CPU-private pool are left out of it on purpose (spec-pt-shadow A-5).
 */
#ifndef PLATFORM_MEMORY_H
#define PLATFORM_MEMORY_H

#include <platform/types.h>

/* Address of RAM in the direct map; only valid for RAM that kmain() was told of. */
static inline void *phys_to_virt(struct phys p);
/* Inverse, for pointers into the direct map or the kernel image. */
struct phys virt_to_phys(const void *virt);

/* True for a pointer behind the CPU-private slot: it means something else on another CPU, so
 * calls to other CPUs, queues and DMA refuse it (spec-pt-shadow A-8). */
static inline bool memory_is_cpu_private(const void *virt);

/* First address above what 24- and 32-bit capable DMA masters reach on this port. */
extern const struct phys platform_dma_zone_end[2];
#define PLATFORM_DMA_ZONES 2

#include "memory_impl.h"

#endif
