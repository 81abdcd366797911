// SPDX-License-Identifier: MIT
/*
 * EFI memory descriptors to entries of the map. Types and attributes: UEFI 2.10, section 7.2.
 */
#include <boot/memory_map.h>

#include <errno.h>
#include <kernel/bits.h>

/* Offsets in a descriptor; firmware may append fields of its own. */
#define DESCRIPTOR_TYPE       0
#define DESCRIPTOR_START      8
#define DESCRIPTOR_PAGES      24
#define DESCRIPTOR_ATTRIBUTES 32
#define DESCRIPTOR_SIZE       40

#define ATTRIBUTE_WRITE_BACK   BIT64(3)
#define ATTRIBUTE_NON_VOLATILE BIT64(15)
#define ATTRIBUTE_SOFT_RESERVE BIT64(18) /* EFI_MEMORY_SP: for a driver, not for everybody */
#define ATTRIBUTE_RUNTIME      BIT64(63)

enum efi_type {
	EFI_TYPE_LOADER_CODE = 1,
	EFI_TYPE_LOADER_DATA = 2,
	EFI_TYPE_BOOT_CODE = 3,
	EFI_TYPE_BOOT_DATA = 4,
	EFI_TYPE_RUNTIME_CODE = 5,
	EFI_TYPE_RUNTIME_DATA = 6,
	EFI_TYPE_CONVENTIONAL = 7,
	EFI_TYPE_ACPI_RECLAIM = 9,
	EFI_TYPE_MMIO = 11,
	EFI_TYPE_MMIO_PORTS = 12,
};

static enum boot_range_type range_type(uint32_t type, uint64_t attributes)
{
	if (attributes & ATTRIBUTE_RUNTIME)
		return BOOT_RANGE_RUNTIME;
	switch (type) {
	case EFI_TYPE_LOADER_CODE:
	case EFI_TYPE_LOADER_DATA:
	case EFI_TYPE_BOOT_CODE:
	case EFI_TYPE_BOOT_DATA:
	case EFI_TYPE_CONVENTIONAL:
		break;
	case EFI_TYPE_RUNTIME_CODE:
	case EFI_TYPE_RUNTIME_DATA:
		return BOOT_RANGE_RUNTIME;
	case EFI_TYPE_ACPI_RECLAIM:
		return BOOT_RANGE_ACPI;
	case EFI_TYPE_MMIO:
	case EFI_TYPE_MMIO_PORTS:
		return BOOT_RANGE_MMIO;
	default:
		return BOOT_RANGE_RESERVED;
	}
	if (attributes & (ATTRIBUTE_SOFT_RESERVE | ATTRIBUTE_NON_VOLATILE))
		return BOOT_RANGE_RESERVED;
	return attributes & ATTRIBUTE_WRITE_BACK ? BOOT_RANGE_RAM : BOOT_RANGE_RESERVED;
}

static int add_descriptor(struct memory_map *map, const uint8_t *descriptor)
{
	uint64_t start = le64_load(descriptor + DESCRIPTOR_START);
	uint64_t pages = le64_load(descriptor + DESCRIPTOR_PAGES);
	uint64_t attributes = le64_load(descriptor + DESCRIPTOR_ATTRIBUTES);
	uint64_t size;

	if (__builtin_mul_overflow(pages, PAGE_SIZE, &size))
		size = UINT64_MAX;
	return memory_map_add(map, start, size,
			      range_type(le32_load(descriptor + DESCRIPTOR_TYPE), attributes),
			      attributes);
}

int memory_map_add_efi(struct memory_map *map, const void *descriptors, size_t size,
		       size_t descriptor_size)
{
	const uint8_t *at = descriptors;

	if (descriptor_size < DESCRIPTOR_SIZE || size < descriptor_size)
		return -EINVAL;
	for (size_t left = size; left >= descriptor_size; left -= descriptor_size) {
		int status = add_descriptor(map, at);

		if (status)
			return status;
		at += descriptor_size;
	}
	return 0;
}
