// SPDX-License-Identifier: MIT
/*
 * Changes of live mappings: removal and protection. What CPUs may still have cached is flushed
 * everywhere before a function returns, and before a table that is no longer linked is freed.
 */
#include <platform/mmu.h>

#include <platform/memory.h>
#include <platform/paging/mmu_walk.h>
#include <errno.h>

/* Unlinked tables wait for the flush in a list through their first word: the address of the
 * next is page aligned, so that with the bits of pte_none() it reads as an entry not present.
 */
static void link_write(struct pte *table, struct pte *next)
{
	table[0].bits = (uintptr_t)next | pte_none(1).bits;
}

static struct pte *link_read(const struct pte *table)
{
	return (struct pte *)(uintptr_t)(table[0].bits & ~pte_none(1).bits);
}

static bool table_is_empty(const struct pte *table)
{
	for (unsigned i = 0; i < level_entries(1); i++)
		if (pte_is_present(1, pte_read(&table[i])))
			return false;
	return true;
}

/* Take the empty level-1 tables of the range out of their parents. Boot's stay for ever. */
static struct pte *tables_unlink_locked(uintptr_t virt, uint64_t size) REQUIRES(page_table_lock)
{
	struct pte *list = NULL;

	for (uintptr_t at = align_down(virt, level_size(2)); at < virt + size;
	     at += level_size(2)) {
		unsigned level = LEVEL_ROOT;
		struct pte *leaf = page_table_find(at, &level);
		struct pte *table;
		struct pte *parent;
		struct pte entry;

		if (!leaf || level != 1)
			continue;
		table = leaf - level_index(1, at);
		parent = page_table_entry(at, 2);
		entry = pte_read(parent);
		if (pte_is_boot_table(2, entry) || !table_is_empty(table))
			continue;
		pte_write(2, parent, pte_none(2));
		link_write(table, list);
		list = table;
	}
	return list;
}

void mmu_unmap(void *virt, uint64_t size)
{
	uintptr_t address = (uintptr_t)virt;
	struct pte *unlinked;
	struct irq_state state;

	ASSERT(is_aligned(address | size, PAGE_SIZE) && !memory_is_cpu_private(virt));
	state = spin_lock_irqsave(&page_table_lock);
	page_table_clear_locked(address, size);
	unlinked = tables_unlink_locked(address, size);
	spin_unlock_irqrestore(&page_table_lock, state);
	tlb_shoot_down(address, size);
	while (unlinked) {
		struct pte *next = link_read(unlinked);

		page_table_free(1, unlinked);
		unlinked = next;
	}
}

/* Make virt the first byte of a page of its own, on whatever level it then is. */
static int split_locked(uintptr_t virt) REQUIRES(page_table_lock)
{
	unsigned level = LEVEL_ROOT;
	struct pte *entry = page_table_find(virt, &level);

	while (entry && pte_is_present(level, pte_read(entry)) &&
	       !is_aligned(virt, level_size(level))) {
		struct pte old = pte_read(entry);
		bool from_boot;
		struct pte *table = page_table_alloc(level - 1, &from_boot);

		if (!table)
			return -ENOMEM;
		for (unsigned i = 0; i < level_entries(level - 1); i++)
			pte_write(level - 1, &table[i],
				  pte_leaf(level - 1,
					   phys(pte_phys(level, old).addr +
						i * level_size(level - 1)),
					   pte_protection(old)));
		pte_write(level, entry, pte_table(level, page_table_phys(table), from_boot));
		entry = page_table_find(virt, &level);
	}
	return 0;
}

static bool is_direct(uintptr_t virt)
{
	return virt - DIRECT_MAP_BASE < DIRECT_MAP_SIZE;
}

/* Tables that one change folds at most; what is beyond stays split. */
#define FOLDS_MAX 16

/* What a change does to ranges. Folded tables still translate live addresses on other CPUs, so
 * they must not be written to, not even for a list, before the flush. */
struct change {
	unsigned protection;
	unsigned folded_count;
	struct folded {
		struct pte *table;
		unsigned level;
	} folded[FOLDS_MAX];
};

typedef int range_fn(uintptr_t virt, uint64_t size, struct change *change);

static int range_split_locked(uintptr_t virt, uint64_t size, struct change *change UNUSED)
	REQUIRES(page_table_lock)
{
	return split_locked(virt) || split_locked(virt + size) ? -ENOMEM : 0;
}

static int range_set_locked(uintptr_t virt, uint64_t size, struct change *change)
	REQUIRES(page_table_lock)
{
	for (uintptr_t at = virt; at - virt < size;) {
		unsigned level = LEVEL_ROOT;
		struct pte *entry = page_table_find(at, &level);

		if (entry && pte_is_present(level, pte_read(entry)))
			pte_write(level, entry,
				  pte_leaf(level, pte_phys(level, pte_read(entry)),
					   change->protection));
		at = align_down(at, level_size(level)) + level_size(level);
	}
	return 0;
}

/* The large page that a whole table amounts to; not present when it is none. */
static struct pte table_as_leaf(unsigned level, const struct pte *table)
{
	struct pte first = pte_read(&table[0]);
	uint64_t start = pte_phys(level, first).addr;

	if (!level_has_leaves(level + 1) || !is_aligned(start, level_size(level + 1)))
		return pte_none(level + 1);
	for (unsigned i = 0; i < level_entries(level); i++) {
		struct pte entry = pte_read(&table[i]);

		if (!pte_is_present(level, entry) || !pte_is_leaf(level, entry) ||
		    pte_phys(level, entry).addr != start + i * level_size(level) ||
		    pte_protection(entry) != pte_protection(first))
			return pte_none(level + 1);
	}
	return pte_leaf(level + 1, phys(start), pte_protection(first));
}

/* Undo splits that are no longer needed, from small pages up. Boot's tables stay. */
static int range_fold_locked(uintptr_t virt, uint64_t size, struct change *change)
	REQUIRES(page_table_lock)
{
	for (unsigned level = 1; level < 3; level++)
		for (uintptr_t at = align_down(virt, level_size(level + 1)); at < virt + size;
		     at += level_size(level + 1)) {
			unsigned found = LEVEL_ROOT;
			struct pte *entry = page_table_find(at, &found);
			struct pte *parent, leaf;

			if (!entry || found != level)
				continue;
			parent = page_table_entry(at, level + 1);
			leaf = table_as_leaf(level, entry);
			if (!pte_is_present(level + 1, leaf) ||
			    change->folded_count == FOLDS_MAX ||
			    pte_is_boot_table(level + 1, pte_read(parent)))
				continue;
			pte_write(level + 1, parent, leaf);
			change->folded[change->folded_count++] = (struct folded){entry, level};
		}
	return 0;
}

/* Call fn for the direct-map alias of every page of a range that itself lies elsewhere. */
static int aliases_each_locked(uintptr_t virt, uint64_t size, struct change *change,
			       range_fn *fn) REQUIRES(page_table_lock)
{
	unsigned protection = change->protection;
	int error = 0;

	change->protection &= MMU_WRITE;

	for (uintptr_t at = virt; at - virt < size && !error;) {
		unsigned level = LEVEL_ROOT;
		struct pte *entry = page_table_find(at, &level);
		uint64_t offset = at & (level_size(level) - 1);
		uint64_t bytes = MIN(level_size(level) - offset, virt + size - at);
		uintptr_t alias;

		alias = DIRECT_MAP_BASE + pte_phys(level, pte_read(entry)).addr + offset;
		direct_map_complete(alias, bytes);
		error = fn(alias, bytes, change);
		at += bytes;
	}
	change->protection = protection;
	return error;
}

static bool range_is_mapped_locked(uintptr_t virt, uint64_t size) REQUIRES(page_table_lock)
{
	for (uintptr_t at = virt; at - virt < size;) {
		unsigned level = LEVEL_ROOT;
		struct pte *entry = page_table_find(at, &level);

		if (!entry || !pte_is_present(level, pte_read(entry)))
			return false;
		at = align_down(at, level_size(level)) + level_size(level);
	}
	return true;
}

/* Text and read-only data stay what they are behind their direct-map addresses, and nothing
 * there is executable. */
static bool protection_is_allowed(uintptr_t virt, uint64_t size, unsigned protection)
{
	if ((protection & MMU_WRITE) && (protection & MMU_EXECUTE))
		return false;
	if (!is_direct(virt))
		return true;
	if (protection & MMU_EXECUTE)
		return false;
	return !(protection & MMU_WRITE) ||
	       !direct_map_is_fixed(phys(virt - DIRECT_MAP_BASE), size);
}

static int protect_locked(uintptr_t virt, uint64_t size, struct change *change)
	REQUIRES(page_table_lock)
{
	bool has_alias = !is_direct(virt);
	int error;

	if (!range_is_mapped_locked(virt, size))
		return -EINVAL;
	error = range_split_locked(virt, size, change);
	if (!error && has_alias)
		error = aliases_each_locked(virt, size, change, range_split_locked);
	if (!error && has_alias)
		aliases_each_locked(virt, size, change, range_set_locked);
	if (!error)
		range_set_locked(virt, size, change);
	if (has_alias)
		aliases_each_locked(virt, size, change, range_fold_locked);
	range_fold_locked(virt, size, change);
	return error;
}

int mmu_protect(void *virt, uint64_t size, unsigned protection)
{
	uintptr_t address = (uintptr_t)virt;
	struct change change = {.protection = protection};
	struct irq_state state;
	int error;

	ASSERT(is_aligned(address | size, PAGE_SIZE) && !memory_is_cpu_private(virt));
	if (!protection_is_allowed(address, size, protection))
		return -EINVAL;
	if (is_direct(address))
		direct_map_complete(address, size);
	state = spin_lock_irqsave(&page_table_lock);
	error = protect_locked(address, size, &change);
	spin_unlock_irqrestore(&page_table_lock, state);
	/* Also after an error: pages may have been split. Aliases lie anywhere. */
	if (is_direct(address))
		tlb_shoot_down(address, size);
	else
		tlb_shoot_down(DIRECT_MAP_BASE, UINT64_MAX - DIRECT_MAP_BASE);
	while (change.folded_count > 0) {
		const struct folded *folded = &change.folded[--change.folded_count];

		page_table_free(folded->level, folded->table);
	}
	return error;
}
