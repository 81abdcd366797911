// SPDX-License-Identifier: MIT
/*
 * Virtio devices at fixed addresses, as QEMU's microvm and Firecracker have them.
 */
#ifndef DRIVERS_VIRTIO_VIRTIO_MMIO_H
#define DRIVERS_VIRTIO_VIRTIO_MMIO_H

#include <kernel/attributes.h>
#include <stddef.h>
#include <stdint.h>

/* One word of the command line: virtio_mmio.device=SIZE@ADDRESS:LINE[:ID]. */
struct virtio_mmio_place {
	uint64_t size; /* bytes, at least VIRTIO_MMIO_SIZE_MIN */
	uint64_t address;
	unsigned line; /* of the interrupt controller */
};

#define VIRTIO_MMIO_SIZE_MIN 0x100u
#define VIRTIO_MMIO_SIZE_MAX 0x100000u
#define VIRTIO_MMIO_PLACES   32u

/* 0, or -EINVAL when the text has not this form or a number makes no sense. */
int virtio_mmio_place_parse(const char *text, size_t length,
			    struct virtio_mmio_place *place) MUST_CHECK;

/* Attach what the command line names; the number of devices that were found and have a driver.
 * Thread context, after interrupts work. */
unsigned virtio_mmio_probe_all(const char *command_line);

#endif
