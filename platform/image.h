// SPDX-License-Identifier: MIT
/*
 * Where the kernel image lies: the symbols that a machine's linker script (linker/<port>.lds)
 * must define. Floor 0, for ports and boot code; a port's own image.h adds where the image is.
 */
#ifndef PLATFORM_IMAGE_H
#define PLATFORM_IMAGE_H

#include <platform/types.h>

extern char kernel_image_start[], kernel_image_end[];
extern char kernel_text_start[], kernel_text_end[];
extern char kernel_rodata_end[];
extern char kernel_ro_after_init_start[], kernel_ro_after_init_end[];
extern char kernel_boot_stack_guard[];
extern char kernel_build_id[], kernel_build_id_end[];

/* Variables that are written before the final address space only. */
#define RO_AFTER_INIT __attribute__((section(".ro_after_init")))

static inline bool image_contains(const void *object)
{
	return (const char *)object >= kernel_image_start &&
	       (const char *)object < kernel_image_end;
}

#endif
