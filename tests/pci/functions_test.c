// SPDX-License-Identifier: MIT
/*
 * A machine that lists its functions (zPCI), made of an image: what is listed is found in its
 * domain with nothing above it, what fails is all ones and an error, and BARs are reached
 * through the list's own accesses, whatever address they hold.
 */
#include <errno.h>
#include <pci/bar.h>
#include <pci/enumerate.h>
#include <pci/hardware.h>
#include <tools/pci/image.h>
#include <pci/regs.h>
#include <platform/hosted/hosted.h>
#include <platform/pci_config.h>
#include <tests/pci/topology.h>
#include <tests/test.h>

static struct pci_image image;
static struct pci_fabric fabric;
static bool gone;
static uint8_t registers[64];
static unsigned maps;

static struct pci_address address_of(uint32_t segment, unsigned bdf)
{
	return (struct pci_address){segment, (uint8_t)(bdf >> 8), (uint8_t)bdf};
}

static bool list_next(uint32_t *segment, unsigned *bdf)
{
	struct pci_address address = address_of(*segment, *bdf);

	if (!image.access.operations->next(&image.access, &address))
		return false;
	*segment = address.segment;
	*bdf = pci_address_routing_id(address);
	return true;
}

static int list_read(uint32_t segment, unsigned bdf, unsigned offset, unsigned width,
		     uint32_t *value)
{
	*value = pci_config_all_ones(width);
	return gone ? -EIO
		    : pci_config_read(&image.access, address_of(segment, bdf), offset, width,
				      value);
}

static int list_write(uint32_t segment, unsigned bdf, unsigned offset, unsigned width,
		      uint32_t value)
{
	return pci_config_write(&image.access, address_of(segment, bdf), offset, width, value);
}

static volatile void *list_map(uint32_t segment, unsigned bdf, unsigned bar, uint64_t offset,
			       uint64_t length)
{
	maps++;
	CHECK_EQ(segment, 5);
	CHECK_EQ(bdf, 0);
	CHECK_EQ(bar, 1);
	CHECK_EQ(length, 32);
	return registers + offset;
}

static const struct platform_pci_functions list = {"list of a test", list_next, list_read,
						   list_write, list_map};

static struct pci_image_function *add(uint32_t segment, unsigned function)
{
	struct pci_image_function *added =
		pci_image_add(&image, pci_address(segment, 0, 0, function), 256);

	REQUIRE(added != NULL);
	pci_image_set(added, PCI_REG_VENDOR, 4, 0x10001af4);
	pci_image_set_writable(added, PCI_REG_COMMAND, 2, 0xffff);
	return added;
}

static struct pci_access *start(void)
{
	struct pci_access *access;

	gone = false;
	maps = 0;
	hosted_pci_set_functions(&list);
	access = pci_hardware_access();
	REQUIRE(access != NULL);
	pci_fabric_init(&fabric, access);
	return access;
}

static void stop(void)
{
	pci_fabric_clear(&fabric);
	hosted_pci_set_functions(NULL);
	pci_image_destroy(&image);
}

/* All that was built goes when memory is short. */
static void enumerate(void)
{
	int error = pci_enumerate(&fabric);

	if (error)
		stop();
	REQUIRE(error == 0);
}

TEST(pci_functions, A_T55_listed_functions_have_their_domains_and_nothing_above)
{
	struct pci_device *device;
	struct atomic_result result;

	pci_image_init(&image, true);
	add(5, 0);
	add(7, 1); /* without a function 0 */
	start();
	CHECK_STR(pci_hardware_description(), "list of a test");
	enumerate();
	CHECK_EQ(fabric.device_count, 2);
	device = pci_device_find(&fabric, pci_address(7, 0, 0, 1));
	REQUIRE(device != NULL);
	CHECK(device->parent == NULL);
	CHECK_EQ(device->device, 0x1000);
	CHECK_EQ(atomic_ops_evaluate(device, ATOMIC_ALL, &result), 0);
	CHECK_EQ(atomic_result_verdict(&result, ATOMIC_ALL), ATOMIC_NO);
	CHECK_EQ(result.findings[0].reason, ATOMIC_REQ_NOT_PCIE);
	CHECK(pci_device_find(&fabric, pci_address(5, 0, 0, 0)) != NULL);
	stop();
}

TEST(pci_functions, A_T56_a_function_that_is_gone_reads_all_ones_with_an_error)
{
	struct pci_access *access;
	uint32_t value = 0;

	pci_image_init(&image, true);
	add(5, 0);
	access = start();
	CHECK_EQ(pci_config_read(access, pci_address(5, 0, 0, 0), 0, 4, &value), 0);
	CHECK_EQ(value, 0x10001af4);
	CHECK_EQ(pci_config_read(access, pci_address(5, 0, 0, 1), 0, 4, &value), -ERANGE);
	CHECK_EQ(value, 0xffffffff);
	gone = true;
	CHECK_EQ(pci_config_read(access, pci_address(5, 0, 0, 0), 0, 2, &value), -EIO);
	CHECK_EQ(value, 0xffff);
	enumerate();
	CHECK_EQ(pci_device_find(&fabric, pci_address(5, 0, 0, 0))->readability,
		 PCI_UNREADABLE);
	stop();
}

TEST(pci_functions, bars_without_an_address_are_reached_through_the_list)
{
	struct pci_image_function *function;
	struct pci_device *device;
	uint16_t command;

	pci_image_init(&image, true);
	function = add(5, 0);
	pci_image_set_writable(function, PCI_REG_BAR0 + 4, 4, ~63u);
	start();
	enumerate();
	device = pci_device_find(&fabric, pci_address(5, 0, 0, 0));
	REQUIRE(device != NULL);
	CHECK(pci_bar_map(device, 1, 16, 32) == registers + 16);
	CHECK_EQ(maps, 1);
	CHECK_EQ(pci_read16(device, PCI_REG_COMMAND, &command), 0);
	CHECK_EQ(command & PCI_COMMAND_MEMORY, PCI_COMMAND_MEMORY);
	CHECK(pci_bar_map(device, 1, 48, 32) == NULL);
	CHECK_EQ(maps, 1);
	stop();
}
