// SPDX-License-Identifier: MIT
/*
 * `reprobe`: the virtio balloon is removed and probed again, as around a suspend; for tests
 * from outside.
 */
#include <drivers/virtio/virtio.h>
#include <kernel/log.h>
#include <kernel/shell.h>
#include <tests/test.h>

static struct virtio_device *balloon_device(void)
{
	struct virtio_device *device;

	list_for_each_entry (device, &virtio_devices, link)
		if (device->id == VIRTIO_ID_BALLOON)
			return device;
	return NULL;
}

static int reprobe_command(int argc, char **argv)
{
	struct virtio_device *device = balloon_device();
	int error;

	(void)argv;
	if (argc != 1)
		return shell_usage("reprobe");
	if (!device) {
		print("reprobe: no virtio balloon\n");
		return 1;
	}
	virtio_device_detach(device);
	error = virtio_device_attach(device);
	print("reprobe: %s: %s\n", device->name, error ? "refused" : "probed again");
	return error ? 1 : 0;
}

SHELL_COMMAND(reprobe, "", "remove the virtio balloon and probe it again, as around a suspend",
	      reprobe_command);
