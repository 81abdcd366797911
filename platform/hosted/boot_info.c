// SPDX-License-Identifier: MIT
/*
 * No loader starts the hosted program, so there is no boot information but what a test makes.
 */
#include <kernel/boot_info.h>

struct boot_info *boot_info;
