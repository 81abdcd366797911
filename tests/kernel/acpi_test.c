// SPDX-License-Identifier: MIT
/*
 * ACPI tables built byte by byte, good and malformed. Hosted only: a target's own tables must
 * not be forgotten.
 */
#include <kernel/acpi.h>
#include <kernel/format.h>
#include <mm/node.h>
#include <tests/kernel/text_sink.h>
#include <tests/test.h>

#include <kernel/bits.h>
#include <string.h>

/* Fake physical memory at BASE. The root pointer is its first bytes, then the root tables. */
#define BASE   UINT64_C(0x7fe0000)
#define RSDP   0x0000
#define RSDT   0x0100
#define XSDT   0x0200
#define TABLES 0x0400

static uint8_t memory[0x10000];
static size_t used;
static size_t entries[32];
static unsigned nr_entries;

static const void *view(struct phys p, uint64_t size)
{
	if (p.addr < BASE || p.addr - BASE > sizeof(memory) ||
	    size > sizeof(memory) - (p.addr - BASE))
		return NULL;
	return memory + (p.addr - BASE);
}

static void seal(size_t at, size_t length, size_t checksum)
{
	uint8_t sum = 0;

	memory[at + checksum] = 0;
	for (size_t i = 0; i < length; i++)
		sum = (uint8_t)(sum + memory[at + i]);
	memory[at + checksum] = (uint8_t)-sum;
}

static void put_header(size_t at, const char *signature, size_t length)
{
	memcpy(memory + at, signature, 4);
	le32_store(memory + at + 4, (uint32_t)length);
	memory[at + 8] = 3;
	seal(at, length, 9);
}

static void start(void)
{
	memset(memory, 0, sizeof(memory));
	used = TABLES;
	nr_entries = 0;
}

/* Room for a table; fill it behind the header, then seal_table(). */
static size_t table(const char *signature, size_t length, bool listed)
{
	size_t at = used;

	used += (length + 15) & ~(size_t)15;
	memcpy(memory + at, signature, 4);
	le32_store(memory + at + 4, (uint32_t)length);
	if (listed)
		entries[nr_entries++] = at;
	return at;
}

static void seal_table(size_t at)
{
	char signature[5] = {0};

	memcpy(signature, memory + at, 4);
	put_header(at, signature, le32_load(memory + at + 4));
}

static void put_roots(void)
{
	for (unsigned i = 0; i < nr_entries; i++) {
		le32_store(memory + RSDT + 36 + i * 4, (uint32_t)(BASE + entries[i]));
		le64_store(memory + XSDT + 36 + i * 8, BASE + entries[i]);
	}
	put_header(RSDT, "RSDT", 36 + nr_entries * 4);
	put_header(XSDT, "XSDT", 36 + nr_entries * 8);
	memcpy(memory + RSDP, "RSD PTR ", 8);
	memory[RSDP + 15] = 2;
	le32_store(memory + RSDP + 16, BASE + RSDT);
	le32_store(memory + RSDP + 20, 36);
	le64_store(memory + RSDP + 24, BASE + XSDT);
	seal(RSDP, 20, 8);
	seal(RSDP, 36, 32);
}

static const char *load(void)
{
	text_sink_open();
	acpi_load(phys(BASE + RSDP), view);
	return text_sink_close();
}

static void put_bytes(size_t at, const char *bytes, size_t length)
{
	memcpy(memory + at, bytes, length);
}

static size_t put_madt(void)
{
	static const char body[] =
		"\x00\x00\xe0\xfe\x01\x00\x00\x00"                 /* local APIC, flags */
		"\x00\x08\x00\x00\x01\x00\x00\x00"                 /* CPU 0, id 0 */
		"\x00\x08\x01\x05\x00\x00\x00\x00"                 /* CPU 1, id 5, disabled */
		"\x00\x08\x02\x06\x02\x00\x00\x00"                 /* CPU 2, id 6, may come */
		"\x01\x0c\x00\x00\x00\x00\xc0\xfe\x00\x00\x00\x00" /* IO-APIC */
		"\x02\x0a\x00\x00\x02\x00\x00\x00\x00\x00"         /* IRQ 0 is line 2 */
		"\x02\x0a\x00\x09\x09\x00\x00\x00\x0f\x00"         /* IRQ 9 level low */
		"\x04\x06\xff\x00\x00\x01"                         /* NMI on LINT1 of all */
		"\x09\x10\x00\x00\x44\x33\x22\x11\x01\x00\x00\x00\x07\x00\x00\x00"
		"\x0a\x0c\x07\x00\x07\x00\x00\x00\x01\x00\x00\x00";
	size_t at = table("APIC", 36 + sizeof(body) - 1, true);

	put_bytes(at + 36, body, sizeof(body) - 1);
	seal_table(at);
	return at;
}

TEST(acpi, madt_gives_cpus_of_both_kinds)
{
	struct acpi_cpu cpu;
	size_t cursor = 0;

	start();
	put_madt();
	put_roots();
	CHECK_STR(load(), "");
	CHECK_EQ(acpi_table_count(), 1);
	REQUIRE(acpi_cpu_next(&cursor, &cpu));
	CHECK(cpu.apic_id == 0 && cpu.enabled && !cpu.online_capable);
	REQUIRE(acpi_cpu_next(&cursor, &cpu));
	CHECK(cpu.apic_id == 5 && cpu.uid == 1 && !cpu.enabled);
	REQUIRE(acpi_cpu_next(&cursor, &cpu));
	CHECK(cpu.apic_id == 6 && !cpu.enabled && cpu.online_capable);
	REQUIRE(acpi_cpu_next(&cursor, &cpu));
	CHECK(cpu.apic_id == 0x11223344 && cpu.uid == 7 && cpu.enabled);
	CHECK(!acpi_cpu_next(&cursor, &cpu));
	CHECK(!acpi_cpu_next(&cursor, &cpu));
	CHECK_EQ(acpi_local_apic_address().addr, 0xfee00000);
}

TEST(acpi, madt_gives_interrupt_wiring)
{
	struct acpi_io_apic io_apic;
	struct acpi_override override;
	struct acpi_local_nmi nmi;
	size_t cursor = 0;

	start();
	put_madt();
	put_roots();
	load();
	REQUIRE(acpi_io_apic_next(&cursor, &io_apic));
	CHECK_EQ(io_apic.address.addr, 0xfec00000);
	CHECK(!acpi_io_apic_next(&cursor, &io_apic));
	cursor = 0;
	REQUIRE(acpi_override_next(&cursor, &override));
	CHECK(override.isa == 0 && override.line == 2 && !override.level &&
	      !override.active_low);
	REQUIRE(acpi_override_next(&cursor, &override));
	CHECK(override.isa == 9 && override.line == 9 && override.level && override.active_low);
	cursor = 0;
	REQUIRE(acpi_local_nmi_next(&cursor, &nmi));
	CHECK(nmi.uid == ACPI_ALL_CPUS && nmi.pin == 1 && !nmi.level);
	REQUIRE(acpi_local_nmi_next(&cursor, &nmi));
	CHECK(nmi.uid == 7 && nmi.pin == 1 && nmi.active_low && !nmi.level);
	CHECK(!acpi_local_nmi_next(&cursor, &nmi));
}

TEST(acpi, madt_override_moves_the_local_apics)
{
	start();
	size_t at = table("APIC", 44 + 12, true);
	le32_store(memory + at + 36, 0xfee00000);
	put_bytes(at + 44, "\x05\x0c\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00", 12);
	seal_table(at);
	put_roots();
	load();
	CHECK_EQ(acpi_local_apic_address().addr, UINT64_C(0x300000000));
}

TEST(acpi, entries_of_length_0_or_beyond_the_table_end_the_walk)
{
	struct acpi_cpu cpu;
	size_t cursor = 0;

	start();
	size_t at = table("APIC", 44 + 24, true);
	put_bytes(at + 44, "\x00\x08\x01\x05\x01\x00\x00\x00\x00\x00", 10);
	seal_table(at);
	put_roots();
	load();
	CHECK(acpi_cpu_next(&cursor, &cpu));
	CHECK(!acpi_cpu_next(&cursor, &cpu));
	CHECK(!acpi_cpu_next(&cursor, &cpu));
	memory[at + 53] = 200;
	seal_table(at);
	load();
	cursor = 0;
	CHECK(acpi_cpu_next(&cursor, &cpu));
	CHECK(!acpi_cpu_next(&cursor, &cpu));
	/* Too short for its type, then a good one. */
	put_bytes(at + 52, "\x00\x04\x02\x02\x00\x08\x03\x09\x01\x00\x00\x00", 12);
	seal_table(at);
	load();
	cursor = 0;
	CHECK(acpi_cpu_next(&cursor, &cpu));
	CHECK(acpi_cpu_next(&cursor, &cpu));
	CHECK_EQ(cpu.apic_id, 9);
	cursor = SIZE_MAX - 20;
	CHECK(!acpi_cpu_next(&cursor, &cpu));
}

TEST(acpi, srat_and_slit_give_the_domains)
{
	static const char body[] =
		"\x00\x10\x02\x05\x01\x00\x00\x00\x00\x01\x00\x03\x00\x00\x00\x00"
		"\x00\x10\x02\x06\x00\x00\x00\x00\x00\x01\x00\x03\x00\x00\x00\x00" /* off */
		"\x02\x18\x00\x00\x09\x00\x00\x00\x44\x33\x22\x11\x01\x00\x00\x00"
		"\x00\x00\x00\x00\x00\x00\x00\x00"
		"\x01\x28\x01\x00\x00\x00\x00\x00\x00\x00\x10\x00\x00\x00\x00\x00"
		"\x00\x00\x00\x40\x00\x00\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00"
		"\x00\x00\x00\x00\x00\x00\x00\x00";
	struct acpi_cpu_affinity cpu;
	struct acpi_memory_affinity range;
	size_t cursor = 0;

	start();
	size_t at = table("SRAT", 48 + sizeof(body) - 1, true);
	put_bytes(at + 48, body, sizeof(body) - 1);
	seal_table(at);
	at = table("SLIT", 44 + 4, true);
	memory[at + 36] = 2;
	put_bytes(at + 44, "\x0a\x15\x20\x05", 4);
	seal_table(at);
	put_roots();
	CHECK_STR(load(), "");
	REQUIRE(acpi_cpu_affinity_next(&cursor, &cpu));
	CHECK(cpu.apic_id == 5 && cpu.domain == 0x03000102);
	REQUIRE(acpi_cpu_affinity_next(&cursor, &cpu));
	CHECK(cpu.apic_id == 0x11223344 && cpu.domain == 9);
	CHECK(!acpi_cpu_affinity_next(&cursor, &cpu));
	cursor = 0;
	REQUIRE(acpi_memory_affinity_next(&cursor, &range));
	CHECK(range.start.addr == 0x100000 && range.size == 0x40000000 && range.domain == 1);
	CHECK(range.hot_plug && !range.non_volatile);
	CHECK(!acpi_memory_affinity_next(&cursor, &range));
	CHECK_EQ(acpi_distance(0, 1), 21);
	CHECK_EQ(acpi_distance(1, 0), 32);
	CHECK_EQ(acpi_distance(1, 1), 10); /* 5 is no distance */
	CHECK_EQ(acpi_distance(0, 2), 20);
}

/* A table of two domains with these four entries; what is said about domains 0 to domains - 1.
 */
static const char *distances(const char *matrix, unsigned domains)
{
	static const uint32_t numbers[] = {0, 1, 2};

	start();
	size_t at = table("SLIT", 44 + 4, true);
	memory[at + 36] = 2;
	put_bytes(at + 44, matrix, 4);
	seal_table(at);
	put_roots();
	(void)load();
	text_sink_open();
	acpi_affinity_report(numbers, domains);
	return text_sink_close();
}

TEST(acpi, slit_that_makes_no_sense_is_named_and_a_distance_assumed)
{
	CHECK_STR(distances("\x0a\x15\x15\x0a", 2), "");
	CHECK(strstr(distances("\x0a\x15\x20\x0a", 2), "differs by direction") != NULL);
	CHECK_EQ(acpi_distance(0, 1), 21);
	CHECK_EQ(acpi_distance(1, 0), 32);
	CHECK(strstr(distances("\x0a\x00\x00\x0a", 2), "no possible distance") != NULL);
	CHECK_EQ(acpi_distance(0, 1), 20);
	/* As near as itself: nobody else is. */
	CHECK(strstr(distances("\x0a\x0a\x0a\x0a", 2), "no possible distance") != NULL);
	CHECK_EQ(acpi_distance(1, 0), 20);
	CHECK(strstr(distances("\x05\x15\x15\x0a", 2), "is not 10 inside") != NULL);
	CHECK_EQ(acpi_distance(0, 0), 10);
	CHECK(strstr(distances("\x0a\x15\x15\x0a", 3), "says nothing of domains 0 and 2") !=
	      NULL);
	CHECK_EQ(acpi_distance(0, 2), 20);
}

TEST(acpi, srat_that_ends_inside_an_entry_is_named)
{
	static const uint32_t domain = 1;
	struct acpi_memory_affinity range;
	size_t cursor = 0;

	start();
	size_t at = table("SRAT", 48 + 60, true);
	memory[at + 48] = 1;
	memory[at + 49] = 40;
	memory[at + 48 + 2] = 1;  /* domain */
	memory[at + 48 + 18] = 1; /* 64 KiB */
	memory[at + 48 + 28] = 1; /* in use */
	memory[at + 88] = 1;
	memory[at + 89] = 40; /* of 20 that are left */
	seal_table(at);
	put_roots();
	(void)load();
	CHECK(acpi_memory_affinity_next(&cursor, &range));
	CHECK_EQ(range.domain, domain);
	CHECK(!acpi_memory_affinity_next(&cursor, &range));
	text_sink_open();
	acpi_affinity_report(&domain, 1);
	CHECK(strstr(text_sink_close(), "SRAT is malformed at byte 88 of 108") != NULL);
}

/* Nodes as on a machine that names none. */
static void without_srat(void)
{
	start();
	put_roots();
	(void)load();
	nodes_init(16);
}

static void put_srat(const char *entries_of, size_t length)
{
	start();
	size_t at = table("SRAT", 48 + length, true);
	put_bytes(at + 48, entries_of, length);
	seal_table(at);
	put_roots();
	(void)load();
	text_sink_open();
	nodes_init(16);
}

#define PUT_SRAT(entries_of) put_srat(entries_of, sizeof(entries_of) - 1)

/* Memory of domain 0x03000102 is node 0, that of domain 7 node 1; domain 9 has only a CPU. */
#define SRAT_MEMORY_OF_TWO                                                 \
	"\x01\x28\x02\x01\x00\x03\x00\x00\x00\x00\x10\x00\x00\x00\x00\x00" \
	"\x00\x00\x00\x40\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00" \
	"\x00\x00\x00\x00\x00\x00\x00\x00"                                 \
	"\x01\x28\x07\x00\x00\x00\x00\x00\x00\x00\x10\x50\x00\x00\x00\x00" \
	"\x00\x00\x00\x40\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00" \
	"\x00\x00\x00\x00\x00\x00\x00\x00"

TEST(acpi, srat_names_the_node_of_a_cpu)
{
	PUT_SRAT(SRAT_MEMORY_OF_TWO
		 "\x00\x10\x07\x04\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
		 "\x00\x10\x02\x05\x01\x00\x00\x00\x00\x01\x00\x03\x00\x00\x00\x00"
		 "\x00\x10\x07\x06\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00" /* off */
		 "\x02\x18\x00\x00\x09\x00\x00\x00\x44\x33\x22\x11\x01\x00\x00\x00"
		 "\x00\x00\x00\x00\x00\x00\x00\x00"
		 "\x02\x18\x00\x00\x07\x00\x00\x00\x08\x01\x00\x00\x00\x00\x00\x00" /* off */
		 "\x00\x00\x00\x00\x00\x00\x00\x00"
		 "\x02\x18\x00\x00\x07\x00\x00\x00\x04\x02\x00\x00\x01\x00\x00\x00"
		 "\x00\x00\x00\x00\x00\x00\x00\x00");
	CHECK_STR(text_sink_close(), "");
	CHECK_EQ(node_count(), 3);
	CHECK_EQ(node_of_firmware_cpu(4), 1);
	CHECK_EQ(node_of_firmware_cpu(5), 0);
	CHECK_EQ(node_of_firmware_cpu(6), 0);
	CHECK_EQ(node_of_firmware_cpu(0x11223344), 2);
	CHECK_EQ(node_of_firmware_cpu(0x44), 0); /* not its last byte alone */
	CHECK_EQ(node_of_firmware_cpu(0x108), 0);
	CHECK_EQ(node_of_firmware_cpu(0x204), 1);
	CHECK_EQ(node_of_firmware_cpu(99), 0); /* not named */
	without_srat();
	CHECK_EQ(node_count(), 1);
	CHECK_EQ(node_of_firmware_cpu(4), 0);
}

/* The one behind it counts. */
TEST(acpi, cpu_of_a_short_entry_of_the_srat_belongs_to_node_0)
{
	static const char memory_of_two[] = SRAT_MEMORY_OF_TWO;
	static const struct {
		uint8_t type, size;
	} rows[] = {{0, 15}, {0, 2}, {2, 23}, {1, 39}};
	enum { AT = sizeof(memory_of_two) - 1 };

	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		uint8_t body[AT + 39 + 16] = {0}, *entry = body + AT;
		char expected[80];

		memcpy(body, memory_of_two, AT);
		memset(entry, 7, rows[i].size);
		entry[0] = rows[i].type;
		entry[1] = rows[i].size;
		entry += rows[i].size;
		memcpy(entry, "\x00\x10\x07\x04\x01", 5);
		put_srat((const char *)body, AT + rows[i].size + 16u);
		format(expected, sizeof(expected), "SRAT entry of type %u at byte 128 has %u ",
		       rows[i].type, rows[i].size);
		CHECK(strstr(text_sink_close(), expected) != NULL);
		CHECK_EQ(node_count(), 2);
		CHECK_EQ(node_of_firmware_cpu(7), 0);
		CHECK_EQ(node_of_firmware_cpu(0x07070707), 0);
		CHECK_EQ(node_of_firmware_cpu(4), 1);
	}
	without_srat();
}

/* It leaves the table. */
TEST(acpi, cpus_behind_a_malformed_entry_of_the_srat_belong_to_node_0)
{
	PUT_SRAT(SRAT_MEMORY_OF_TWO
		 "\x00\x10\x07\x04\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
		 "\x00\x20\x07\x05\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00");
	CHECK(strstr(text_sink_close(), "SRAT is malformed at byte 144 of 160") != NULL);
	CHECK_EQ(node_of_firmware_cpu(4), 1);
	CHECK_EQ(node_of_firmware_cpu(5), 0);
	without_srat();
}

TEST(acpi, slit_with_a_wild_count_is_not_used)
{
	start();
	size_t at = table("SLIT", 44 + 4, true);
	le64_store(memory + at + 36, UINT64_C(0x100000001));
	seal_table(at);
	put_roots();
	load();
	CHECK_EQ(acpi_distance(0, 1), 20);
	CHECK_EQ(acpi_distance(3, 3), 10);
	static const uint32_t domains[] = {0, 1};
	text_sink_open();
	acpi_affinity_report(domains, 2);
	CHECK(strstr(text_sink_close(), "too short for its domains") != NULL);
}

TEST(acpi, mcfg_gives_segments)
{
	struct acpi_ecam ecam;
	size_t cursor = 0;

	start();
	size_t at = table("MCFG", 44 + 3 * 16 + 5, true);
	le64_store(memory + at + 44, 0xb0000000);
	memory[at + 55] = 0xff;
	le64_store(memory + at + 60, 0xc0000000); /* first bus behind last bus */
	memory[at + 70] = 9;
	le64_store(memory + at + 76, 0x4000000000);
	le16_store(memory + at + 84, 0x1234);
	memory[at + 86] = 0x20;
	memory[at + 87] = 0x3f;
	seal_table(at);
	put_roots();
	load();
	REQUIRE(acpi_ecam_next(&cursor, &ecam));
	CHECK(ecam.base.addr == 0xb0000000 && ecam.segment == 0 && ecam.last_bus == 0xff);
	REQUIRE(acpi_ecam_next(&cursor, &ecam));
	CHECK(ecam.base.addr == 0xc0000000 && ecam.first_bus == 9 && ecam.last_bus == 0);
	REQUIRE(acpi_ecam_next(&cursor, &ecam));
	CHECK(ecam.base.addr == 0x4000000000 && ecam.segment == 0x1234);
	CHECK(ecam.first_bus == 0x20 && ecam.last_bus == 0x3f);
	CHECK(!acpi_ecam_next(&cursor, &ecam));
	CHECK_EQ(acpi_ecam_rest(), 5);
}

static size_t put_dsdt(const char *code, size_t length)
{
	size_t at = table("DSDT", 36 + length, false);

	put_bytes(at + 36, code, length);
	seal_table(at);
	return at;
}

static size_t put_fadt(size_t length, size_t dsdt)
{
	size_t at = table("FACP", length, true);

	le32_store(memory + at + 40, (uint32_t)(BASE + dsdt));
	le32_store(memory + at + 64, 0x604);
	le32_store(memory + at + 76, 0x608);
	le32_store(memory + at + 112, 1u << 10 | 1u << 8);
	if (length >= 129) {
		put_bytes(at + 116, "\x01\x08\x00\x00\xf9\x0c\x00\x00\x00\x00\x00\x00\x0f", 13);
	}
	seal_table(at);
	return at;
}

static void check_s5(const char *code, size_t length, bool found, unsigned a, unsigned b)
{
	start();
	put_fadt(244, put_dsdt(code, length));
	put_roots();
	load();
	CHECK_EQ(acpi_power()->has_s5, found);
	CHECK_EQ(acpi_power()->s5_type_a, a);
	CHECK_EQ(acpi_power()->s5_type_b, b);
}

#define CHECK_S5(code, found, a, b) check_s5(code, sizeof(code) - 1, found, a, b)

TEST(acpi, s5_numbers_are_found_in_byte_code)
{
	CHECK_S5("\x08_S5_\x12\x06\x04\x00\x00\x00\x00", true, 0, 0);
	CHECK_S5("xx\x08\\_S5_\x12\x08\x04\x0a\x05\x0a\x07\x00\x00", true, 5, 7);
	CHECK_S5("\x08_S5_\x12\x41\x00\x02\x01\x0b\x06\x00", true, 1, 6);
	CHECK_S5("\x08_S5_\x12\x08\x01\x0c\x03\x00\x00\x00", true, 3, 0);
	/* A mention that is no definition, then the definition. */
	CHECK_S5("\x10_S5_\x12\x06\x04\x01\x01\x08_S5_\x12\x06\x04\x02\x01", false, 0, 0);
	CHECK_S5("\x10_S5_\x08_S5_\x12\x06\x04\x01\x01", true, 1, 1);
}

TEST(acpi, cut_off_s5_packages_are_not_read_beyond_the_table)
{
	static const char code[] = "\x08_S5_\x12\x88\x00\x00\x04\x0a\x05\x0a\x07";

	for (size_t length = 0; length < sizeof(code) - 1; length++)
		check_s5(code, length, false, 0, 0);
	check_s5(code, sizeof(code) - 1, true, 5, 7);
	CHECK_S5("\x08_S5_\x12\x06\x00\x01\x01", false, 0, 0);
	CHECK_S5("\x08_S5_\x12\x06\x04\x70\x01", false, 0, 0);
}

TEST(acpi, s5_may_stand_in_an_ssdt)
{
	start();
	put_fadt(244, put_dsdt("nothing", 7));
	size_t at = table("SSDT", 36 + 12, true);
	put_bytes(at + 36, "\x08_S5_\x12\x06\x04\x01\x0a\x02\x00", 12);
	seal_table(at);
	put_roots();
	load();
	CHECK(acpi_power()->has_s5);
	CHECK_EQ(acpi_power()->s5_type_b, 2);
}

TEST(acpi, power_off_plan_for_classic_and_reduced_hardware)
{
	struct acpi_power_off plan;

	start();
	size_t at = put_fadt(256, put_dsdt("\x08_S5_\x12\x06\x02\x01\x00", 10));
	put_roots();
	load();
	REQUIRE(acpi_power_off_plan(&plan));
	CHECK(plan.a.space == ACPI_SPACE_IO && plan.a.address == 0x604 && plan.a.bits == 16);
	CHECK_EQ(plan.value_a, 1u << 10 | 1u << 13 | 1);
	CHECK_EQ(plan.b.address, 0);
	CHECK(acpi_power()->has_reset);
	CHECK_EQ(acpi_power()->reset.address, 0xcf9);
	CHECK_EQ(acpi_power()->reset_value, 0xf);
	CHECK_EQ(acpi_power()->pm_timer.address, 0x608);
	CHECK(acpi_power()->pm_timer_32_bits);
	CHECK(acpi_power()->no_i8042);
	le32_store(memory + at + 112, 1u << 20);
	memory[at + 244] = ACPI_SPACE_MEMORY;
	le64_store(memory + at + 248, 0xfea00000);
	le16_store(memory + at + 109, 2);
	seal_table(at);
	load();
	REQUIRE(acpi_power_off_plan(&plan));
	CHECK(plan.a.space == ACPI_SPACE_MEMORY && plan.a.address == 0xfea00000);
	CHECK_EQ(plan.value_a, 1u << 2 | 1u << 5);
	CHECK(!acpi_power()->has_reset);
	CHECK(!acpi_power()->no_i8042);
	le64_store(memory + at + 248, 0);
	seal_table(at);
	load();
	CHECK(!acpi_power_off_plan(&plan));
}

TEST(acpi, fixed_power_button_and_its_events)
{
	const struct acpi_power *power = acpi_power();

	start();
	size_t at = put_fadt(244, put_dsdt("", 0));
	le16_store(memory + at + 46, 9);
	le32_store(memory + at + 56, 0x600);
	memory[at + 88] = 4;
	le32_store(memory + at + 80, 0x620);
	memory[at + 92] = 16;
	seal_table(at);
	put_roots();
	load();
	CHECK(power->has_power_button && power->sci_line == 9);
	CHECK(power->pm1a_event.space == ACPI_SPACE_IO && power->pm1a_event.address == 0x600);
	CHECK(power->pm1_event_bytes == 4 && power->pm1b_event.address == 0);
	CHECK(power->general_event[0].address == 0x620 && power->general_event_bytes[0] == 16);
	CHECK(power->general_event[1].address == 0 && power->general_event_bytes[1] == 0);
	put_bytes(at + 148, "\x01\x20\x00\x00\x00\xb0\x00\x00\x00\x00\x00\x00", 12);
	put_bytes(at + 220, "\x01\x40\x00\x00\x20\xb0\x00\x00\x00\x00\x00\x00", 12);
	seal_table(at);
	load();
	CHECK(power->has_power_button && power->pm1a_event.address == 0xb000);
	CHECK_EQ(power->general_event[0].address, 0xb020);
	/* A device of AML; no registers; a block too small for two of them. */
	le32_store(memory + at + 112, 1u << 4);
	seal_table(at);
	load();
	CHECK(!power->has_power_button);
	le32_store(memory + at + 112, 1u << 20);
	seal_table(at);
	load();
	CHECK(!power->has_power_button);
	le32_store(memory + at + 112, 0);
	memory[at + 88] = 3;
	seal_table(at);
	load();
	CHECK(!power->has_power_button);
	memory[at + 88] = 4;
	le32_store(memory + at + 56, 0);
	le64_store(memory + at + 152, 0);
	seal_table(at);
	load();
	CHECK(!power->has_power_button);
}

TEST(acpi, extended_fields_of_the_fadt_win)
{
	struct acpi_power_off plan;

	start();
	size_t dsdt = put_dsdt("\x08_S5_\x12\x06\x02\x00\x00", 10);
	size_t other = put_dsdt("\x08_S5_\x12\x06\x02\x01\x01", 10);
	size_t at = put_fadt(244, dsdt);
	le64_store(memory + at + 140, BASE + other);
	put_bytes(at + 172, "\x01\x20\x00\x00\x04\xb0\x00\x00\x00\x00\x00\x00", 12);
	put_bytes(at + 184, "\x01\x20\x00\x00\x04\xb1\x00\x00\x00\x00\x00\x00", 12);
	seal_table(at);
	put_roots();
	load();
	REQUIRE(acpi_power_off_plan(&plan));
	CHECK(plan.a.address == 0xb004 && plan.a.bits == 32 && plan.b.address == 0xb104);
	CHECK_EQ(plan.value_b >> 10 & 7, 1);
}

TEST(acpi, old_or_cut_fadt_has_no_reset)
{
	start();
	put_fadt(116, put_dsdt("", 0));
	put_roots();
	CHECK_STR(load(), "");
	CHECK(acpi_power()->present && !acpi_power()->has_reset && !acpi_power()->has_s5);
	start();
	put_fadt(80, 0);
	put_roots();
	CHECK(strstr(load(), "FADT is only 80 bytes") != NULL);
	CHECK(!acpi_power()->present);
}

TEST(acpi, malformed_tables_are_named_and_ignored)
{
	size_t length;

	start();
	size_t bad = put_madt();
	size_t good = table("MCFG", 60, true);
	seal_table(good);
	entries[nr_entries++] = 0x4000000; /* far outside */
	put_roots();
	memory[bad + 40]++;
	const char *text = load();
	CHECK(strstr(text, "table APIC") && strstr(text, "wrong checksum"));
	CHECK(strstr(text, "lies outside memory") != NULL);
	CHECK_EQ(acpi_table_count(), 1);
	CHECK(acpi_table_find("MCFG", 0, &length) != NULL);
	CHECK_EQ(length, 60);
	CHECK(acpi_table_find("APIC", 0, &length) == NULL);
	char description[64];
	acpi_table_describe(0, description, sizeof(description));
	CHECK_STR(description, "MCFG revision 3, 60 bytes");
}

TEST(acpi, impossible_lengths_are_refused)
{
	start();
	size_t at = put_madt();
	put_roots();
	le32_store(memory + at + 4, 35);
	CHECK(strstr(load(), "impossible length") != NULL);
	le32_store(memory + at + 4, 0x80000000);
	CHECK(strstr(load(), "impossible length") != NULL);
	le32_store(memory + at + 4, 0x100000);
	CHECK(strstr(load(), "runs out of memory") != NULL);
	CHECK_EQ(acpi_table_count(), 0);
}

TEST(acpi, falls_back_to_the_rsdt)
{
	start();
	put_madt();
	put_roots();
	memory[XSDT + 20]++;
	CHECK(strstr(load(), "table XSDT") != NULL);
	CHECK_EQ(acpi_table_count(), 1);
	put_roots();
	memory[RSDP + 30]++; /* extended checksum */
	CHECK(strstr(load(), "second half is malformed") != NULL);
	CHECK_EQ(acpi_table_count(), 1);
	memory[RSDP + 15] = 0;
	seal(RSDP, 20, 8);
	CHECK_STR(load(), "");
	CHECK_EQ(acpi_table_count(), 1);
	memory[RSDT + 20]++;
	CHECK(strstr(load(), "neither XSDT nor RSDT") != NULL);
	CHECK_EQ(acpi_table_count(), 0);
}

TEST(acpi, no_root_pointer_is_a_message)
{
	text_sink_open();
	CHECK_EQ(acpi_load(phys(0), view), 0);
	CHECK(strstr(text_sink_close(), "gave no root pointer") != NULL);
	start();
	put_roots();
	memory[RSDP]++;
	CHECK(strstr(load(), "no valid root pointer") != NULL);
	text_sink_open();
	CHECK_EQ(acpi_load(phys(BASE + sizeof(memory) - 4), view), 0);
	CHECK(strstr(text_sink_close(), "no valid root pointer") != NULL);
	CHECK(!acpi_power()->present);
	CHECK_EQ(acpi_local_apic_address().addr, 0);
	CHECK_EQ(acpi_distance(0, 0), 10);
}

TEST(acpi, thousands_of_table_pointers_are_bounded)
{
	start();
	size_t at = table("MCFG", 44, false);
	seal_table(at);
	for (unsigned i = 0; i < 1000; i++)
		le64_store(memory + 0x2000 + 36 + i * 8, BASE + at);
	put_header(0x2000, "XSDT", 36 + 8000);
	put_roots();
	le64_store(memory + RSDP + 24, BASE + 0x2000);
	seal(RSDP, 36, 32);
	CHECK(strstr(load(), "names 1000 tables") != NULL);
	CHECK_EQ(acpi_table_count(), 96);
}
