// SPDX-License-Identifier: MIT
/*
 * Entries as the shared walk uses them, and the two accesses to a live table. Tables are all
 * reached by real address until translation is on, and through the direct map from then on.
 */
#ifndef PLATFORM_S390X_PAGE_TABLE_IMPL_H
#define PLATFORM_S390X_PAGE_TABLE_IMPL_H

#include <platform/s390x/layout.h>
#include <platform/s390x/page_table_entry.h>

/* 0 while translation is off. */
extern uint64_t page_table_offset;

static inline struct pte *page_table_pointer(struct phys table)
{
	return (struct pte *)(table.addr + page_table_offset);
}

static inline struct phys page_table_phys(const struct pte *table)
{
	return phys((uintptr_t)table - page_table_offset);
}

static inline struct pte pte_read(const struct pte *entry)
{
	return (struct pte){__atomic_load_n(&entry->bits, __ATOMIC_RELAXED)};
}

/* COMPARE AND SWAP AND PURGE: the one way to change a valid entry that other CPUs may be using,
 * without a moment in which it is invalid. All CPUs of the machine drop what they have cached
 * before it ends. */
static inline bool pte_exchange(struct pte *entry, struct pte expected, struct pte value)
{
	register uint64_t old __asm__("2") = expected.bits;
	register uint64_t new __asm__("3") = value.bits;

	__asm__ volatile(".insn rre,0xb98a0000,%0,%2"
			 : "+d"(old)
			 : "d"(new), "a"((uintptr_t)entry | 1)
			 : "cc", "memory");
	return old == expected.bits;
}

/* An invalid entry is cached by nobody: a store will do, behind all that the new one leads to.
 * The caller holds the lock that all writers of the entry hold. */
static inline void pte_write(unsigned level, struct pte *entry, struct pte value)
{
	struct pte old = pte_read(entry);
	bool alone = true;

	if (pte_is_present(level, old))
		alone = pte_exchange(entry, old, value);
	else
		__atomic_store_n(&entry->bits, value.bits, __ATOMIC_RELEASE);
	ASSERT(alone);
}

#endif
