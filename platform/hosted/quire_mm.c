// SPDX-License-Identifier: MIT
/*
 * The library for other programs (quire_mm.h). Its functions have names of their own here, and
 * get those of the header when everything else in the archive has been made local
 * (tools/build-hosted.mk): the kernel's own frames_get() has other arguments.
 */
#define _GNU_SOURCE
#define frames_init quire_frames_init
#define frames_get  quire_frames_get
#define frames_put  quire_frames_put
#include <platform/hosted/quire_mm.h>
#undef frames_init
#undef frames_get
#undef frames_put
#include <platform/hosted/hosted.h>
#include <kernel/boot_info.h>
#include <kernel/boot_memory.h>
#include <mm/folio.h>
#include <mm/frames.h>
#include <mm/mm.h>
#include <mm/zone.h>
#include <errno.h>
#include <linux/membarrier.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FOLIOS_LEAST (UINT64_C(64) << 20 >> PAGE_SHIFT)

/* The kernel interrupts a CPU to be sure of what it has seen; a process asks its kernel. */
static bool settle(unsigned cpu)
{
	(void)cpu;
	return syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) == 0;
}

static void relax(void)
{
	sched_yield();
}

static const struct frames_waiting waiting = {settle, relax};
static struct frames frames_of_library;
static void *state_of_library;

static void settle_prepare(void)
{
	(void)syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0);
}

size_t frames_memory(uint64_t frames)
{
	return align_up(frames_state_size(frames), CACHE_LINE);
}

int quire_frames_init(void *memory, uint64_t frames, unsigned cpus)
{
	if (frames == 0 || cpus == 0 || cpus > QUIRE_CPUS_MAX)
		return -EINVAL;
	free(state_of_library);
	state_of_library = NULL;
	if (!memory) {
		memory = aligned_alloc(CACHE_LINE, frames_memory(frames));
		state_of_library = memory;
	}
	if (!memory)
		return -ENOMEM;
	frames_init(&frames_of_library, memory, frames, NULL, frames);
	frames_of_library.waiting = &waiting;
	settle_prepare();
	return 0;
}

int64_t quire_frames_get(unsigned cpu, unsigned order)
{
	return (int64_t)frames_get(&frames_of_library, cpu, order);
}

bool quire_frames_put(unsigned cpu, uint64_t frame, unsigned order)
{
	return frames_put(&frames_of_library, cpu, frame, order);
}

uint64_t frames_count_free(void)
{
	return frames_free(&frames_of_library);
}

/* A machine of one stretch of memory, the port's tables at its end. */
static struct boot_info *machine(uint64_t size)
{
	static struct boot_range ranges[2];
	static struct boot_info info = {
		.method = BOOT_HOSTED, .range_count = 2, .ranges = ranges};

	ranges[0] = (struct boot_range){{0}, size, BOOT_RANGE_RAM, 0};
	ranges[1] = (struct boot_range){{size}, HOSTED_TABLES_SIZE, BOOT_RANGE_RESERVED, 0};
	return &info;
}

int folios_init(uint64_t frames, unsigned cpus)
{
	uint64_t size = align_up(frames << PAGE_SHIFT, MIB(2));

	if (zone_count || frames < FOLIOS_LEAST || cpus == 0 || cpus > QUIRE_CPUS_MAX)
		return -EINVAL;
	hosted_cpu_init(cpus);
	hosted_memory_init(size + HOSTED_TABLES_SIZE);
	hosted_mmu_init();
	boot_info = machine(size);
	boot_memory_init(boot_info);
	mm_init(boot_info);
	for (unsigned i = 0; i < zone_count; i++)
		zones[i]->frames.waiting = &waiting;
	settle_prepare();
	return 0;
}

void *folios_get(unsigned cpu, unsigned order)
{
	hosted_cpu_enter(cpu);
	return folio_alloc(NODE_ANY, order, FOLIO_NOWARN, NULL);
}

void folios_put(unsigned cpu, void *folio)
{
	hosted_cpu_enter(cpu);
	folio_put(folio);
}

void *folios_address(const void *folio)
{
	return folio_address(folio);
}
