// SPDX-License-Identifier: MIT
/*
 * The input is the text of a dump. It is read, enumerated as a listing and judged.
 */
#include <kernel/assert.h>
#include <kernel/kmem.h>
#include <pci/atomic_ops.h>
#include <pci/enumerate.h>
#include <stdlib.h>
#include <tools/pci/dump.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void *zeroed(size_t size)
{
	return calloc(1, size);
}

static const struct kmem_operations memory = {.alloc = zeroed, .free = free};

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	static struct atomic_result result;
	struct pci_dump_report report;
	struct pci_image image;
	struct pci_fabric fabric;
	struct pci_device *device;
	int error;

	kmem_register(&memory);
	pci_image_init(&image, true);
	error = pci_dump_parse((const char *)bytes, length, &image, &report);
	ASSERT((error == 0) == (image.count > 0));
	ASSERT(report.functions == image.count);
	ASSERT(report.counts[PCI_DUMP_WITHOUT] <= report.functions);
	for (unsigned i = 0; i < report.note_count; i++)
		ASSERT(pci_dump_complaint_text(report.notes[i].complaint) != NULL);
	pci_fabric_init(&fabric, &image.access);
	if (error == 0)
		ASSERT(pci_enumerate(&fabric) == 0);
	ASSERT(fabric.device_count == image.count);
	pci_for_each_device (device, &fabric)
		ASSERT(atomic_ops_evaluate(device, ATOMIC_ALL, &result) == 0);
	pci_fabric_clear(&fabric);
	pci_image_destroy(&image);
	return 0;
}
