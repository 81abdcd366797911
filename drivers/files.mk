# SPDX-License-Identifier: MIT
# Devices: what they say is never trusted.

sources += \
	drivers/driver.c \
	drivers/balloon/balloon_client.c \
	drivers/balloon/balloon_command.c \
	drivers/balloon/cmm_balloon.c \
	drivers/balloon/virtio_balloon.c \
	drivers/balloon/virtio_balloon_arrays.c \
	drivers/balloon/virtio_balloon_move.c \
	drivers/balloon/virtio_balloon_news.c \
	drivers/balloon/virtio_balloon_oom.c \
	drivers/balloon/virtio_balloon_stats.c \
	drivers/balloon/virtio_balloon_target.c \
	drivers/balloon/virtio_hinting.c \
	drivers/balloon/virtio_reporting.c \
	drivers/balloon/vmware_balloon.c \
	drivers/balloon/vmware_host.c \
	drivers/balloon/vmware_move.c \
	drivers/ccw/ccw.c \
	drivers/virtio/virtio.c \
	drivers/virtio/virtio_ccw.c \
	drivers/virtio/virtio_mmio.c \
	drivers/virtio/virtio_pci.c \
	drivers/virtio/virtio_rng.c \
	drivers/virtio/virtqueue.c
