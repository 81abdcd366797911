# SPDX-License-Identifier: MIT
# Devices: what they say is never trusted.

sources += \
	drivers/virtio/virtqueue.c
