// SPDX-License-Identifier: MIT
/*
 * start.c for boot/ipl_main.c, which runs before kmain().
 */
#ifndef PLATFORM_S390X_START_H
#define PLATFORM_S390X_START_H

/* The boot CPU's lowcore, control registers and facilities: from here on program interruptions
 * have a handler. */
void start_lowcore(void);

#endif
