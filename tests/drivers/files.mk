# SPDX-License-Identifier: MIT

tests += \
	tests/drivers/fake_ring.c \
	tests/drivers/virtqueue_test.c
