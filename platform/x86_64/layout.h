// SPDX-License-Identifier: MIT
/*
 * Where everything lies in the kernel half, for C and assembly. The same addresses hold with
 * four and with five levels: with five, the whole kernel lives under the last top-level slot,
 * whose level-4 table each CPU has for itself. README.md has the picture.
 */
#ifndef PLATFORM_X86_64_LAYOUT_H
#define PLATFORM_X86_64_LAYOUT_H

/* Level-4 slots. */
#define SLOT_DIRECT_MAP  256 /* 128 slots: 64 TiB of RAM */
#define SLOTS_DIRECT_MAP 128
#define SLOT_PAGE_ARRAY  384 /* 2 slots: 64 bytes for each page of 64 TiB */
#define SLOTS_PAGE_ARRAY 2
#define SLOT_SPACE       400 /* stacks and the like, with guard pages */
#define SLOT_MMIO        416 /* device registers */
#define SLOT_PRIVATE     508 /* this CPU's own */
#define SLOT_KERNEL      511

#define DIRECT_MAP_BASE 0xffff800000000000
#define DIRECT_MAP_SIZE 0x0000400000000000
#define PAGE_ARRAY_BASE 0xffffc00000000000
#define SPACE_BASE      0xffffc80000000000
#define MMIO_BASE       0xffffd00000000000
#define SLOT_SIZE       0x0000008000000000
#define PRIVATE_BASE    0xfffffe0000000000
#define KERNEL_BASE     0xffffffff80000000
#define KERNEL_SPAN     0x40000000 /* the image may use up to 1 GiB */

/* Offset of the image's first byte in the 1 GiB that starts at KERNEL_BASE. */
#define IMAGE_OFFSET 0x200000

/*
 * Pages behind the private slot; what is not named is a guard page. The frames are a block of
 * PRIVATE_FRAMES pages of the pool, in the order of enum private_frame in private.h.
 */
#define PRIVATE_PAGE_AREA   1  /* struct private_area */
#define PRIVATE_PAGE_TABLES 2  /* GDT and TSS */
#define PRIVATE_PAGE_NMI    4  /* stacks: NMI, */
#define PRIVATE_PAGE_DF     7  /* double fault, */
#define PRIVATE_PAGE_MC     11 /* machine check, */
#define PRIVATE_PAGE_DB     14 /* debug */
#define PRIVATE_PAGE_WINDOW 32 /* another CPU's block, before it starts */
#define PRIVATE_PAGE_LEVEL1 64 /* the level-1 table that maps all these */
#define PRIVATE_PAGE_LEVEL4 66 /* this CPU's level-4 table */
#define PRIVATE_PAGES       68

#define PRIVATE_AREA   (PRIVATE_BASE + PRIVATE_PAGE_AREA * 0x1000)
#define PRIVATE_WINDOW (PRIVATE_BASE + PRIVATE_PAGE_WINDOW * 0x1000)

/* Offsets in struct private_area that inline code reads. */
#define AREA_CPU    0
#define AREA_THREAD 8

#endif
