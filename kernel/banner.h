// SPDX-License-Identifier: MIT
/*
 * The version that the banner, every panic and every report print.
 */
#ifndef KERNEL_BANNER_H
#define KERNEL_BANNER_H

/* "commit build toolchain" of this binary. */
extern const char quire_version[];

#endif
