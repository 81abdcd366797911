// SPDX-License-Identifier: MIT
/*
 * What the files of the hosted port share, and what its main does with the machine.
 */
#ifndef PLATFORM_HOSTED_HOSTED_H
#define PLATFORM_HOSTED_HOSTED_H

#include <platform/types.h>

/* Map the arena: physical addresses 0 to size. Ends the program with a message on failure. */
void hosted_memory_init(uint64_t size);

#endif
