// SPDX-License-Identifier: MIT
/*
 * What a loader hands to kmain(). Everything is plain data below the end of the structure's
 * memory, which is listed as BOOT_RANGE_LOADER and stays mapped. Ranges are sorted, do not
 * overlap, are page aligned (RAM shrunk, everything else grown) and merged: boot/memory_map.c
 * makes them so from whatever firmware said.
 */
#ifndef KERNEL_BOOT_INFO_H
#define KERNEL_BOOT_INFO_H

#include <platform/types.h>

enum boot_range_type {
	BOOT_RANGE_RAM,      /* free for the kernel, boot-services memory included */
	BOOT_RANGE_KERNEL,   /* the kernel image */
	BOOT_RANGE_LOADER,   /* boot_info, command line, range table: reclaimed late */
	BOOT_RANGE_ACPI,     /* tables; reclaimable after they were read, kept by us */
	BOOT_RANGE_RUNTIME,  /* EFI runtime services, code or data: never touched */
	BOOT_RANGE_RESERVED, /* firmware's, persistent, soft-reserved, bad: never touched */
	BOOT_RANGE_MMIO,
};

struct boot_range {
	struct phys start; /* page aligned */
	uint64_t size;     /* bytes, multiple of PAGE_SIZE, never 0 */
	enum boot_range_type type;
	uint64_t attributes; /* EFI attribute word for BOOT_RANGE_RUNTIME, else 0 */
};

struct boot_framebuffer {
	struct phys base; /* 0: none */
	uint32_t width;   /* pixels */
	uint32_t height;
	uint32_t stride; /* pixels per line */
	uint8_t red_shift;
	uint8_t green_shift;
	uint8_t blue_shift;
};

enum boot_method { BOOT_EFI, BOOT_PVH, BOOT_IPL, BOOT_HOSTED };

#define BOOT_COMMAND_LINE_MAX 2048
#define BOOT_RANGES_MAX       4096

struct boot_info {
	enum boot_method method;
	struct phys kernel_base; /* where the image lies */
	uint64_t kernel_size;    /* bytes, bss included */
	struct phys acpi_root;   /* RSDP, 0: none */
	struct phys efi_system_table;
	struct phys initrd; /* 0: none */
	uint64_t initrd_size;
	struct boot_framebuffer framebuffer;
	uint64_t entry_cycles; /* time stamp at kernel entry */
	char command_line[BOOT_COMMAND_LINE_MAX];
	char boot_device[128]; /* text for people: where we were loaded from, may be empty */
	char firmware[64];     /* vendor and revision, may be empty */
	char loader_note[320]; /* what the loader did besides loading; may be empty */
	bool loader_failed;    /* that is a warning */
	uint32_t range_count;
	uint32_t ranges_dropped; /* that did not fit BOOT_RANGES_MAX: reported, treated as
				    reserved */
	struct boot_range *ranges;
};

/* The one the loader gave; valid from the first line of kmain(). */
extern struct boot_info *boot_info;

/* Write to the log where we come from and, at debug level, the memory map. */
void boot_info_report(const struct boot_info *info);

#endif
