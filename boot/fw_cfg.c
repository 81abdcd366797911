// SPDX-License-Identifier: MIT
/*
 * fw_cfg: signature, directory (big-endian), file.
 */
#include <boot/fw_cfg.h>

#include <errno.h>
#include <kernel/bits.h>

#define ITEM_SIGNATURE 0x0000
#define ITEM_DIRECTORY 0x0019
#define NAME_SIZE      56u
/* Far more than QEMU has; a directory that claims more is no directory. */
#define FILES_MAX      1024u

static void read_bytes(const struct fw_cfg *device, void *data, size_t size)
{
	uint8_t *byte = data;

	while (size-- > 0)
		*byte++ = device->read();
}

static uint32_t read_big32(const struct fw_cfg *device)
{
	uint32_t value = 0;

	for (unsigned i = 0; i < 4; i++)
		value = value << 8 | device->read();
	return value;
}

struct entry {
	uint32_t size;
	uint16_t item;
	char name[NAME_SIZE];
};

static void entry_read(const struct fw_cfg *device, struct entry *entry)
{
	uint32_t item_reserved;

	entry->size = read_big32(device);
	item_reserved = read_big32(device);
	entry->item = (uint16_t)(item_reserved >> 16);
	read_bytes(device, entry->name, NAME_SIZE);
	entry->name[NAME_SIZE - 1] = '\0';
}

int fw_cfg_read_file(const struct fw_cfg *device, const char *name, char *text, size_t size)
{
	char signature[4];
	struct entry entry;

	device->select(ITEM_SIGNATURE);
	read_bytes(device, signature, sizeof(signature));
	if (memcmp(signature, "QEMU", 4) != 0)
		return -ENODEV;
	device->select(ITEM_DIRECTORY);
	uint32_t count = read_big32(device);
	if (count > FILES_MAX)
		return -ENODEV;
	for (uint32_t i = 0; i < count; i++) {
		entry_read(device, &entry);
		if (strcmp(entry.name, name) != 0)
			continue;
		if (entry.size >= size)
			return -ENOSPC;
		device->select(entry.item);
		read_bytes(device, text, entry.size);
		text[entry.size] = '\0';
		return (int)entry.size;
	}
	return -ENOENT;
}
