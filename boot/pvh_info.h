// SPDX-License-Identifier: MIT
/*
 * The start information of a direct boot (x86/HVM direct boot ABI, "hvm_start_info") to
 * boot_info.
 */
#ifndef BOOT_PVH_INFO_H
#define BOOT_PVH_INFO_H

#include <kernel/boot_info.h>

/* Pointer to [address, address + size) of physical memory, NULL when that cannot be reached. */
typedef const void *pvh_view_fn(uint64_t address, uint64_t size);

/*
 * Fill *info, whose kernel_base and kernel_size are set, from the structure at start_info. RAM
 * at or above ram_end (0: no limit) is left out. The range table is static: call once per boot.
 * NULL, or a message for people: the machine then cannot be used.
 */
const char *pvh_boot_info(uint64_t start_info, pvh_view_fn *view, uint64_t ram_end,
			  struct boot_info *info);

#endif
