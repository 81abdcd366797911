// SPDX-License-Identifier: MIT
/*
 * What an s390x machine says at its start (parameter area, storage increments) to boot_info.
 */
#ifndef BOOT_IPL_INFO_H
#define BOOT_IPL_INFO_H

#include <kernel/boot_info.h>

/* Storage comes in increments, of which any may be missing. */
struct ipl_storage {
	uint64_t increment;  /* bytes, a power of two, at least 1 MiB */
	uint64_t increments; /* at most so many */
	/* Of `count` places from address on, `step` bytes apart, how many in a row have
	 * storage? */
	uint64_t (*present)(uint64_t address, uint64_t step, uint64_t count);
};

/*
 * Fill *info, whose kernel_base and kernel_size are set, from a command line of at most size
 * bytes (ASCII or EBCDIC, ended by 0 or by size) and what storage there is. [0, reserved) and
 * the kernel are not RAM. The range table is static: call once per boot. NULL, or a message for
 * people: the machine then cannot be used.
 */
const char *ipl_boot_info(const uint8_t *parameters, size_t size,
			  const struct ipl_storage *storage, uint64_t reserved,
			  struct boot_info *info);

/* How many increments there are from 0 on without a hole: for a machine that does not say. */
uint64_t ipl_storage_count(const struct ipl_storage *storage);

#endif
