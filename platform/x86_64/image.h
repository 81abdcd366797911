// SPDX-License-Identifier: MIT
/*
 * The place of the kernel image in physical memory, known from the first C function on.
 */
#ifndef PLATFORM_X86_64_IMAGE_H
#define PLATFORM_X86_64_IMAGE_H

#include <platform/image.h>

/* Physical address of kernel_image_start. */
extern struct phys image_base;

/* Physical address of an object of the image. */
struct phys image_phys(const void *object);

#endif
