// SPDX-License-Identifier: MIT
/*
 * The direct map of RAM, whose tables are filled when an address in them is first used. Nothing
 * at boot is proportional to the size of the machine: the tables' room is set aside, one page
 * in 512 where there are no large pages, and not touched before it is needed.
 */
#ifndef PLATFORM_S390X_DIRECT_MAP_H
#define PLATFORM_S390X_DIRECT_MAP_H

#include <platform/types.h>

struct boot_info;

/* Learn what RAM there is, take room for tables out of boot memory. Translation off. Panics
 * with a message when there is too little memory, or RAM in too many pieces. */
void direct_map_init(const struct boot_info *info);

/* Segments filled so far, by this function or ahead of a change of protection. */
uint64_t direct_map_segments_filled(void);

#endif
