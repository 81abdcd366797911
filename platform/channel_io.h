// SPDX-License-Identifier: MIT
/*
 * Channel I/O (z/Architecture): the instructions that drivers/ccw needs, one function each. A
 * port does what the instruction does and returns its condition code; what codes and blocks
 * mean is known above, so that it runs against a model on every machine. Blocks are as the
 * architecture lays them out: big-endian, word-aligned. A subchannel is named by its
 * subsystem-identification word.
 */
#ifndef PLATFORM_CHANNEL_IO_H
#define PLATFORM_CHANNEL_IO_H

#include <platform/types.h>

#define CHANNEL_SCHIB_SIZE 52u
#define CHANNEL_ORB_SIZE   32u
#define CHANNEL_IRB_SIZE   96u

struct channel_io;

/* Any context, any CPU. */
struct channel_operations {
	unsigned (*store)(struct channel_io *io, uint32_t subchannel, void *schib);
	unsigned (*modify)(struct channel_io *io, uint32_t subchannel, const void *schib);
	unsigned (*start)(struct channel_io *io, uint32_t subchannel, const void *orb);
	unsigned (*test)(struct channel_io *io, uint32_t subchannel, void *irb);
	unsigned (*clear)(struct channel_io *io, uint32_t subchannel);
	/* Make subchannel sets 1 to 3 visible; false where there is only set 0. */
	bool (*enable_sets)(struct channel_io *io);
	/* Virtio's notification (DIAGNOSE 0x500): the cookie for the next one, or negative. */
	int64_t (*notify)(struct channel_io *io, uint32_t subchannel, uint64_t queue,
			  int64_t cookie);
};

/* The channel subsystem. The handlers, NULL before somebody sets them, run with interrupts off
 * on the CPU that took the interruption. */
struct channel_io {
	const struct channel_operations *operations;
	uint8_t subclass; /* interruption subclass that is open for drivers */
	/* Status is pending at a subchannel, or was until somebody took it. */
	void (*subchannel_interrupt)(struct channel_io *io, uint32_t subchannel);
	/* An adapter of this subclass has set indicators. */
	void (*adapter_interrupt)(void);
};

/* NULL where the machine has no channel subsystem. */
struct channel_io *platform_channel_io(void);

#endif
