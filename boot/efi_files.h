// SPDX-License-Identifier: MIT
/*
 * The folder \EFI\quire\reports of the volume the loader was started from, written through the
 * Simple File System protocol (UEFI 2.10, 13.4, 13.5) while boot services last. Every run adds
 * a pair of files with the next number, at most REPORTS_MAX; none is ever overwritten.
 */
#ifndef BOOT_EFI_FILES_H
#define BOOT_EFI_FILES_H

#include <boot/efi_loader.h>

#include <stddef.h>

#define REPORTS_MAX     99u
#define EFI_REPORT_STEM "ATOMIC"
#define EFI_DUMP_STEM   "LSPCI"

struct efi_folder {
	EFI_FILE *handle;
	unsigned number; /* of this run's files: 1 to REPORTS_MAX */
};

/* Open the folder, made where it is missing, and find the next number. NULL, or why not: then
 * there is nothing to close. */
const char *efi_folder_open(const struct efi_loader *loader, struct efi_folder *folder);
void efi_folder_close(struct efi_folder *folder);

/* What this run's file is called, 8.3: stem of six letters at most, two digits, ".TXT". */
#define EFI_FILE_NAME 13
void efi_file_name(const struct efi_folder *folder, const char *stem, char name[EFI_FILE_NAME]);

/*
 * Write a whole file and close it, so that it is on the medium. NULL, or why not: a part that
 * was written is deleted again, and `*part_left` says where that failed.
 */
const char *efi_file_write(struct efi_folder *folder, const char *name, const char *data,
			   size_t length, bool *part_left);

#endif
