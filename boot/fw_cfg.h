// SPDX-License-Identifier: MIT
/*
 * QEMU's firmware configuration device: named files from the command line of QEMU (its
 * documentation, "QEMU Firmware Configuration (fw_cfg) Device").
 */
#ifndef BOOT_FW_CFG_H
#define BOOT_FW_CFG_H

#include <stddef.h>
#include <stdint.h>

/* Access to the device: choose an item, then read it byte by byte. */
struct fw_cfg {
	void (*select)(uint16_t item);
	uint8_t (*read)(void);
};

/* Copy the file to text[size], terminated. Its length; -ENODEV without the device, -ENOENT
 * without the file, -ENOSPC when it does not fit. */
int fw_cfg_read_file(const struct fw_cfg *device, const char *name, char *text, size_t size);

#endif
