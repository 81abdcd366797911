# SPDX-License-Identifier: MIT
# Devices: what they say is never trusted.

sources += \
	drivers/driver.c \
	drivers/virtio/virtqueue.c
