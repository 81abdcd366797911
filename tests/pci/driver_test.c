// SPDX-License-Identifier: MIT
/*
 * What drivers stand on: BARs, MSI-X, MSI and the binding, on a device made of an image and of
 * registers in the hosted machine's memory hole. Hosted only: there the "device" can be looked
 * at from both sides.
 */
#include <drivers/driver.h>
#include <errno.h>
#include <kernel/bits.h>
#include <kernel/fault.h>
#include <pci/bar.h>
#include <pci/intx.h>
#include <pci/msix.h>
#include <platform/barrier.h>
#include <platform/hosted/hosted.h>
#include <platform/mmu.h>
#include <stdatomic.h>
#include <string.h>
#include <tests/pci/topology.h>
#include <tests/test.h>
#include <tests/wait.h>

#define BAR_BASE   UINT64_C(0xe0000000) /* in the hole below 4 GiB */
#define BAR_SIZE   0x10000u
#define TABLE_AT   0x2000u
#define ENTRIES    4u
#define MSIX_AT    0x80u
#define MSI_AT     0xa0u
#define ENTRY_WORD 4u

static struct topology *t;
static struct pci_image_function *function;
static struct pci_device *device;

/* A BAR in the image: its value, and which bits a sizing write can change. */
static void put_bar(unsigned index, uint32_t value, uint32_t writable)
{
	pci_image_set(function, PCI_REG_BAR0 + 4 * index, 4, value);
	pci_image_set_writable(function, PCI_REG_BAR0 + 4 * index, 4, writable);
}

static void put_capability(unsigned offset, unsigned id, unsigned next, uint16_t control)
{
	pci_image_set(function, offset, 4, id | next << 8 | (uint32_t)control << 16);
	pci_image_set_writable(function, offset + 2, 2, id == PCI_CAP_MSI ? 0x0071 : 0xc000);
}

static void build(bool msix, bool msi)
{
	t = topology_new();
	function = topology_express(t, NULL, DEVFN(3, 0), PCI_TYPE_ENDPOINT, 0);
	put_bar(0, (uint32_t)BAR_BASE | PCI_BAR_TYPE_64 | PCI_BAR_PREFETCH, ~(BAR_SIZE - 1));
	put_bar(1, 0, 0xffffffff);
	put_bar(2, 0xc001, 0x0000ffe0);
	put_bar(3, 0xfeb00000, 0xfffff000);
	put_bar(4, 0x6, 0);
	pci_image_set(function, TOPOLOGY_EXPRESS + 1, 1, MSIX_AT);
	put_capability(MSIX_AT, msix ? PCI_CAP_MSIX : PCI_CAP_VENDOR, MSI_AT, ENTRIES - 1);
	pci_image_set(function, MSIX_AT + PCI_MSIX_TABLE, 4, TABLE_AT);
	put_capability(MSI_AT, msi ? PCI_CAP_MSI : PCI_CAP_VENDOR, 0,
		       PCI_MSI_64BIT | PCI_MSI_MASKABLE);
	pci_image_set_writable(function, MSI_AT + PCI_MSI_ADDRESS, 4, 0xffffffff);
	pci_image_set_writable(function, MSI_AT + PCI_MSI_ADDRESS + 4, 4, 0xffffffff);
	pci_image_set_writable(function, MSI_AT + PCI_MSI_ADDRESS + 8, 2, 0xffff);
	pci_image_set_writable(function, MSI_AT + PCI_MSI_ADDRESS + 12, 4, 0xffffffff);
	device = topology_device(t, function);
}

static uint16_t command(void)
{
	return (uint16_t)pci_image_get(function, PCI_REG_COMMAND, 2);
}

static uint32_t table_word(unsigned entry, unsigned word)
{
	volatile uint8_t *table = mmio_map(phys(BAR_BASE + TABLE_AT), ENTRIES * 16);

	return mmio_read32(table + entry * 16 + word * ENTRY_WORD);
}

TEST(pci_bar, values_are_decoded_without_a_write)
{
	struct pci_bar bar;

	build(true, false);
	function->writes = 0;
	CHECK_EQ(pci_bar_read(device, 0, &bar), 0);
	CHECK_EQ(bar.kind, PCI_BAR_MEMORY64);
	CHECK(bar.prefetchable);
	CHECK_EQ(bar.base, BAR_BASE);
	CHECK(pci_bar_read(device, 1, &bar) == -EINVAL); /* upper half */
	CHECK_EQ(pci_bar_read(device, 2, &bar), 0);
	CHECK_EQ(bar.kind, PCI_BAR_IO);
	CHECK_EQ(bar.base, 0xc000);
	CHECK(pci_bar_read(device, 4, &bar) == -EINVAL); /* reserved type */
	CHECK_EQ(pci_bar_read(device, 5, &bar), 0);
	CHECK_EQ(bar.kind, PCI_BAR_NONE);
	CHECK(pci_bar_read(device, 6, &bar) == -EINVAL);
	CHECK_EQ(function->writes, 0);
	topology_free(t);
}

TEST(pci_bar, sizing_restores_value_and_command)
{
	struct pci_bar bar;

	build(true, false);
	pci_image_set(function, PCI_REG_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_IO);
	CHECK_EQ(pci_bar_size(device, 0, &bar), 0);
	CHECK_EQ(bar.size, BAR_SIZE);
	CHECK_EQ(pci_bar_size(device, 2, &bar), 0);
	CHECK_EQ(bar.size, 0x20); /* upper 16 bits hardwired to 0 */
	CHECK_EQ(pci_bar_size(device, 3, &bar), 0);
	CHECK_EQ(bar.size, 0x1000);
	CHECK_EQ(pci_bar_size(device, 5, &bar), 0);
	CHECK_EQ(bar.kind, PCI_BAR_NONE);
	CHECK_EQ(pci_image_get(function, PCI_REG_BAR0, 4), 0xe000000cu);
	CHECK_EQ(pci_image_get(function, PCI_REG_BAR0 + 8, 4), 0xc001);
	CHECK_EQ(command(), PCI_COMMAND_MEMORY | PCI_COMMAND_IO);
	topology_free(t);
}

TEST(pci_bar, mapping_is_refused_beyond_the_end_or_without_an_address)
{
	build(true, false);
	CHECK(pci_bar_map(device, 0, 0x100, BAR_SIZE - 0x100) != NULL);
	CHECK(command() & PCI_COMMAND_MEMORY);
	CHECK(pci_bar_map(device, 0, 0x100, BAR_SIZE - 0xff) == NULL);
	CHECK(pci_bar_map(device, 0, BAR_SIZE, 1) == NULL);
	CHECK(pci_bar_map(device, 0, UINT64_MAX, 2) == NULL);
	CHECK(pci_bar_map(device, 2, 0, 4) == NULL);
	put_bar(3, 0, 0xfffff000);
	CHECK(pci_bar_map(device, 3, 0, 4) == NULL);
	topology_free(t);
}

static atomic_uint interrupts;

static void count_interrupt(void *arg)
{
	atomic_fetch_add(&interrupts, *(unsigned *)arg);
}

/* What the mask lets through here arrives at once; another CPU takes it when it gets to it. */
static void wait_interrupts(unsigned sum)
{
	WAIT_FOR(atomic_load(&interrupts) == sum);
	CHECK_EQ(atomic_load(&interrupts), sum);
}

TEST(pci_msix, entries_are_written_masked_and_opened_last)
{
	unsigned weight = 3;

	build(true, true);
	memset((void *)(uintptr_t)mmio_map(phys(BAR_BASE + TABLE_AT), 64), 0, 64);
	CHECK_EQ(pci_msix_enable(device), ENTRIES);
	CHECK(pci_msix_enable(device) == -EBUSY);
	for (unsigned i = 0; i < ENTRIES; i++)
		CHECK_EQ(table_word(i, 3), PCI_MSIX_ENTRY_MASK);
	CHECK(command() & PCI_COMMAND_NO_INTX);
	CHECK_EQ(pci_image_get(function, MSIX_AT + 2, 2) & 0xc000, PCI_MSIX_ENABLE);
	CHECK_EQ(pci_msix_connect(device, 1, 0, count_interrupt, &weight), 0);
	CHECK(pci_msix_connect(device, 1, 0, count_interrupt, &weight) == -EINVAL);
	CHECK(pci_msix_connect(device, ENTRIES, 0, count_interrupt, &weight) == -EINVAL);
	CHECK_EQ(table_word(1, 0), 0xfee00000u);
	CHECK_EQ(table_word(1, 3), 0);
	atomic_store(&interrupts, 0);
	hosted_vector_raise(table_word(1, 2));
	irq_restore(irq_save()); /* the mask opens */
	wait_interrupts(3);
	pci_msix_disable(device);
	CHECK_EQ(table_word(1, 3), PCI_MSIX_ENTRY_MASK);
	CHECK_EQ(pci_image_get(function, MSIX_AT + 2, 2) & PCI_MSIX_ENABLE, 0);
	pci_msix_disable(device);
	topology_free(t);
}

/* Every vector taken must come back, or the pool of the port runs dry. */
TEST(pci_msix, vectors_come_back_when_switched_off)
{
	unsigned weight = 1;

	build(true, false);
	for (unsigned round = 0; round < HOSTED_VECTORS; round++) {
		REQUIRE(pci_msix_enable(device) == (int)ENTRIES);
		for (unsigned i = 0; i < ENTRIES; i++)
			REQUIRE(pci_msix_connect(device, i, 0, count_interrupt, &weight) == 0);
		pci_msix_disable(device);
	}
	topology_free(t);
}

TEST(pci_msix, msi_stands_in_with_one_vector)
{
	unsigned weight = 5;

	build(false, true);
	pci_image_set(function, MSI_AT + PCI_MSI_ADDRESS + 12, 4, 0xffffffff); /* masked */
	CHECK_EQ(pci_msix_enable(device), 1);
	CHECK_EQ(pci_msix_connect(device, 0, 0, count_interrupt, &weight), 0);
	CHECK_EQ(pci_image_get(function, MSI_AT + PCI_MSI_ADDRESS, 4), 0xfee00000u);
	CHECK_EQ(pci_image_get(function, MSI_AT + PCI_MSI_ADDRESS + 12, 4), 0);
	CHECK(pci_image_get(function, MSI_AT + 2, 2) & PCI_MSI_ENABLE);
	atomic_store(&interrupts, 0);
	hosted_vector_raise(pci_image_get(function, MSI_AT + PCI_MSI_ADDRESS + 8, 2));
	irq_restore(irq_save());
	wait_interrupts(5);
	pci_msix_disable(device);
	CHECK(!(pci_image_get(function, MSI_AT + 2, 2) & PCI_MSI_ENABLE));
	topology_free(t);
}

/* Eight messages: one aligned run of data, each with a mask bit and a handler of its own. */
TEST(pci_msix, messages_of_msi_differ_in_the_low_bits_of_their_data)
{
	unsigned weights[8] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000};
	uint32_t data;

	build(false, true);
	pci_image_set(function, MSI_AT + 2, 2, PCI_MSI_64BIT | PCI_MSI_MASKABLE | 3 << 1);
	CHECK_EQ(pci_msix_enable(device), 8);
	CHECK_EQ(pci_image_get(function, MSI_AT + 2, 2) & 0x7f, 3 << 4 | 3 << 1 | 1);
	CHECK_EQ(pci_image_get(function, MSI_AT + PCI_MSI_ADDRESS + 12, 4), 0xff);
	data = pci_image_get(function, MSI_AT + PCI_MSI_ADDRESS + 8, 2);
	CHECK_EQ(data % 8, 0);
	for (unsigned i = 7; i >= 2; i--)
		CHECK_EQ(pci_msix_connect(device, i, 0, count_interrupt, &weights[i]), 0);
	CHECK(pci_msix_connect(device, 7, 0, count_interrupt, &weights[7]) == -EINVAL);
	CHECK(pci_msix_connect(device, 8, 0, count_interrupt, &weights[7]) == -EINVAL);
	CHECK_EQ(pci_image_get(function, MSI_AT + PCI_MSI_ADDRESS + 12, 4), 0x03);
	atomic_store(&interrupts, 0);
	for (unsigned i = 0; i < 8; i++) /* 0 and 1 are nobody's, and dropped */
		hosted_vector_raise(data + i);
	irq_restore(irq_save());
	wait_interrupts(11111100);
	pci_msix_disable(device);
	CHECK_EQ(pci_image_get(function, MSI_AT + 2, 2) & 0x71, 0);
	topology_free(t);
}

static unsigned free_vectors(void)
{
	static struct irq_vector taken[HOSTED_VECTORS];
	unsigned count = 0;

	while (irq_vector_alloc(0, count_interrupt, NULL, &taken[count]) == 0)
		count++;
	for (unsigned i = 0; i < count; i++)
		irq_vector_free(&taken[i]);
	return count;
}

/* A run of 32 is not to be had twice among 48: the second device gets what there is. */
TEST(pci_msix, msi_makes_do_with_fewer_vectors)
{
	struct pci_device *first;
	struct topology *before;
	unsigned vectors = free_vectors();

	build(false, true);
	before = t;
	first = device;
	pci_image_set(function, MSI_AT + 2, 2, PCI_MSI_64BIT | 5 << 1);
	CHECK_EQ(pci_msix_enable(first), 32);
	build(false, true);
	pci_image_set(function, MSI_AT + 2, 2, PCI_MSI_64BIT | 5 << 1);
	CHECK(pci_msix_enable(device) < 32);
	CHECK_EQ(pci_image_get(function, MSI_AT + 2, 2) >> 4 & 7,
		 log2_floor(vectors - 32 >= 16 ? 16 : vectors - 32));
	pci_msix_disable(device);
	pci_msix_disable(first);
	CHECK_EQ(free_vectors(), vectors);
	topology_free(t);
	topology_free(before);
}

TEST(pci_msix, device_without_messages_is_told)
{
	build(false, false);
	CHECK(pci_msix_enable(device) == -ENODEV);
	CHECK(pci_intx_connect(device, count_interrupt, NULL) == -ENODEV); /* no pin */
	pci_image_set(function, PCI_REG_INTERRUPT, 2, 0x010a);
	CHECK(pci_intx_connect(device, count_interrupt, NULL) == -ENODEV); /* no controller */
	CHECK(device->intx == NULL);
	topology_free(t);
}

TEST(pci_msix, table_that_cannot_be_mapped_leaves_messages_off)
{
	build(true, false);
	pci_image_set(function, MSIX_AT + PCI_MSIX_TABLE, 4, TABLE_AT | 2); /* an I/O BAR */
	CHECK(pci_msix_enable(device) == -EIO);
	CHECK(device->interrupts == NULL);
	CHECK(!(pci_image_get(function, MSIX_AT + 2, 2) & PCI_MSIX_ENABLE));
	topology_free(t);
}

static int probe_error;
static unsigned probes, removes;

static int probe(struct pci_device *probed)
{
	unsigned *weight = &probes;

	probes++;
	if (pci_command_change(probed, 0, PCI_COMMAND_MASTER) != 0 ||
	    pci_msix_enable(probed) != (int)ENTRIES ||
	    pci_msix_connect(probed, 0, 0, count_interrupt, weight) != 0)
		return -EIO;
	probed->driver_data = weight;
	return probe_error;
}

static void remove_driver(struct pci_device *removed)
{
	(void)removed;
	removes++;
}

static const struct pci_id ids[] = {
	{0x1f02, 0x0001, 0, 0},
	{0x7777, PCI_ANY_ID, 0, 0},
	{PCI_ANY_ID, PCI_ANY_ID, 0x0c0330, 0xffffff},
	{0, 0, 0, 0},
};
static const struct pci_driver driver = {"test", ids, probe, remove_driver};

TEST(pci_driver, rules_match_by_id_and_by_class)
{
	build(true, false);
	CHECK(pci_driver_matches(&driver, device));
	device->device = 2;
	CHECK(!pci_driver_matches(&driver, device));
	device->vendor = 0x7777;
	CHECK(pci_driver_matches(&driver, device));
	device->vendor = 0x8888;
	CHECK(!pci_driver_matches(&driver, device));
	device->class_code = 0x0c0330;
	CHECK(pci_driver_matches(&driver, device));
	topology_free(t);
}

TEST(pci_driver, failing_probe_leaves_nothing_behind)
{
	build(true, false);
	for (unsigned round = 0; round < HOSTED_VECTORS + 1; round++) {
		probe_error = round % 2 ? -ENODEV : -ENOMEM;
		REQUIRE(pci_driver_bind(&driver, device) == probe_error);
		REQUIRE(!(command() & PCI_COMMAND_MASTER));
	}
	CHECK(!(pci_image_get(function, MSIX_AT + 2, 2) & PCI_MSIX_ENABLE));
	CHECK(device->interrupts == NULL);
	CHECK(device->driver == NULL && device->driver_data == NULL);
	topology_free(t);
}

static struct pci_access_operations glitchy;
static const struct pci_access_operations *sound;
static unsigned reads_left; /* 0: nothing more goes wrong */
static bool dies;           /* for ever, or for one read */

static int glitchy_read(struct pci_access *access, struct pci_address address, unsigned offset,
			unsigned width, uint32_t *value)
{
	int error = sound->read(access, address, offset, width, value);

	if (reads_left > 0 && --reads_left == 0) {
		*value = pci_config_all_ones(width);
		function->dead = dies;
	}
	return error;
}

/* Alive again and switched off, as after a reset; nothing of the driver may be left. */
static void check_nothing_left(unsigned vectors)
{
	REQUIRE(device->driver == NULL && device->driver_name == NULL);
	REQUIRE(device->driver_data == NULL && device->interrupts == NULL);
	REQUIRE(free_vectors() == vectors);
	if (!function->dead) {
		REQUIRE(!(command() & ~(PCI_COMMAND_MEMORY | PCI_COMMAND_NO_INTX)));
		REQUIRE(!(pci_image_get(function, MSIX_AT + 2, 2) & PCI_MSIX_ENABLE));
		REQUIRE(pci_image_get(function, PCI_REG_BAR0, 4) == 0xe000000c);
		REQUIRE(pci_image_get(function, PCI_REG_BAR0 + 4, 4) == 0);
	}
	REQUIRE(table_word(0, 3) == PCI_MSIX_ENTRY_MASK || function->dead);
	function->dead = false;
	pci_image_set(function, PCI_REG_COMMAND, 2, 0);
	pci_image_set(function, MSIX_AT + 2, 2, ENTRIES - 1);
	pci_image_set(function, PCI_REG_BAR0, 4, 0xe000000c);
	pci_image_set(function, PCI_REG_BAR0 + 4, 4, 0);
}

/* Entries as a device has them after a reset. */
static void mask_table(void)
{
	volatile uint8_t *table = mmio_map(phys(BAR_BASE + TABLE_AT), ENTRIES * 16);

	for (unsigned i = 0; i < ENTRIES; i++)
		mmio_write32(table + i * 16 + 12, PCI_MSIX_ENTRY_MASK);
}

/* Each read of a probe shows all ones, then and for ever, or only then. A probe may live
 * through a single one. */
static unsigned fail_each_read(bool for_ever)
{
	unsigned vectors = free_vectors(), failed = 0;

	mask_table();
	dies = for_ever;
	for (unsigned n = 1;; n++) {
		int error;

		reads_left = n;
		error = pci_driver_bind(&driver, device);
		if (reads_left > 0) { /* it needs fewer than n */
			reads_left = 0;
			REQUIRE(error == 0);
			pci_driver_unbind(device);
			check_nothing_left(vectors);
			return failed;
		}
		failed += error != 0;
		if (error == 0)
			pci_driver_unbind(device);
		check_nothing_left(vectors);
	}
}

TEST(pci_driver, probe_leaves_nothing_behind_whichever_read_shows_all_ones)
{
	build(true, false);
	probe_error = 0;
	sound = t->image.access.operations;
	glitchy = *sound;
	glitchy.read = glitchy_read;
	t->image.access.operations = &glitchy;
	CHECK(fail_each_read(false) >= 5);
	CHECK(fail_each_read(true) >= 5);
	t->image.access.operations = sound;
	topology_free(t);
}

/* Command has reserved bits: all ones there is nobody's answer, and would set every bit. */
TEST(pci_driver, command_of_all_ones_is_not_written_back)
{
	struct pci_bar bar;

	build(true, false);
	sound = t->image.access.operations;
	glitchy = *sound;
	glitchy.read = glitchy_read;
	t->image.access.operations = &glitchy;
	dies = false;
	function->writes = 0;
	reads_left = 1;
	CHECK(pci_command_change(device, PCI_COMMAND_MASTER, 0) == -EIO);
	reads_left = 1;
	CHECK(pci_path_enable(device, PCI_COMMAND_MASTER) == -EIO);
	reads_left = 1;
	CHECK(pci_bar_size(device, 0, &bar) == -EIO);
	reads_left = 1;
	CHECK(pci_msix_enable(device) == -EIO);
	CHECK_EQ(function->writes, 0);
	t->image.access.operations = sound;
	topology_free(t);
}

TEST(pci_driver, probe_leaves_nothing_behind_whichever_allocation_fails)
{
	unsigned vectors = free_vectors(), failed = 0;

	build(true, false);
	mask_table();
	probe_error = 0;
	for (unsigned n = 1;; n++) {
		int error;

		fault_arm(n);
		error = pci_driver_bind(&driver, device);
		if (!fault_disarm()) {
			REQUIRE(error == 0);
			break;
		}
		failed++;
		REQUIRE(error != 0);
		check_nothing_left(vectors);
	}
	CHECK(failed >= 1);
	pci_driver_unbind(device);
	topology_free(t);
}

TEST(pci_driver, bound_device_is_quiet_after_removal)
{
	build(true, false);
	probe_error = 0;
	removes = 0;
	CHECK_EQ(pci_driver_bind(&driver, device), 0);
	CHECK(pci_driver_bind(&driver, device) == -EBUSY);
	CHECK(command() & PCI_COMMAND_MASTER);
	CHECK_STR(device->driver_name, "test");
	pci_driver_unbind(device);
	CHECK_EQ(removes, 1);
	CHECK(!(command() & PCI_COMMAND_MASTER));
	CHECK(device->driver == NULL && device->driver_name == NULL);
	pci_driver_unbind(device);
	CHECK_EQ(removes, 1);
	topology_free(t);
}
