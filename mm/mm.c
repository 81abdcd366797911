// SPDX-License-Identifier: MIT
/*
 * The order in which the memory core starts, and what it tells about itself.
 */
#include <mm/mm.h>
#include <mm/bad_page.h>
#include <mm/balloon.h>
#include <mm/block.h>
#include <mm/folio.h>
#include <mm/node.h>
#include <mm/reclaim.h>
#include <mm/slab.h>
#include <mm/slab_init.h>
#include <mm/stack.h>
#include <mm/zone.h>
#include <kernel/kmem.h>
#include <kernel/log.h>
#include <kernel/panic.h>
#include <kernel/percpu.h>
#include <kernel/shutdown.h>
#include <platform/mmu.h>

static unsigned table_order(uint64_t size)
{
	return size <= PAGE_SIZE ? 0 : log2_ceil(size / PAGE_SIZE);
}

static void *table_alloc(uint64_t size)
{
	struct page *page = page_alloc(NODE_ANY, table_order(size), FOLIO_ZERO | FOLIO_ATOMIC);

	if (!page)
		return NULL;
	page_set_type(page, PAGE_TYPE_TABLE);
	return page_to_virt(page);
}

static void table_free(void *table, uint64_t size)
{
	page_free(virt_to_page(table), table_order(size));
}

static const struct page_table_allocator table_allocator = {table_alloc, table_free};

static void *object_alloc(size_t size)
{
	return kmalloc(size, FOLIO_ZERO | reclaim_flags_here());
}

static const struct kmem_operations kmem_operations = {
	.alloc = object_alloc,
	.free = kfree,
	.stack_alloc = stack_alloc,
	.stack_free = stack_free,
};

/* What was suppressed for being too much is at least counted on the console. */
static int flush_reports(struct shutdown_hook *hook)
{
	(void)hook;
	bad_page_flush();
	return 0;
}

static struct shutdown_hook reports_hook = {
	.name = "bad page reports", .stage = SHUTDOWN_REPORTS, .run = flush_reports};

void mm_init(struct boot_info *info)
{
	struct mm_statistics statistics;

	zones_init(info);
	mmu_set_allocator(&table_allocator);
	slab_init();
	kmalloc_init();
	slab_shrinker_init();
	balloon_init();
	kmem_register(&kmem_operations);
	panic_set_check(mm_check_all);
	shutdown_hook_register(&shutdown_hooks, &reports_hook);
	mm_statistics(&statistics);
	log_info("mm: %llu MiB of RAM in %u zones, %llu MiB free",
		 (unsigned long long)(statistics.managed + statistics.reserved) >> 8,
		 zone_count, (unsigned long long)statistics.free >> 8);
}

void mm_init_cpus(void)
{
	cpu_for_each (cpu)
		zone_cpu_set_node(cpu, node_of_firmware_cpu(cpu_firmware_id(cpu)));
}

void mm_statistics(struct mm_statistics *statistics)
{
	*statistics = (struct mm_statistics){0};
	for (unsigned i = 0; i < zone_count; i++) {
		struct zone *zone = zones[i];

		statistics->managed += (uint64_t)atomic_load(&zone->managed);
		statistics->free += frames_free(&zone->frames);
		statistics->pristine += atomic_load(&zone->pristine);
		statistics->bad += atomic_load(&zone->bad);
		statistics->reserved += zone->ram - zone->frames.usable;
	}
}

void mm_large_blocks(uint64_t *got, uint64_t *failed)
{
	*got = atomic_load(&block_large_got);
	*failed = atomic_load(&block_large_failed);
}

void mm_managed_adjust(const struct page *page, int64_t pages)
{
	atomic_fetch_add_explicit(&page_zone(page)->managed, pages, memory_order_relaxed);
}

void mm_drain(void)
{
	slab_drain();
	zones_drain();
}
