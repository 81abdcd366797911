// SPDX-License-Identifier: MIT
/*
 * What lies behind the private top-level slot, at the same addresses on every CPU and visible
 * to none but its owner (spec-pt-shadow.md 2.1): the area below, GDT and TSS, the stacks of
 * NMI, double fault, machine check and debug. The frames are in no other mapping. A pointer
 * into it means something else, or nothing, on another CPU.
 */
#ifndef PLATFORM_X86_64_PRIVATE_H
#define PLATFORM_X86_64_PRIVATE_H

#include <platform/types.h>
#include <platform/x86_64/layout.h>
#include <kernel/attributes.h>

struct thread;

struct private_area {
	uint32_t cpu;
	uint32_t apic_id;
	struct thread *thread;
	/* Of the running thread; for entry from user mode and overflow reports. */
	uintptr_t stack;
	uint64_t stack_size;
	/* The table this CPU runs on: CR3 is written, and read, through here only. */
	struct phys root;
	/* Absolute; CLOCK_NEVER when the timer is not armed. */
	uint64_t timer_deadline;
};

_Static_assert(offsetof(struct private_area, cpu) == AREA_CPU, "cpu_current() reads it");
_Static_assert(offsetof(struct private_area, thread) == AREA_THREAD,
	       "context_thread() reads it");

static inline struct private_area *private_area(void)
{
	return (struct private_area *)PRIVATE_AREA;
}

static inline void *private_page(unsigned page)
{
	return (void *)(PRIVATE_BASE + page * PAGE_SIZE);
}

/* Order of the frames in a CPU's block. */
enum private_frame {
	FRAME_LEVEL4,
	FRAME_LEVEL3,
	FRAME_LEVEL2,
	FRAME_LEVEL1,
	FRAME_AREA,
	FRAME_TABLES,
	FRAME_NMI,
	FRAME_DF = FRAME_NMI + 2,
	FRAME_MC = FRAME_DF + 3,
	FRAME_DB = FRAME_MC + 2,
	FRAME_LEVEL5 = FRAME_DB + 2,
	PRIVATE_FRAMES,
};

#define PRIVATE_BLOCK_SIZE (PRIVATE_FRAMES * PAGE_SIZE)

/* Take the pool for `cpus` CPUs out of boot memory; its extent, which the direct map leaves
 * out. Panics when memory is too short. */
void private_pool_init(unsigned cpus);
void private_pool_extent(struct phys *start, uint64_t *size);
/* CPUs the pool has room for. */
unsigned private_pool_cpus(void);

/* Build the boot CPU's block, which starts as a copy of the early pages; returns the table to
 * run on. Early address space. */
struct phys private_build_boot(void);

/* Build the block of a CPU that does not run yet, through this CPU's window. Returns its root.
 */
struct phys private_build_other(unsigned cpu, uint32_t apic_id, void *stack,
				uint64_t stack_size);

#endif
