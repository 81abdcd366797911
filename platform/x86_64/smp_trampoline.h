// SPDX-License-Identifier: MIT
/*
 * The memory below 1 MiB through which other CPUs start: code and transition tables.
 */
#ifndef PLATFORM_X86_64_SMP_TRAMPOLINE_H
#define PLATFORM_X86_64_SMP_TRAMPOLINE_H

#include <stdbool.h>

/* Fill it; false when there was no such memory. */
bool smp_trampoline_open(void);
/* Where real mode starts: physical address >> 12. */
unsigned smp_trampoline_page(void);
/* Clear it: from now on no CPU may still be on its way. */
void smp_trampoline_close(void);

#endif
