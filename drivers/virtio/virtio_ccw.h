// SPDX-License-Identifier: MIT
/*
 * Virtio over channel I/O, as QEMU and KVM offer it on s390x.
 */
#ifndef DRIVERS_VIRTIO_VIRTIO_CCW_H
#define DRIVERS_VIRTIO_VIRTIO_CCW_H

#include <platform/channel_io.h>

struct virtio_device;

#define VIRTIO_CCW_CONTROL_UNIT 0x3832u /* its model is the virtio device type */

/* Attach every virtio device of the channel subsystem (NULL: there is none) that has a driver;
 * their number. Thread context, after interrupts work. */
unsigned virtio_ccw_probe_all(struct channel_io *io);

/* Take one of them away from its driver and give its subchannel back. */
void virtio_ccw_detach(struct virtio_device *device);

#endif
