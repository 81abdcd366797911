// SPDX-License-Identifier: MIT
/*
 * What CPUs cache of the tables. Changing a valid entry purges it from all CPUs before the
 * instruction that does it ends (pte_write()), so nobody has to be interrupted.
 */
#include <platform/mmu.h>
#include <platform/paging/page_table.h>

/* All of this CPU's: PURGE TLB knows no address. */
void mmu_flush_local(const void *virt UNUSED, uint64_t size UNUSED)
{
	__asm__ volatile("ptlb" : : : "memory");
}

/* QEMU's emulation lets the CPU that purged go on with the old translation to the end of the
 * block of code it is in; this purges at once. */
void tlb_shoot_down(uintptr_t virt, uint64_t size)
{
	mmu_flush_local((const void *)virt, size);
}
