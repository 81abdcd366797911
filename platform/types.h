// SPDX-License-Identifier: MIT
/*
 * Quantities that must not be mixed are one-member structs: a physical address is not a frame
 * number and neither is a pointer. Base pages are 4 KiB on every port.
 */
#ifndef PLATFORM_TYPES_H
#define PLATFORM_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGE_SHIFT 12
#define PAGE_SIZE  (UINT64_C(1) << PAGE_SHIFT)

#define KIB(n) ((uint64_t)(n) << 10)
#define MIB(n) ((uint64_t)(n) << 20)
#define GIB(n) ((uint64_t)(n) << 30)

/* A physical address in bytes. */
struct phys {
	uint64_t addr;
};

/* A page frame number: physical address / PAGE_SIZE. */
struct pfn {
	uint64_t nr;
};

static inline struct phys phys(uint64_t addr)
{
	return (struct phys){addr};
}

static inline struct pfn pfn(uint64_t nr)
{
	return (struct pfn){nr};
}

static inline struct pfn phys_to_pfn(struct phys p)
{
	return (struct pfn){p.addr >> PAGE_SHIFT};
}

static inline struct phys pfn_to_phys(struct pfn f)
{
	return (struct phys){f.nr << PAGE_SHIFT};
}

#endif
