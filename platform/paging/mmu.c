// SPDX-License-Identifier: MIT
/*
 * Kernel mappings: the walk and making them, for every port with page tables of a machine. One
 * lock guards all tables; it is never held while other CPUs are asked to flush, because they
 * might be waiting for it with interrupts off.
 */
#include <platform/mmu.h>

#include <platform/memory.h>
#include <platform/paging/mmu_walk.h>
#include <kernel/boot_memory.h>
#include <errno.h>

static struct lock_class page_table_class = {.name = "page tables"};
struct spin_lock page_table_lock = SPIN_LOCK_INIT(&page_table_class);

static void *boot_table_alloc(uint64_t size)
{
	struct phys p = boot_memory_alloc(size, MAX(size, PAGE_SIZE));

	if (!p.addr)
		return NULL;
	return memset(page_table_pointer(p), 0, size);
}

/* Set once, from boot to mm, before the second CPU. */
static struct page_table_allocator allocator = {.alloc = boot_table_alloc};

void mmu_set_allocator(const struct page_table_allocator *new_allocator)
{
	allocator = *new_allocator;
}

struct pte *page_table_alloc(unsigned level, bool *from_boot)
{
	struct pte *table = allocator.alloc(level_table_size(level));

	*from_boot = allocator.alloc == boot_table_alloc;
	/* Where an entry of zeros is present. */
	if (table && pte_none(level).bits)
		for (unsigned i = 0; i < level_entries(level); i++)
			table[i] = pte_none(level);
	return table;
}

void page_table_free(unsigned level, void *table)
{
	allocator.free(table, level_table_size(level));
}

struct pte *page_table_below(unsigned level, struct pte entry)
{
	return page_table_pointer(pte_phys(level, entry));
}

struct pte *page_table_find(uintptr_t virt, unsigned *level)
{
	struct pte entry = page_table_root(virt);
	struct pte *found = NULL;

	for (unsigned at = LEVEL_ROOT; at > 1; at--) {
		if (!pte_is_present(at, entry) || pte_is_leaf(at, entry))
			break;
		found = page_table_below(at, entry) + level_index(at - 1, virt);
		entry = pte_read(found);
		*level = at - 1;
	}
	return found;
}

struct pte *page_table_entry(uintptr_t virt, unsigned level)
{
	struct pte entry = page_table_root(virt);
	struct pte *found = NULL;

	for (unsigned at = LEVEL_ROOT; at > level; at--) {
		found = page_table_below(at, entry) + level_index(at - 1, virt);
		entry = pte_read(found);
	}
	return found;
}

struct pte *page_table_reach(uintptr_t virt, unsigned level)
{
	struct pte entry = page_table_root(virt);
	struct pte *found;

	ASSERT(pte_is_present(LEVEL_ROOT, entry));
	for (unsigned at = LEVEL_ROOT - 1;; at--) {
		found = page_table_below(at + 1, entry) + level_index(at, virt);
		if (at == level)
			return found;
		entry = pte_read(found);
		if (!pte_is_present(at, entry)) {
			bool from_boot;
			struct pte *table = page_table_alloc(at - 1, &from_boot);

			if (!table)
				return NULL;
			entry = pte_table(at, page_table_phys(table), from_boot);
			pte_write(at, found, entry);
		} else if (pte_is_leaf(at, entry)) {
			return NULL;
		}
	}
}

/* Largest level, `level` at most, whose page fits at virt and p with `size` bytes to go. */
static unsigned fitting_level(unsigned level, uintptr_t virt, struct phys p, uint64_t size)
{
	while (level > 1 && (!level_has_leaves(level) || size < level_size(level) ||
			     !is_aligned(virt | p.addr, level_size(level))))
		level--;
	return level;
}

/*
 * Leaves into `count` entries, or up to the first that is present, if some may be; how many.
 * A store, and a test where needed, is all that mapping a page of a large machine costs.
 */
static uint64_t fill_table(struct pte *entry, uint64_t count, bool is_new, unsigned level,
			   struct pte leaf)
{
	const uint64_t step = level_size(level);
	struct pte *const end = entry + count;
	struct pte *at = entry;

	if (is_new) {
		for (; at != end; at++, leaf.bits += step)
			pte_write(level, at, leaf);
	} else {
		for (; at != end && !pte_is_present(level, pte_read(at));
		     at++, leaf.bits += step)
			pte_write(level, at, leaf);
	}
	return (uint64_t)(at - entry);
}

/* What one table takes. 0, -EEXIST or -ENOMEM. */
static int map_some(uintptr_t virt, struct phys p, uint64_t size, unsigned protection,
		    uint64_t *mapped)
{
	unsigned there = LEVEL_ROOT - 1;
	struct pte *found, *entry;

	direct_map_complete(virt, 1);
	found = page_table_find(virt, &there);
	if (found && pte_is_present(there, pte_read(found)))
		return -EEXIST;
	*mapped = page_table_defer(virt, p, size, protection);
	if (*mapped)
		return 0;
	unsigned level = fitting_level(there, virt, p, size);
	uint64_t room = level_entries(level) - level_index(level, virt);
	uint64_t count = MIN(room, size >> level_shift(level));

	entry = page_table_reach(virt, level);
	if (!entry)
		return -ENOMEM;
	count = fill_table(entry, count, level < there, level, pte_leaf(level, p, protection));
	*mapped = count << level_shift(level);
	return 0;
}

int page_table_map_locked(uintptr_t virt, struct phys p, uint64_t size, unsigned protection)
{
	uint64_t mapped;

	for (uint64_t done = 0; done < size; done += mapped) {
		int error = map_some(virt + done, phys(p.addr + done), size - done, protection,
				     &mapped);

		if (error) {
			page_table_clear_locked(virt, done);
			return error;
		}
	}
	return 0;
}

void page_table_clear_locked(uintptr_t virt, uint64_t size)
{
	page_table_forget(virt, size);
	for (uintptr_t at = virt; at - virt < size;) {
		unsigned level = LEVEL_ROOT - 1;
		struct pte *entry = page_table_find(at, &level);
		uintptr_t next = align_down(at, level_size(level)) + level_size(level);

		if (entry && pte_is_present(level, pte_read(entry))) {
			ASSERT(is_aligned(at, level_size(level)) && next - virt <= size);
			pte_write(level, entry, pte_none(level));
		}
		at = next;
	}
}

int mmu_map_kernel(uintptr_t virt, struct phys p, uint64_t size, unsigned protection)
{
	struct irq_state state = spin_lock_irqsave(&page_table_lock);
	int error = page_table_map_locked(virt, p, size, protection);

	spin_unlock_irqrestore(&page_table_lock, state);
	/* What was mapped for a moment may have been cached. */
	if (error)
		tlb_shoot_down(virt, size);
	return error;
}

int mmu_map(void *virt, struct phys p, uint64_t size, unsigned protection)
{
	ASSERT(is_aligned((uintptr_t)virt | p.addr | size, PAGE_SIZE));
	ASSERT(!memory_is_cpu_private(virt) && !private_pool_contains(p));
	if (protection & MMU_EXECUTE)
		return -EINVAL;
	return mmu_map_kernel((uintptr_t)virt, p, size, protection);
}

bool mmu_lookup(const void *virt, struct phys *p, unsigned *protection)
{
	uintptr_t address = (uintptr_t)virt;
	struct irq_state state;
	struct pte *found, entry;
	unsigned level;

	if (memory_is_cpu_private(virt))
		return private_lookup(address, p, protection);
	direct_map_complete(address, 1);
	state = spin_lock_irqsave(&page_table_lock);
	found = page_table_find(address, &level);
	if (found)
		entry = pte_read(found);
	spin_unlock_irqrestore(&page_table_lock, state);
	if (!found || !pte_is_present(level, entry))
		return false;
	*p = phys(pte_phys(level, entry).addr + (address & (level_size(level) - 1)));
	*protection = pte_protection(entry);
	return true;
}

void *mmu_page_array_base(void)
{
	return (void *)PAGE_ARRAY_BASE;
}
