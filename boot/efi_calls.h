// SPDX-License-Identifier: MIT
/*
 * Inside the loader, kernel sources run that were written for the kernel (pci/, kernel/acpi*.c,
 * tools/pci/). This gives them what they call: text, memory, time, registers.
 */
#ifndef BOOT_EFI_CALLS_H
#define BOOT_EFI_CALLS_H

#include <boot/efi_loader.h>

#include <stddef.h>

/* Text that grows; pool memory of firmware. */
struct efi_text {
	char *data; /* not terminated */
	size_t length;
	size_t capacity;
	bool short_of_memory; /* something is missing */
};

/* From now on kernel sources may run; boot_info is what they see. */
void efi_calls_start(const struct efi_loader *loader, struct boot_info *info);
/* Where print() and, each line behind "# ", the log go; NULL: nowhere. */
void efi_calls_print_to(struct efi_text *text);
void efi_calls_log_to(struct efi_text *text);
void efi_text_free(struct efi_text *text);

#endif
