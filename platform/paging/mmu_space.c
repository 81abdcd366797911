// SPDX-License-Identifier: MIT
/*
 * Kernel address space to hand out, for stacks and the like: from a bit map, with guard pages
 * around each piece.
 */
#include <platform/mmu.h>

#include <platform/paging/page_table.h>
#include <kernel/lock.h>

/* A unit holds a stack of the usual size with its guard pages. */
#define UNIT_SIZE  KIB(64)
#define UNITS      (GIB(16) / UNIT_SIZE)
#define WORD_UNITS 64

static struct lock_class space_class = {.name = "kernel address space"};
static struct spin_lock space_lock = SPIN_LOCK_INIT(&space_class);
static uint64_t units_used[UNITS / WORD_UNITS]; /* space_lock */
static uint32_t search_from;                    /* space_lock */

static bool unit_is_used(uint32_t unit)
{
	return units_used[unit / WORD_UNITS] & BIT64(unit % WORD_UNITS);
}

static void units_mark(uint32_t first, uint32_t count, bool used)
{
	for (uint32_t unit = first; unit < first + count; unit++) {
		ASSERT(unit_is_used(unit) != used);
		units_used[unit / WORD_UNITS] ^= BIT64(unit % WORD_UNITS);
	}
}

/* First of `count` free units in [from, to); `to` when there are none. */
static uint32_t units_find(uint32_t from, uint32_t to, uint32_t count)
{
	uint32_t run = 0;

	for (uint32_t unit = from; unit < to; unit++) {
		run = unit_is_used(unit) ? 0 : run + 1;
		if (run == count)
			return unit + 1 - count;
	}
	return to;
}

static uint32_t units_for(uint64_t size)
{
	return (uint32_t)(align_up(size + 2 * PAGE_SIZE, UNIT_SIZE) / UNIT_SIZE);
}

void *mmu_reserve_space(uint64_t size)
{
	struct irq_state state;
	uint32_t first, count;

	if (size == 0 || size > GIB(16) - 2 * PAGE_SIZE)
		return NULL;
	count = units_for(align_up(size, PAGE_SIZE));
	state = spin_lock_irqsave(&space_lock);
	/* On from the last one, so that a stale pointer meets a hole for a while. */
	first = units_find(search_from, UNITS, count);
	if (first == UNITS)
		first = units_find(0, UNITS, count);
	if (first != UNITS) {
		units_mark(first, count, true);
		search_from = first + count;
	}
	spin_unlock_irqrestore(&space_lock, state);
	if (first == UNITS)
		return NULL;
	return (void *)(SPACE_BASE + first * UNIT_SIZE + PAGE_SIZE);
}

void mmu_release_space(void *virt, uint64_t size)
{
	uint64_t offset = (uintptr_t)virt - SPACE_BASE - PAGE_SIZE;
	struct irq_state state;

	ASSERT(offset < UNITS * UNIT_SIZE && is_aligned(offset, UNIT_SIZE));
	state = spin_lock_irqsave(&space_lock);
	units_mark((uint32_t)(offset / UNIT_SIZE), units_for(align_up(size, PAGE_SIZE)), false);
	spin_unlock_irqrestore(&space_lock, state);
}
