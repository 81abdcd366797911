// SPDX-License-Identifier: MIT
/*
 * The tables of NUMA, SRAT and SLIT, good and malformed: who is in which domain, and how far
 * they are apart.
 */
#include <kernel/format.h>
#include <mm/node.h>
#include <tests/kernel/acpi_fixture.h>

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
