// SPDX-License-Identifier: MIT
/*
 * Where everything lies in the kernel's address space, for C and assembly. Every base is a
 * multiple of 4 TiB, so that each region owns whole entries of the top table, a region-second
 * table. README.md has the picture.
 *
 * The image runs at the same addresses with and without translation. RAM as such is reached
 * through the direct map only, never at its own address; what is not named here traps.
 */
#ifndef PLATFORM_S390X_LAYOUT_H
#define PLATFORM_S390X_LAYOUT_H

/* Entries of the region-second table; each spans 4 TiB. */
#define SLOT_SIZE        0x0000040000000000
#define SLOT_KERNEL      0  /* lowcore and image */
#define SLOT_DIRECT_MAP  16 /* 16 slots: 64 TiB of RAM */
#define SLOTS_DIRECT_MAP 16
#define SLOT_PAGE_ARRAY  32 /* 1 slot: 64 bytes for each page of 64 TiB */
#define SLOT_SPACE       33 /* stacks and the like, with guard pages */
#define SLOT_MMIO        34 /* never mapped: addresses that name a PCI function and its BAR */

#define DIRECT_MAP_BASE 0x0000400000000000
#define DIRECT_MAP_SIZE 0x0000400000000000
#define PAGE_ARRAY_BASE 0x0000800000000000
#define SPACE_BASE      0x0000840000000000
#define MMIO_BASE       0x0000880000000000

/*
 * Real addresses 0 to 8191 are the prefix area of whatever CPU looks (struct lowcore), and they
 * are mapped at virtual 0: the part of the address space that is private to a CPU. Absolute 0
 * to 8191 and every prefix area are in no other mapping.
 */
#define LOWCORE_SIZE 0x2000

/* First byte of the image, virtual, real and absolute; the entry point, too. */
#define IMAGE_BASE  0x10000
/* The image ends below: a segment table reaches so far, and 31-bit addresses. */
#define IMAGE_LIMIT 0x40000000

/* Where loaders look for the command line and how long it may be (QEMU, zipl). */
#define PARAMETER_SIZE_ADDRESS 0x10430
#define PARAMETER_ADDRESS      0x10480
#define PARAMETER_SIZE         2048

/* PSW mask bits: 0-11 are the system mask and the key, 31-32 the addressing mode. */
#define PSW_DAT           0x0400000000000000
#define PSW_IO            0x0200000000000000
#define PSW_EXTERNAL      0x0100000000000000
#define PSW_MACHINE_CHECK 0x0004000000000000
#define PSW_WAIT          0x0002000000000000
#define PSW_PROBLEM       0x0001000000000000
#define PSW_64BIT         0x0000000180000000
/* PSW_WAIT in byte 1. */
#define PSW_WAIT_BYTE     0x02

/* PSW_DAT, PSW_IO and PSW_EXTERNAL as STNSM and STOSM see them. */
#define SYSTEM_MASK_DAT        0x04
#define SYSTEM_MASK_INTERRUPTS 0x03

#endif
