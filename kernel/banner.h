// SPDX-License-Identifier: MIT
/*
 * The version that the banner, every panic and every report print, and what taints the kernel.
 */
#ifndef KERNEL_BANNER_H
#define KERNEL_BANNER_H

#include <stddef.h>

/* "commit build toolchain" of this binary. */
extern const char quire_version[];

/* The linker's build id of this image as hexadecimal text in text[size]; "unknown" where the
 * image carries none (hosted). Returns text. */
#define QUIRE_BUILD_ID_MAX 48
const char *quire_build_id(char *text, size_t size);

/* The kernel is no longer what it was: every later panic says why. The first reason stays; not
 * copied. Any context. */
void kernel_taint(const char *why);
/* NULL: not tainted. */
const char *kernel_tainted(void);

#endif
