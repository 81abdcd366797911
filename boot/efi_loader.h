// SPDX-License-Identifier: MIT
/*
 * Between the files of the EFI loader.
 */
#ifndef BOOT_EFI_LOADER_H
#define BOOT_EFI_LOADER_H

#include <kernel/attributes.h>
#include <kernel/boot_info.h>

#include <efi.h>

/* What firmware handed to efi_main(). */
struct efi_loader {
	EFI_HANDLE image;
	EFI_SYSTEM_TABLE *system;
	EFI_BOOT_SERVICES *services;
	EFI_LOADED_IMAGE *loaded; /* NULL when firmware does not say */
};

/* How long a message stays before firmware clears the screen. */
#define EFI_MESSAGE_US 5000000u

/* One line on firmware's console, if there is one. Not after boot services ended. */
void efi_say(const struct efi_loader *loader, const char *text);

/* Fill the fields of info that firmware knows: command line, ACPI root, framebuffer, system
 * table, boot device, firmware name. Missing things stay empty. */
void efi_collect(const struct efi_loader *loader, struct boot_info *info);

/* Pages below `limit`; NULL when there are none. */
void *efi_pages(const struct efi_loader *loader, EFI_MEMORY_TYPE type, uint64_t size,
		uint64_t limit);

/* The protocol's interface on a handle (NULL: the first that has one); NULL: none. */
void *efi_protocol(const struct efi_loader *loader, EFI_HANDLE handle, const EFI_GUID *guid);

/*
 * Leave boot services and fill info's ranges, from ranges[max] in memory of the loader. Buffers
 * are allocated before the first try. NULL: boot services are gone. Else a message: `*gone`
 * says whether firmware may still be called.
 */
const char *efi_leave(const struct efi_loader *loader, struct boot_info *info,
		      struct boot_range *ranges, size_t max, bool *gone);

/* The memory map as it is now, in info's ranges; firmware stays. NULL, or a message. */
const char *efi_map_now(const struct efi_loader *loader, struct boot_info *info,
			struct boot_range *ranges, size_t max);

/*
 * With `report=stick` on the command line write report and dump to the volume we were started
 * from; info->loader_note says what became of it. Before efi_leave(), with the kernel placed.
 */
void efi_report(const struct efi_loader *loader, struct boot_info *info,
		struct boot_range *ranges, size_t max);

#endif
