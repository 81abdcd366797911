// SPDX-License-Identifier: MIT
/*
 * What drivers get below two levels of switches, on the machine of tests/machines/deep.conf:
 * behind the BARs that firmware or pci/assign.c placed are the registers of the right devices,
 * they reach memory, and their messages arrive. Then every way a probe can fail on real
 * registers. On any other machine these tests say SKIP.
 */
#include <errno.h>
#include <kernel/acpi.h>
#include <kernel/bits.h>
#include <kernel/fault.h>
#include <pci/bar.h>
#include <pci/intx.h>
#include <pci/regs.h>
#include <platform/barrier.h>
#include <platform/clock.h>
#include <platform/irq.h>
#include <platform/mmu.h>
#include <stdatomic.h>
#include <string.h>
#include <tests/target/e1000e_driver.h>
#include <tests/target/nvme_driver.h>
#include <tests/test.h>

#define BRIDGES_ABOVE 5
/* As deep.conf has them. */
#define SERIAL        "quire-deep"
static const uint8_t station[6] = {0x52, 0x54, 0x00, 0x51, 0x52, 0x45};

static unsigned bridges_above(const struct pci_device *device)
{
	unsigned count = 0;

	while ((device = device->parent))
		count++;
	return count;
}

/* The function that these rules are for, below two switches. */
static struct pci_device *find(const struct pci_id *ids)
{
	const struct pci_driver rules = {.ids = ids};
	struct pci_device *device;

	pci_for_each_device (device, &pci_fabric) {
		if (!device->physical_function && bridges_above(device) == BRIDGES_ABOVE &&
		    pci_driver_matches(&rules, device))
			return device;
	}
	SKIP("this is not the machine of tests/machines/deep.conf");
}

static unsigned free_vectors(void)
{
	static struct irq_vector taken[256];
	unsigned count = 0;

	while (count < ARRAY_SIZE(taken) &&
	       irq_vector_alloc(0, (irq_handler_fn *)irq_vector_free, NULL, &taken[count]) == 0)
		count++;
	for (unsigned i = 0; i < count; i++)
		irq_vector_free(&taken[i]);
	return count;
}

/* The binding has forgotten the driver, and the function sends nothing. */
static void check_quiet(const struct pci_device *device, unsigned vectors)
{
	REQUIRE(!device->driver && !device->driver_name && !device->driver_data);
	REQUIRE(!device->interrupts && !device->intx);
	REQUIRE(!(pci_get(device, PCI_REG_COMMAND, 2) & PCI_COMMAND_MASTER));
	if (device->msix)
		REQUIRE(!(pci_get(device, device->msix + PCI_MSI_CONTROL, 2) &
			  PCI_MSIX_ENABLE));
	if (device->msi)
		REQUIRE(!(pci_get(device, device->msi + PCI_MSI_CONTROL, 2) & PCI_MSI_ENABLE));
	REQUIRE(test_check_equal(free_vectors(), vectors, __FILE__, __LINE__, "vectors"));
}

/* It decodes, masters the bus, and so does every bridge on the way. */
static void check_path(const struct pci_device *device)
{
	struct pci_bar bar;

	REQUIRE(pci_bar_read(device, 0, &bar) == 0);
	CHECK(bar.base != 0);
	for (; device; device = device->parent)
		CHECK_EQ(pci_get(device, PCI_REG_COMMAND, 2) &
				 (PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER),
			 PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
}

TEST(pci_deep, disk_controller_names_itself_by_polling_and_by_interrupt)
{
	struct pci_device *device = find(nvme_driver.ids);
	unsigned vectors = free_vectors();

	for (unsigned round = 0; round < 2; round++) {
		struct nvme *nvme;

		REQUIRE(pci_driver_bind(&nvme_driver, device) == 0);
		nvme = device->driver_data;
		CHECK_STR(nvme->serial, SERIAL);
		CHECK(nvme->version >= 0x00010000);
		CHECK_EQ(nvme->polled, 1);
		CHECK_EQ(nvme->sent, 1);
		CHECK_EQ(nvme->interrupts, 1);
		check_path(device);
		for (unsigned i = 0; i < 8; i++)
			CHECK_EQ(nvme_identify(nvme), 0);
		CHECK_STR(nvme->serial, SERIAL);
		CHECK_EQ(nvme->interrupts, 9);
		pci_driver_unbind(device);
		check_quiet(device, vectors);
	}
}

static void use_card(struct pci_device *device, unsigned messages)
{
	unsigned vectors = free_vectors();
	struct e1000e *card;

	REQUIRE(pci_driver_bind(&e1000e_driver, device) == 0);
	card = device->driver_data;
	CHECK(memcmp(card->address, station, sizeof(station)) == 0);
	CHECK(card->status & E1000E_STATUS_LINK);
	CHECK_EQ(card->messages, messages);
	CHECK(card->interrupts >= 1); /* QEMU's card throttles, and may send one again */
	CHECK_EQ(e1000e_interrupt(card), 0);
	CHECK(card->interrupts >= 2);
	check_path(device);
	pci_driver_unbind(device);
	check_quiet(device, vectors);
}

TEST(pci_deep, network_card_shows_its_address_and_interrupts_by_msix)
{
	struct pci_device *device = find(e1000e_driver.ids);

	use_card(device, 5);
}

/* The same card as one that has no MSI-X. */
TEST(pci_deep, network_card_interrupts_by_msi)
{
	struct pci_device *device = find(e1000e_driver.ids);
	uint16_t msix = device->msix;

	REQUIRE(device->msi != 0);
	device->msix = 0;
	use_card(device, 1);
	device->msix = msix;
}

/* And as one that has neither: the pin, through two switches, on the line firmware routed. */
TEST(pci_deep, network_card_interrupts_by_its_line)
{
	struct pci_device *device = find(e1000e_driver.ids);
	uint16_t msix = device->msix, msi = device->msi;

	if (pci_intx_connect(device, (irq_handler_fn *)pci_intx_disconnect, NULL) == -ENODEV)
		SKIP("firmware gave the card no line");
	pci_intx_disconnect(device); /* the line has its vector now, and keeps it */
	device->msix = device->msi = 0;
	use_card(device, 0);
	device->msix = msix;
	device->msi = msi;
}

/* QEMU wants each function's own memory bit as well, which PCI Express reserves. */
static void virtual_functions_switch(const struct pci_device *pf, bool on)
{
	struct pci_address vf = pf->address;

	REQUIRE(pci_write16(pf, pf->sriov + PCI_SRIOV_CONTROL, 0) == 0);
	REQUIRE(pci_write16(pf, pf->sriov + PCI_SRIOV_COUNT, on ? 2 : 0) == 0);
	if (!on)
		return;
	REQUIRE(pci_write16(pf, pf->sriov + PCI_SRIOV_CONTROL,
			    PCI_SRIOV_ENABLE | PCI_SRIOV_MEMORY) == 0);
	for (vf.devfn++; vf.devfn < pf->address.devfn + 3; vf.devfn++)
		REQUIRE(pci_config_write(pf->fabric->access, vf, PCI_REG_COMMAND, 2,
					 PCI_COMMAND_MEMORY) == 0);
}

/*
 * Both virtual functions, each in its part of what was placed for all. QEMU's are offline until
 * the controller is told otherwise: all their registers read 0 but one, which says "failed".
 */
TEST(pci_deep, virtual_functions_answer_where_they_were_placed)
{
	const unsigned status = 0x1c, failed = 0x2;
	struct pci_device *pf = find(nvme_driver.ids);
	volatile uint8_t *registers[2];
	uint32_t low, high;
	struct pci_bar bar;
	uint64_t base;

	REQUIRE(pf->sriov != 0);
	REQUIRE(pci_read32(pf, pf->sriov + PCI_SRIOV_BAR0, &low) == 0);
	REQUIRE(pci_read32(pf, pf->sriov + PCI_SRIOV_BAR0 + 4, &high) == 0);
	base = (uint64_t)high << 32 | (low & PCI_BAR_MEMORY_MASK);
	if (!pci_fabric.renumbered && base == 0)
		SKIP("firmware placed the BARs, but not those of virtual functions");
	REQUIRE(base != 0);
	REQUIRE(pci_bar_measure(pf, pf->sriov + PCI_SRIOV_BAR0, true, &bar) == 0);
	REQUIRE(pci_path_enable(pf->parent, PCI_COMMAND_MEMORY) == 0);
	for (unsigned n = 0; n < 2; n++) {
		registers[n] = mmio_map(phys(base + n * bar.size), PAGE_SIZE);
		REQUIRE(registers[n] != NULL);
		CHECK(mmio_read32(registers[n] + status) != failed);
	}
	virtual_functions_switch(pf, true);
	CHECK_EQ(mmio_read32(registers[0] + status), failed);
	CHECK_EQ(mmio_read32(registers[1] + status), failed);
	virtual_functions_switch(pf, false);
}

#ifdef QUIRE_TEST_HOOKS

#define ALL_READS          4000 /* more than any probe makes */
#define REG_BRIDGE_CONTROL 0x3e
#define BRIDGE_RESET       0x40

/* virtio's entropy source */
static const struct pci_id entropy_ids[] = {{0x1af4, 0x1044, 0, 0}, {0, 0, 0, 0}};

/* One function whose registers are watched. */
static struct {
	uint64_t config;
	struct {
		uint64_t start, size;
	} bars[6];
	_Atomic unsigned left; /* reads until one shows all ones; 0: none will */
	bool dies;             /* from then on all do, and writes are lost */
	_Atomic bool fired;
} watch;

static bool is_watched(const volatile void *addr)
{
	uint64_t at = mmio_physical(addr);

	if (at == 0)
		return false;
	if (at - watch.config < PCI_SPACE_EXPRESS)
		return true;
	for (unsigned i = 0; i < ARRAY_SIZE(watch.bars); i++) {
		if (at - watch.bars[i].start < watch.bars[i].size)
			return true;
	}
	return false;
}

static uint64_t watched_read(const volatile void *addr, uint64_t value)
{
	if (!is_watched(addr))
		return value;
	if (atomic_load(&watch.fired))
		return watch.dies ? UINT64_MAX : value;
	if (atomic_load(&watch.left) == 0 || atomic_fetch_sub(&watch.left, 1) != 1)
		return value;
	atomic_store(&watch.fired, true);
	return UINT64_MAX;
}

static bool watched_write(const volatile void *addr)
{
	return !(watch.dies && atomic_load(&watch.fired) && is_watched(addr));
}

static const struct mmio_spy spy = {watched_read, watched_write};

static void watch_begin(const struct pci_device *device)
{
	struct acpi_ecam ecam;
	size_t cursor = 0;

	if (!acpi_ecam_next(&cursor, &ecam))
		SKIP("no ECAM: configuration space is not read by moves");
	memset(&watch, 0, sizeof(watch));
	watch.config =
		ecam.base.addr + ((uint64_t)pci_address_routing_id(device->address) << 12);
	for (unsigned i = 0; i < ARRAY_SIZE(watch.bars); i++) {
		struct pci_bar bar;

		if (pci_bar_size(device, i, &bar) != 0 || bar.base == 0)
			continue;
		watch.bars[i].start = bar.base;
		watch.bars[i].size = bar.size;
	}
	atomic_store(&mmio_spy, &spy);
}

/* The n-th read from now on; true at the end if there were as many. */
static void watch_arm(unsigned n, bool dies)
{
	watch.dies = dies;
	atomic_store(&watch.fired, false);
	atomic_store(&watch.left, n);
}

static bool watch_disarm(void)
{
	bool fired = atomic_load(&watch.fired);

	atomic_store(&watch.left, 0);
	atomic_store(&watch.fired, false);
	return fired;
}

/* The port above resets the function that came back; firmware would set its BARs again. */
static void revive(const struct pci_device *device, const uint32_t header[6])
{
	REQUIRE(pci_write16(device->parent, REG_BRIDGE_CONTROL, BRIDGE_RESET) == 0);
	clock_delay_ns(NSEC_PER_MSEC);
	REQUIRE(pci_write16(device->parent, REG_BRIDGE_CONTROL, 0) == 0);
	clock_delay_ns(NSEC_PER_MSEC);
	for (unsigned i = 0; i < 6; i++)
		REQUIRE(pci_write32(device, PCI_REG_BAR0 + 4 * i, header[i]) == 0);
}

static void read_header(const struct pci_device *device, uint32_t header[6])
{
	for (unsigned i = 0; i < 6; i++)
		header[i] = pci_get(device, PCI_REG_BAR0 + 4 * i, 4);
}

static void check_header(const struct pci_device *device, const uint32_t header[6])
{
	for (unsigned i = 0; i < 6; i++)
		REQUIRE(pci_get(device, PCI_REG_BAR0 + 4 * i, 4) == header[i]);
}

/* Each read of the probe, of configuration space or of a BAR, shows all ones; how many were
 * there. A probe may live through one of them. */
static unsigned fail_each_read(const struct pci_driver *driver, struct pci_device *device,
			       bool dies)
{
	unsigned vectors = free_vectors(), n = 1;
	uint32_t header[6];
	bool fired;

	read_header(device, header);
	watch_begin(device);
	do {
		int error;

		watch_arm(n++, dies);
		error = pci_driver_bind(driver, device);
		fired = watch_disarm();
		REQUIRE(fired || error == 0);
		if (error == 0)
			pci_driver_unbind(device);
		if (fired && dies)
			revive(device, header);
		check_header(device, header);
		check_quiet(device, vectors);
	} while (fired && n < ALL_READS);
	atomic_store(&mmio_spy, NULL);
	CHECK(!fired);
	return n - 2;
}

static unsigned fail_each_allocation(const struct pci_driver *driver, struct pci_device *device)
{
	unsigned vectors = free_vectors(), failed = 0;

	for (unsigned n = 1;; n++) {
		int error;

		fault_arm(n);
		error = pci_driver_bind(driver, device);
		if (!fault_disarm()) {
			REQUIRE(error == 0);
			pci_driver_unbind(device);
			return failed;
		}
		failed++;
		if (error == 0)
			pci_driver_unbind(device);
		check_quiet(device, vectors);
	}
}

TEST(pci_deep, probe_of_the_disk_controller_leaves_nothing_behind)
{
	struct pci_device *device = find(nvme_driver.ids);

	CHECK(fail_each_allocation(&nvme_driver, device) >= 3);
	CHECK(fail_each_read(&nvme_driver, device, false) >= 25);
	CHECK(fail_each_read(&nvme_driver, device, true) >= 25);
	CHECK_EQ(pci_driver_bind(&nvme_driver, device), 0);
	pci_driver_unbind(device);
}

TEST(pci_deep, probe_of_the_network_card_leaves_nothing_behind)
{
	struct pci_device *device = find(e1000e_driver.ids);

	CHECK(fail_each_allocation(&e1000e_driver, device) >= 2);
	CHECK(fail_each_read(&e1000e_driver, device, false) >= 20);
	CHECK(fail_each_read(&e1000e_driver, device, true) >= 20);
	CHECK_EQ(pci_driver_bind(&e1000e_driver, device), 0);
	pci_driver_unbind(device);
}

/* A device that is dead for good keeps what it was told of: that is another test's. */
TEST(pci_deep, probe_of_the_entropy_source_leaves_nothing_behind)
{
	struct pci_device *device = find(entropy_ids);
	const struct pci_driver *driver = device->driver;

	REQUIRE(driver != NULL);
	pci_driver_unbind(device);
	/* Where there is no memory for MSI-X a driver takes the line, whose vector stays. */
	if (pci_intx_connect(device, (irq_handler_fn *)pci_intx_disconnect, NULL) == 0)
		pci_intx_disconnect(device);
	CHECK(fail_each_allocation(driver, device) >= 3);
	CHECK(fail_each_read(driver, device, false) >= 100);
	CHECK_EQ(pci_driver_bind(driver, device), 0);
}

#endif
