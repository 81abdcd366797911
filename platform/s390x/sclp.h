// SPDX-License-Identifier: MIT
/*
 * The service processor: one request at a time, each with a bounded wait.
 */
#ifndef PLATFORM_S390X_SCLP_H
#define PLATFORM_S390X_SCLP_H

#include <kernel/attributes.h>
#include <platform/s390x/sclp_block.h>

#define SCLP_READ_INFO   0x00020001u
#define SCLP_WRITE_MASK  0x00780005u
#define SCLP_WRITE_EVENT 0x00760005u
#define SCLP_READ_EVENT  0x00770005u

/*
 * The service processor and what is built for it belong to one CPU at a time. Interrupts off
 * between the two. In a panic, and inside a hold of this CPU's own, it goes on without:
 * sclp_release() gets what sclp_hold() returned.
 */
bool sclp_hold(void) MUST_CHECK;
void sclp_release(bool held);

/*
 * Send a request and wait for its answer, which replaces the block. The block is a page of the
 * image, below 2 GiB. Inside sclp_hold(). 0; -EIO when there is no service
 * processor or it does not answer in time: it is then given up for good.
 */
int sclp_request(uint32_t command, uint8_t *block) MUST_CHECK;

/* External interruption: something was answered, or there is something to read. */
void sclp_interrupt(uint32_t parameter);
/* True while this CPU waits inside sclp_request(). */
bool sclp_waits_here(void);
/* The service processor said since the last call that there are events to read. */
bool sclp_events_pending(void);

/* console.c: there may be input. Interrupt context, or inside sclp_request(). */
void console_events_arrived(void);
/* Find the consoles; before, nothing is shown. Boot CPU, in platform_early_init(). */
void console_init(void);

#endif
