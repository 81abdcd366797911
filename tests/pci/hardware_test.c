// SPDX-License-Identifier: MIT
/*
 * The back end of real machines against a machine made of memory: an MCFG, an ECAM region in
 * the hosted machine's memory hole, and ports that look at the same or at other registers.
 */
#include <kernel/acpi.h>
#include <kernel/boot_info.h>
#include <pci/hardware.h>
#include <platform/hosted/hosted.h>
#include <platform/memory.h>
#include <platform/mmu.h>
#include <string.h>
#include <tests/kernel/text_sink.h>
#include <tests/pci/topology.h>
#include <tests/test.h>

#define ECAM_BASE  UINT64_C(0xd0000000)
#define ECAM_BUSES 2u
#define TABLES     UINT64_C(0xcff00000)
#define RSDP       0u
#define XSDT       0x100u
#define MCFG       0x200u

static uint32_t ports_id;
static unsigned port_accesses;

static uint32_t ports_read(unsigned bus, unsigned devfn, unsigned offset, unsigned width)
{
	port_accesses++;
	return bus == 0 && devfn == 0 && offset == 0 ? ports_id : pci_config_all_ones(width);
}

static void ports_write(unsigned bus, unsigned devfn, unsigned offset, unsigned width,
			uint32_t value)
{
	(void)bus, (void)devfn, (void)offset, (void)width, (void)value;
	port_accesses++;
}

static const struct hosted_pci_ports ports = {ports_read, ports_write};

static const void *view(struct phys p, uint64_t size)
{
	return p.addr >= TABLES && p.addr + size <= TABLES + PAGE_SIZE ? phys_to_virt(p) : NULL;
}

static void set_checksum(uint8_t *bytes, size_t size, size_t at)
{
	uint8_t sum = 0;

	bytes[at] = 0;
	for (size_t i = 0; i < size; i++)
		sum = (uint8_t)(sum + bytes[i]);
	bytes[at] = (uint8_t)-sum;
}

static void put_header(uint8_t *table, const char *signature, uint32_t length)
{
	memcpy(table, signature, 4);
	le32_store(table + 4, length);
	table[8] = 1;
	set_checksum(table, length, 9);
}

/* The one that the tests run on. */
static struct boot_info *machine;

/* Tables with one MCFG entry for the ECAM region; the region with a host bridge in it. */
static void build(uint32_t ecam_id, const struct hosted_pci_ports *plugged)
{
	uint8_t *tables = phys_to_virt(phys(TABLES));
	uint8_t *ecam = phys_to_virt(phys(ECAM_BASE));
	static struct boot_info info;

	memset(tables, 0, PAGE_SIZE);
	memset(ecam, 0xff, ECAM_BUSES << 20);
	le32_store(ecam, ecam_id);
	memcpy(tables + RSDP, "RSD PTR ", 8);
	tables[RSDP + 15] = 2;
	le32_store(tables + RSDP + 20, 36);
	le64_store(tables + RSDP + 24, TABLES + XSDT);
	set_checksum(tables + RSDP, 20, 8);
	set_checksum(tables + RSDP, 36, 32);
	le64_store(tables + XSDT + 36, TABLES + MCFG);
	put_header(tables + XSDT, "XSDT", 44);
	le64_store(tables + MCFG + 44, ECAM_BASE);
	tables[MCFG + 55] = ECAM_BUSES - 1;
	put_header(tables + MCFG, "MCFG", 60);
	CHECK_EQ(acpi_load(phys(TABLES + RSDP), view), 1);
	info = (struct boot_info){0};
	if (boot_info != &info)
		machine = boot_info;
	boot_info = &info;
	hosted_pci_set_ports(plugged);
	port_accesses = 0;
}

static void forget(void)
{
	acpi_load(phys(0), view);
	hosted_pci_set_ports(NULL);
	boot_info = machine;
}

TEST(pci_hardware, ecam_is_used_when_the_ports_agree)
{
	struct pci_access *access;
	uint32_t value;

	build(0x29c08086, &ports);
	ports_id = 0x29c08086;
	access = pci_hardware_access();
	REQUIRE(access != NULL);
	CHECK_EQ(port_accesses, 1);
	CHECK_STR(pci_hardware_description(),
		  "ECAM segment 0 bus 00-01 (checked against CF8/CFC)");
	CHECK_EQ(pci_config_read(access, pci_address(0, 0, 0, 0), 2, 2, &value), 0);
	CHECK_EQ(value, 0x29c0);
	CHECK_EQ(pci_config_write(access, pci_address(0, 1, 2, 3), 0xffc, 4, 0x12345678), 0);
	CHECK_EQ(le32_load((uint8_t *)phys_to_virt(phys(ECAM_BASE)) +
			   (1u << 20 | 2u << 15 | 3u << 12 | 0xffc)),
		 0x12345678);
	CHECK_EQ(port_accesses, 1);
	forget();
}

TEST(pci_hardware, A_T45_buses_outside_ecam_have_256_bytes_through_ports)
{
	struct pci_access *access;
	struct pci_address outside = pci_address(0, 2, 0, 0);
	uint32_t value;

	build(0x29c08086, &ports);
	ports_id = 0x29c08086;
	access = pci_hardware_access();
	REQUIRE(access != NULL);
	CHECK_EQ(pci_config_read(access, outside, 0xfc, 4, &value), 0);
	CHECK_EQ(port_accesses, 2);
	CHECK(pci_config_read(access, outside, 0x100, 4, &value) != 0);
	CHECK_EQ(value, 0xffffffff);
	CHECK(pci_config_read(access, pci_address(1, 0, 0, 0), 0, 4, &value) != 0);
	CHECK_EQ(port_accesses, 2);
	forget();
}

TEST(pci_hardware, ecam_of_another_board_is_not_used)
{
	struct pci_access *access;
	uint32_t value;

	build(0x11112222, &ports);
	ports_id = 0x29c08086;
	access = pci_hardware_access();
	REQUIRE(access != NULL);
	CHECK_EQ(pci_config_read(access, pci_address(0, 0, 0, 0), 0, 4, &value), 0);
	CHECK_EQ(value, 0x29c08086);
	CHECK_STR(pci_hardware_description(),
		  "ports CF8/CFC, first 256 bytes of each function");
	forget();
}

static void put_entry(unsigned index, uint64_t base, unsigned segment, unsigned first,
		      unsigned last)
{
	uint8_t *mcfg = (uint8_t *)phys_to_virt(phys(TABLES)) + MCFG;
	uint8_t *entry = mcfg + 44 + 16 * index;

	le64_store(entry, base);
	le16_store(entry + 8, (uint16_t)segment);
	entry[10] = (uint8_t)first;
	entry[11] = (uint8_t)last;
	put_header(mcfg, "MCFG", 44 + 16 * (index + 1));
}

/* The messages of a start on a machine whose tables have changed. */
static const char *restart(struct pci_access **access)
{
	CHECK_EQ(acpi_load(phys(TABLES + RSDP), view), 1);
	text_sink_open();
	*access = pci_hardware_access();
	return text_sink_close();
}

TEST(pci_hardware, A_T53_address_counts_from_bus_0_whatever_the_first_bus)
{
	struct pci_access *access;
	uint32_t value;

	build(0x29c08086, NULL);
	put_entry(0, ECAM_BASE - MIB(0x40), 0, 0x40, 0x41);
	CHECK_STR(restart(&access), "");
	REQUIRE(access != NULL);
	CHECK_EQ(pci_config_read(access, pci_address(0, 0x40, 0, 0), 0, 4, &value), 0);
	CHECK_EQ(value, 0x29c08086);
	CHECK(pci_config_read(access, pci_address(0, 0x3f, 0, 0), 0, 4, &value) != 0);
	CHECK(pci_config_read(access, pci_address(0, 0x42, 0, 0), 0, 4, &value) != 0);
	CHECK(pci_config_read(access, pci_address(1, 0x40, 0, 0), 0, 4, &value) != 0);
	forget();
}

TEST(pci_hardware, A_T53_truncated_entry_is_reported)
{
	uint8_t *mcfg = (uint8_t *)phys_to_virt(phys(TABLES)) + MCFG;
	struct pci_access *access;

	build(0x29c08086, NULL);
	put_header(mcfg, "MCFG", 60 + 15);
	CHECK(strstr(restart(&access), "MCFG ends inside an entry"));
	REQUIRE(access != NULL);
	CHECK_STR(pci_hardware_description(), "ECAM segment 0 bus 00-01");
	put_header(mcfg, "MCFG", 40);
	CHECK(strstr(restart(&access), "MCFG ends inside an entry"));
	CHECK(access == NULL);
	forget();
}

TEST(pci_hardware, A_T53_entries_not_to_be_believed_are_left_out_with_a_reason)
{
	struct boot_range ram = {.start = {ECAM_BASE + MIB(8)}, .size = MIB(1)};
	struct pci_access *access;
	const char *text;

	build(0x29c08086, NULL);
	boot_info->ranges = &ram;
	boot_info->range_count = 1;
	put_entry(1, 0, 1, 0, 0xff);
	put_entry(2, ECAM_BASE + MIB(2), 2, 8, 7);
	put_entry(3, ECAM_BASE + MIB(7), 3, 0, 1);
	put_entry(4, ECAM_BASE + MIB(2), 0, 1, 2);
	put_entry(5, ECAM_BASE + MIB(2), 0, 2, 3);
	text = restart(&access);
	CHECK(strstr(text, "segment 1 bus 00-ff, is ignored: it has address 0"));
	CHECK(strstr(text, "segment 2 bus 08-07, is ignored: it ends before its first bus"));
	CHECK(strstr(text, "segment 3 bus 00-01, is ignored: it lies in RAM"));
	CHECK(strstr(text, "bus 01-02, is ignored: an entry before it has the same buses"));
	CHECK(!strstr(text, "bus 02-03"));
	REQUIRE(access != NULL);
	CHECK_EQ(access->operations->space(access, pci_address(0, 3, 0, 0)), 4096);
	CHECK_EQ(access->operations->space(access, pci_address(3, 0, 0, 0)), 0);
	forget();
}

TEST(pci_hardware, more_entries_than_kept_are_reported)
{
	struct pci_access *access;

	build(0x29c08086, NULL);
	for (unsigned i = 0; i < 18; i++)
		put_entry(i, ECAM_BASE, i, 0, 0);
	CHECK(strstr(restart(&access), "segment 16 bus 00-00, is ignored: there are more"));
	REQUIRE(access != NULL);
	CHECK_EQ(access->operations->space(access, pci_address(15, 0, 0, 0)), 4096);
	CHECK_EQ(access->operations->space(access, pci_address(16, 0, 0, 0)), 0);
	forget();
}

TEST(pci_hardware, entries_of_one_segment_become_one_range)
{
	struct pci_access *access;
	struct pci_bus_range range;
	uint32_t value;

	build(0x29c08086, NULL);
	put_entry(1, ECAM_BASE + MIB(2), 1, 0, 0);
	put_entry(2, ECAM_BASE, 0, 4, 5);
	REQUIRE(acpi_load(phys(TABLES + RSDP), view) == 1);
	le32_store((uint8_t *)phys_to_virt(phys(ECAM_BASE)) + MIB(2), 0x11112222);
	access = pci_hardware_access();
	REQUIRE(access != NULL);
	REQUIRE(access->operations->range(access, 0, &range));
	CHECK_EQ(range.segment, 0);
	CHECK_EQ(range.first, 0);
	CHECK_EQ(range.last, 0xff);
	REQUIRE(access->operations->range(access, 1, &range));
	CHECK_EQ(range.segment, 1);
	CHECK(!access->operations->range(access, 2, &range));
	CHECK_EQ(pci_config_read(access, pci_address(1, 0, 0, 0), 0, 4, &value), 0);
	CHECK_EQ(value, 0x11112222);
	CHECK(pci_config_read(access, pci_address(0, 3, 0, 0), 0, 4, &value) != 0);
	forget();
}

TEST(pci_hardware, machine_without_ports_scans_the_buses_of_its_ecam)
{
	struct pci_access *access;
	struct pci_bus_range range;

	build(0x29c08086, NULL);
	access = pci_hardware_access();
	REQUIRE(access != NULL);
	REQUIRE(access->operations->range(access, 0, &range));
	CHECK_EQ(range.segment, 0);
	CHECK_EQ(access->operations->space(access, pci_address(0, ECAM_BUSES, 0, 0)), 0);
	CHECK(!access->operations->range(access, 1, &range));
	forget();
	CHECK(pci_hardware_access() == NULL);
}
