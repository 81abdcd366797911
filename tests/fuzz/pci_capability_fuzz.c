// SPDX-License-Identifier: MIT
/*
 * The input is the configuration space of a few functions: three root ports, a switch and what
 * is below are made of it in turns, so that lists, bridge numbers, ARI chains and virtual
 * functions come from the fuzzer. Everything is enumerated, both lists of every function are
 * walked, and every function and slot is judged; a scanned machine is then wiped and placed
 * afresh. Byte 0: functions listed or scanned; byte 1:
 * bytes per function; then chunks "device-function, bus or bridge, length, bytes ...".
 */
#include <kernel/assert.h>
#include <kernel/kmem.h>
#include <tools/pci/atomic_report.h>
#include <pci/assign.h>
#include <pci/bar.h>
#include <pci/capability.h>
#include <pci/enumerate.h>
#include <pci/regs.h>
#include <tools/pci/image.h>
#include <stdlib.h>

#define FUNCTIONS_MAX 24

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static struct pci_image image;
static struct pci_fabric fabric;
static struct atomic_result result;

static void *zeroed(size_t size)
{
	return calloc(1, size);
}

static const struct kmem_operations memory = {.alloc = zeroed, .free = free};

/* A chunk at an offset in steps of four; the rest of the function is zero or a copy of it. */
static void fill(struct pci_image_function *function, unsigned offset, const uint8_t *bytes,
		 size_t length)
{
	for (size_t i = 0; i < length && offset + i < function->size; i++)
		function->value[offset + i] = bytes[i];
	pci_image_set_writable(function, 0x18, 4, 0x00ffffff);
	/* BARs decode as many bits as the address they come with has. */
	for (unsigned at = PCI_REG_BAR0; at < PCI_REG_BAR0 + 8; at += 4)
		pci_image_set_writable(function, at, 4,
				       pci_image_get(function, at, 4) & PCI_BAR_MEMORY_MASK);
	pci_image_set_writable(function, PCI_REG_IO_WINDOW, 2, 0xf0f0);
	pci_image_set_writable(function, PCI_REG_MEMORY_WINDOW, 4, 0xfff0fff0);
}

/* The next chunk; number of bytes taken, 0 at the end. */
static size_t add_chunk(const uint8_t *bytes, size_t length, unsigned size)
{
	struct pci_image_function *function = NULL, *bridge = NULL;
	size_t count;

	if (length < 4)
		return 0;
	if ((bytes[1] & 0x80) && image.count > 0)
		bridge = image.functions[bytes[1] % image.count];
	if (image.count < FUNCTIONS_MAX && !(bytes[1] & 0x40))
		function = bridge ? pci_image_add_below(&image, bridge, bytes[0], size)
				  : pci_image_add(
					    &image,
					    (struct pci_address){0, bytes[1] & 0x3f, bytes[0]},
					    size);
	if (!function && image.count > 0)
		function = image.functions[image.count - 1]; /* a second chunk of the same */
	count = bytes[3] < length - 4 ? bytes[3] : length - 4;
	if (function)
		fill(function, bytes[2] * 16u, bytes + 4, count);
	return count + 4;
}

static void walk_lists(struct pci_device *device)
{
	struct pci_capability_walk walk;
	unsigned standard = 0, extended = 0;

	for (pci_capability_walk_start(&walk, device); pci_capability_walk_next(&walk);)
		standard++;
	for (pci_capability_walk_start_extended(&walk, device);
	     pci_capability_walk_next(&walk);)
		extended++;
	ASSERT(standard <= 48 && extended <= 480);
	for (unsigned i = 0; i < pci_bar_count(device); i++) {
		struct pci_bar bar;

		if (pci_bar_read(device, i, &bar) != 0)
			ASSERT(bar.size == 0);
	}
}

static void judge(const struct pci_device *device)
{
	uint64_t writes = image.access.writes;

	ASSERT(atomic_ops_evaluate(device, ATOMIC_ALL, &result) == 0);
	ASSERT(result.hop_count <= ATOMIC_HOPS_MAX);
	ASSERT(!device->physical_function ||
	       atomic_result_verdict(&result, ATOMIC_32) == ATOMIC_NO ||
	       device->readability != PCI_READABLE);
	if (atomic_report_is_slot(device))
		ASSERT(atomic_ops_evaluate_slot(device, ATOMIC_ALL, &result) == 0);
	ASSERT(image.access.writes == writes);
}

/* What a machine that was wiped gets: every BAR the registers let us write lies in a hole. */
static void place(void)
{
	static const struct pci_aperture holes[PCI_RESOURCES] = {
		{0x1000, 0x10000}, {0x80000000, 0xc0000000}, {0x800000000, 0x900000000}};

	if (image.access.operations->next)
		return;
	pci_wipe(&fabric);
	pci_fabric_clear(&fabric);
	if (pci_enumerate(&fabric) == 0)
		ASSERT(pci_assign(&fabric, holes) >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	struct pci_device *device;
	size_t taken;
	unsigned size;

	kmem_register(&memory);
	if (length < 2)
		return 0;
	size = bytes[1] & 1 ? PCI_SPACE_EXPRESS : bytes[1] & 2 ? 64 : PCI_SPACE_CONVENTIONAL;
	pci_image_init(&image, bytes[0] & 1);
	image.range.last = 5; /* speed: an empty bus costs 32 reads */
	for (size_t at = 2; at < length; at += taken) {
		taken = add_chunk(bytes + at, length - at, size);
		if (taken == 0)
			break;
	}
	pci_fabric_init(&fabric, &image.access);
	if (pci_enumerate(&fabric) == 0)
		ASSERT(fabric.device_count > 0);
	pci_for_each_device (device, &fabric) {
		walk_lists(device);
		judge(device);
	}
	place();
	pci_fabric_clear(&fabric);
	pci_image_destroy(&image);
	return 0;
}
