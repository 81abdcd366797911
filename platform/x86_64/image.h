// SPDX-License-Identifier: MIT
/*
 * Where the kernel image lies: bounds of its sections (linker/x86_64.lds) and its place in
 * physical memory, known from the first C function on.
 */
#ifndef PLATFORM_X86_64_IMAGE_H
#define PLATFORM_X86_64_IMAGE_H

#include <platform/types.h>

extern char kernel_image_start[], kernel_image_end[];
extern char kernel_text_start[], kernel_text_end[];
extern char kernel_rodata_end[];
extern char kernel_ro_after_init_start[], kernel_ro_after_init_end[];
extern char kernel_boot_stack_guard[];
extern char kernel_build_id[], kernel_build_id_end[];

/* Physical address of kernel_image_start. */
extern struct phys image_base;

/* Variables that are written before the final address space only. */
#define RO_AFTER_INIT __attribute__((section(".ro_after_init")))

/* Physical address of an object of the image. */
struct phys image_phys(const void *object);
bool image_contains(const void *object);

#endif
