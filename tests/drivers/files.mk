# SPDX-License-Identifier: MIT

tests += \
	tests/drivers/balloon_budget.c \
	tests/drivers/ccw_test.c \
	tests/drivers/cmm_balloon_test.c \
	tests/drivers/cmm_model.c \
	tests/drivers/fake_channel.c \
	tests/drivers/fake_ring.c \
	tests/drivers/fake_virtio.c \
	tests/drivers/reprobe_command.c \
	tests/drivers/virtio_balloon_bad_host_test.c \
	tests/drivers/virtio_balloon_fixture.c \
	tests/drivers/large_folios_test.c \
	tests/drivers/virtio_balloon_migrate_test.c \
	tests/drivers/virtio_balloon_oom_test.c \
	tests/drivers/virtio_balloon_stats_test.c \
	tests/drivers/virtio_balloon_test.c \
	tests/drivers/virtio_hinting_test.c \
	tests/drivers/virtio_poison_test.c \
	tests/drivers/virtio_reporting_test.c \
	tests/drivers/virtio_rng_test.c \
	tests/drivers/virtio_ccw_test.c \
	tests/drivers/virtio_test.c \
	tests/drivers/virtio_transport_test.c \
	tests/drivers/virtqueue_test.c \
	tests/drivers/vmware_balloon_test.c \
	tests/drivers/vmware_fixture.c \
	tests/drivers/vmware_migrate_test.c \
	tests/drivers/vmware_model.c
