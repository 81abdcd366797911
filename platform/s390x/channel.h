// SPDX-License-Identifier: MIT
/*
 * How I/O interruptions are divided: one subclass for devices of the channel subsystem, their
 * adapters included, one for PCI functions.
 */
#ifndef PLATFORM_S390X_CHANNEL_H
#define PLATFORM_S390X_CHANNEL_H

#define CHANNEL_SUBCLASS_PCI     2u
#define CHANNEL_SUBCLASS_DEVICES 3u

/* Let this CPU take I/O interruptions of a subclass. */
void channel_subclass_open(unsigned subclass);

/* zpci.c: PCI functions have set indicators. */
void zpci_interrupt(void);

#endif
