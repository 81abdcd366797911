// SPDX-License-Identifier: MIT
/*
 * GDT and TSS. Source of the layouts: Intel SDM volume 3, 3.4.5 and 8.7.
 */
#include "descriptors.h"

#include <platform/x86_64/private.h>
#include <platform/x86_64/x86.h>
#include <string.h>

#define SEGMENT_KERNEL_CODE UINT64_C(0x00af9b000000ffff)
#define SEGMENT_KERNEL_DATA UINT64_C(0x00cf93000000ffff)
#define SEGMENT_USER_CODE32 UINT64_C(0x00cffb000000ffff)
#define SEGMENT_USER_DATA   UINT64_C(0x00cff3000000ffff)
#define SEGMENT_USER_CODE   UINT64_C(0x00affb000000ffff)
#define TSS_AVAILABLE       UINT64_C(0x0000890000000000)
#define TSS_BUSY            UINT64_C(0x0000020000000000)

struct task_state {
	uint32_t reserved0;
	uint64_t rsp[3];
	uint64_t reserved1;
	uint64_t ist[7];
	uint64_t reserved2;
	uint16_t reserved3;
	uint16_t io_map_offset;
} PACKED;

struct tables_page {
	uint64_t gdt[8];
	struct task_state tss ALIGNED(16);
};

static struct tables_page *tables(void)
{
	return private_page(PRIVATE_PAGE_TABLES);
}

static uint64_t stack_top(unsigned page, unsigned count)
{
	return (uint64_t)private_page(page + count);
}

void descriptors_init(void)
{
	struct tables_page *t = tables();
	uint64_t base = (uint64_t)&t->tss;

	memset(t, 0, sizeof(*t));
	t->gdt[1] = SEGMENT_KERNEL_CODE;
	t->gdt[2] = SEGMENT_KERNEL_DATA;
	t->gdt[3] = SEGMENT_USER_CODE32;
	t->gdt[4] = SEGMENT_USER_DATA;
	t->gdt[5] = SEGMENT_USER_CODE;
	t->gdt[6] = TSS_AVAILABLE | (sizeof(t->tss) - 1) | (base & 0xffffff) << 16 |
		    (base >> 24 & 0xff) << 56;
	t->gdt[7] = base >> 32;
	t->tss.ist[IST_NMI - 1] = stack_top(PRIVATE_PAGE_NMI, 2);
	t->tss.ist[IST_DF - 1] = stack_top(PRIVATE_PAGE_DF, 3);
	t->tss.ist[IST_MC - 1] = stack_top(PRIVATE_PAGE_MC, 2);
	t->tss.ist[IST_DB - 1] = stack_top(PRIVATE_PAGE_DB, 2);
	t->tss.io_map_offset = sizeof(t->tss);
	descriptors_load();
}

void descriptors_load(void)
{
	struct tables_page *t = tables();
	struct descriptor_pointer pointer = {sizeof(t->gdt) - 1, (uint64_t)t->gdt};

	t->gdt[6] &= ~TSS_BUSY;
	__asm__ volatile("lgdt %0\n\t"
			 "pushq %1\n\t"
			 "leaq 1f(%%rip), %%rax\n\t"
			 "pushq %%rax\n\t"
			 "lretq\n"
			 "1:\n\t"
			 "movl %2, %%eax\n\t"
			 "movl %%eax, %%ss\n\t"
			 "movl %%eax, %%ds\n\t"
			 "movl %%eax, %%es\n\t"
			 "xorl %%eax, %%eax\n\t"
			 "movl %%eax, %%fs\n\t"
			 "movl %%eax, %%gs\n\t"
			 "ltr %w3"
			 :
			 : "m"(pointer), "i"(SELECTOR_KERNEL_CODE), "i"(SELECTOR_KERNEL_DATA),
			   "r"(SELECTOR_TSS)
			 : "rax", "memory");
}

void descriptors_set_kernel_stack(uintptr_t top)
{
	tables()->tss.rsp[0] = top;
}
