// SPDX-License-Identifier: MIT
/*
 * A driver over zPCI on the machine itself: BARs by instruction, memory access, and a message
 * that becomes an adapter interruption. Run by tools/zpci_test.py, which gives the device.
 */
#include <drivers/virtio/virtio_rng.h>
#include <kernel/thread.h>
#include <platform/clock.h>
#include <string.h>
#include <tests/wait.h>

#define LIMIT_NS WAIT_LIMIT_NS

/* The entropy source on PCI, not the one on a channel. */
static struct virtio_rng *find(void)
{
	struct virtio_device *device;

	list_for_each_entry (device, &virtio_devices, link) {
		if (device->id == VIRTIO_ID_RNG && !strncmp(device->name, "virtio-pci", 10))
			return device->driver_data;
	}
	return NULL;
}

TEST(zpci_machine, entropy_arrives_by_a_message)
{
	struct virtio_rng *rng = find();
	uint64_t end = clock_ns() + LIMIT_NS;

	if (!rng)
		SKIP("no virtio-rng-pci on this machine");
	/* Only the interrupt makes the driver look: its own next look is minutes away. */
	while (*(volatile uint16_t *)&rng->queue->ring.taken == 0 && clock_ns() < end)
		thread_sleep_ns(NSEC_PER_MSEC);
	CHECK_EQ(rng->queue->ring.taken, 1);
	CHECK(!virtqueue_is_broken(&rng->queue->ring));
}
