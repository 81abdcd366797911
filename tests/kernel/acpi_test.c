// SPDX-License-Identifier: MIT
/*
 * ACPI tables, good and malformed, but those of NUMA (acpi_affinity_test.c).
 */
#include <tests/kernel/acpi_fixture.h>

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
