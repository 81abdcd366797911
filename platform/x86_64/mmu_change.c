// SPDX-License-Identifier: MIT
/*
 * Changes of live mappings: removal and protection. What CPUs may still have cached is flushed
 * everywhere before a function returns, and before a table that is no longer linked is freed.
 */
#include <platform/mmu.h>

#include <platform/memory.h>
#include <platform/x86_64/address_space.h>
#include <platform/x86_64/image.h>
#include <platform/x86_64/mmu_walk.h>
#include <platform/x86_64/private.h>
#include <errno.h>

/* Unlinked tables wait for the flush in a list through their first word, which is page aligned
 * and therefore reads as an entry that is not present. */
struct table_link {
	struct table_link *next;
};

static bool table_is_empty(const struct pte *table)
{
	for (unsigned i = 0; i < PTES_PER_TABLE; i++)
		if (pte_is_present(pte_read(&table[i])))
			return false;
	return true;
}

/* Take the empty level-1 tables of the range out of their parents. Boot's stay for ever. */
static struct table_link *tables_unlink_locked(uintptr_t virt, uint64_t size)
	REQUIRES(page_table_lock)
{
	struct table_link *list = NULL;

	for (uintptr_t at = align_down(virt, level_size(2)); at < virt + size;
	     at += level_size(2)) {
		unsigned level = LEVEL_KERNEL_TOP;
		struct pte *leaf = page_table_find(at, &level);
		struct pte *table;
		struct pte *parent;
		struct pte entry;

		if (!leaf || level != 1)
			continue;
		table = leaf - level_index(1, at);
		parent = page_table_parent(at);
		entry = pte_read(parent);
		if ((entry.bits & PTE_BOOT_TABLE) || !table_is_empty(table))
			continue;
		pte_write(2, parent, (struct pte){0});
		((struct table_link *)table)->next = list;
		list = (struct table_link *)table;
	}
	return list;
}

void mmu_unmap(void *virt, uint64_t size)
{
	uintptr_t address = (uintptr_t)virt;
	struct table_link *unlinked;
	struct irq_state state;

	ASSERT(is_aligned(address | size, PAGE_SIZE) && !memory_is_cpu_private(virt));
	state = spin_lock_irqsave(&page_table_lock);
	page_table_clear_locked(address, size);
	unlinked = tables_unlink_locked(address, size);
	spin_unlock_irqrestore(&page_table_lock, state);
	tlb_shoot_down(address, size);
	while (unlinked) {
		struct table_link *next = unlinked->next;

		page_table_free(unlinked);
		unlinked = next;
	}
}

/* Make virt the first byte of a page of its own, on whatever level it then is. */
static int split_locked(uintptr_t virt) REQUIRES(page_table_lock)
{
	unsigned level = LEVEL_KERNEL_TOP;
	struct pte *entry = page_table_find(virt, &level);

	while (entry && pte_is_present(pte_read(entry)) &&
	       !is_aligned(virt, level_size(level))) {
		struct pte old = pte_read(entry);
		bool from_boot;
		struct pte *table = page_table_alloc(&from_boot);

		if (!table)
			return -ENOMEM;
		for (unsigned i = 0; i < PTES_PER_TABLE; i++)
			pte_write(level - 1, &table[i],
				  pte_global(pte_leaf(level - 1,
						      phys(pte_phys(level, old).addr +
							   i * level_size(level - 1)),
						      pte_protection(old))));
		pte_write(level, entry, pte_table(level, virt_to_phys(table), from_boot));
		entry = page_table_find(virt, &level);
	}
	return 0;
}

static bool is_direct(uintptr_t virt)
{
	return virt - DIRECT_MAP_BASE < DIRECT_MAP_SIZE;
}

typedef int range_fn(uintptr_t virt, uint64_t size, unsigned protection);

static int range_split_locked(uintptr_t virt, uint64_t size, unsigned protection UNUSED)
	REQUIRES(page_table_lock)
{
	return split_locked(virt) || split_locked(virt + size) ? -ENOMEM : 0;
}

static int range_set_locked(uintptr_t virt, uint64_t size, unsigned protection)
	REQUIRES(page_table_lock)
{
	for (uintptr_t at = virt; at - virt < size;) {
		unsigned level = LEVEL_KERNEL_TOP;
		struct pte *entry = page_table_find(at, &level);

		if (entry && pte_is_present(pte_read(entry)))
			pte_write(level, entry,
				  pte_global(pte_leaf(level, pte_phys(level, pte_read(entry)),
						      protection)));
		at = align_down(at, level_size(level)) + level_size(level);
	}
	return 0;
}

/* Call fn for the direct-map alias of every page of a range that itself lies elsewhere. */
static int aliases_each_locked(uintptr_t virt, uint64_t size, unsigned protection, range_fn *fn)
	REQUIRES(page_table_lock)
{
	int error = 0;

	for (uintptr_t at = virt; at - virt < size && !error;) {
		unsigned level = LEVEL_KERNEL_TOP;
		struct pte *entry = page_table_find(at, &level);
		uint64_t offset = at & (level_size(level) - 1);
		uint64_t bytes = MIN(level_size(level) - offset, virt + size - at);
		uintptr_t alias =
			DIRECT_MAP_BASE + pte_phys(level, pte_read(entry)).addr + offset;

		error = fn(alias, bytes, protection & MMU_WRITE);
		at += bytes;
	}
	return error;
}

static bool range_is_mapped_locked(uintptr_t virt, uint64_t size) REQUIRES(page_table_lock)
{
	for (uintptr_t at = virt; at - virt < size;) {
		unsigned level = LEVEL_KERNEL_TOP;
		struct pte *entry = page_table_find(at, &level);

		if (!entry || !pte_is_present(pte_read(entry)))
			return false;
		at = align_down(at, level_size(level)) + level_size(level);
	}
	return true;
}

/* Text and read-only data stay what they are behind their direct-map addresses, and nothing
 * there is executable. */
static bool protection_is_allowed(uintptr_t virt, uint64_t size, unsigned protection)
{
	uint64_t fixed = DIRECT_MAP_BASE + image_base.addr;
	uint64_t fixed_end = DIRECT_MAP_BASE + image_phys(kernel_ro_after_init_end).addr;

	if ((protection & MMU_WRITE) && (protection & MMU_EXECUTE))
		return false;
	if (!is_direct(virt))
		return true;
	if (protection & MMU_EXECUTE)
		return false;
	return !(protection & MMU_WRITE) || virt + size <= fixed || virt >= fixed_end;
}

static int protect_locked(uintptr_t virt, uint64_t size, unsigned protection)
	REQUIRES(page_table_lock)
{
	int error;

	if (!range_is_mapped_locked(virt, size))
		return -EINVAL;
	error = range_split_locked(virt, size, protection);
	if (!error && !is_direct(virt))
		error = aliases_each_locked(virt, size, protection, range_split_locked);
	if (error)
		return error;
	if (!is_direct(virt))
		aliases_each_locked(virt, size, protection, range_set_locked);
	return range_set_locked(virt, size, protection);
}

int mmu_protect(void *virt, uint64_t size, unsigned protection)
{
	uintptr_t address = (uintptr_t)virt;
	struct irq_state state;
	int error;

	ASSERT(is_aligned(address | size, PAGE_SIZE) && !memory_is_cpu_private(virt));
	if (!protection_is_allowed(address, size, protection))
		return -EINVAL;
	state = spin_lock_irqsave(&page_table_lock);
	error = protect_locked(address, size, protection);
	spin_unlock_irqrestore(&page_table_lock, state);
	/* Also after an error: pages may have been split. Aliases lie anywhere. */
	if (is_direct(address))
		tlb_shoot_down(address, size);
	else
		tlb_shoot_down(DIRECT_MAP_BASE, UINT64_MAX - DIRECT_MAP_BASE);
	return error;
}
