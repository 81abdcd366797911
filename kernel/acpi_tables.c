// SPDX-License-Identifier: MIT
/*
 * The lists inside MADT, SRAT, SLIT and MCFG. Every entry says how long it is: one that is too
 * short for its type is skipped, one that leaves the table ends the walk, and a length of 0
 * cannot stop it from getting on.
 */
#include "acpi_internal.h"

#include <kernel/log.h>

#define MADT_LOCAL_APIC  36
#define MADT_ENTRIES     44u
#define SRAT_ENTRIES     48u
#define MCFG_ENTRIES     44u
#define MCFG_ENTRY_SIZE  16u
#define SLIT_COUNT       36
#define SLIT_ENTRIES     44u
/* Of a domain to itself, by definition; of two that the firmware does not tell. */
#define DISTANCE_LOCAL   10u
#define DISTANCE_ASSUMED 20u

/* MADT entry types. */
enum {
	MADT_CPU = 0,
	MADT_IO_APIC = 1,
	MADT_OVERRIDE = 2,
	MADT_LOCAL_NMI = 4,
	MADT_LOCAL_APIC_ADDRESS = 5,
	MADT_X2APIC_CPU = 9,
	MADT_X2APIC_NMI = 10,
};

/* SRAT entry types. */
enum { SRAT_CPU = 0, SRAT_MEMORY = 1, SRAT_X2APIC_CPU = 2 };

#define CPU_ENABLED        BIT(0)
#define CPU_ONLINE_CAPABLE BIT(1)
#define AFFINITY_ENABLED   BIT(0)
#define MEMORY_HOT_PLUG    BIT(1)
#define MEMORY_PERSISTENT  BIT(2)

/* Interrupt flags of MPS: 0 conforms to the bus, 1 high or edge, 3 low or level. */
#define INTERRUPT_POLARITY 0x3u
#define INTERRUPT_LOW      0x3u
#define INTERRUPT_TRIGGER  0xcu
#define INTERRUPT_LEVEL    0xcu

/*
 * Next (type, length) entry of a table whose type is one of two; *cursor is an offset behind
 * the table's fixed part. `minimum` is the length that entry types need.
 */
static const uint8_t *entry_next(const char *signature, size_t entries, size_t *cursor,
				 uint8_t type_a, size_t minimum_a, uint8_t type_b,
				 size_t minimum_b)
{
	size_t length;
	const uint8_t *table = acpi_table_find(signature, 0, &length);

	if (!table)
		return NULL;
	for (size_t at = entries + *cursor; at <= length && length - at >= 2;) {
		const uint8_t *entry = table + at;
		size_t size = entry[1];

		if (size < 2 || size > length - at)
			break;
		at += size;
		*cursor = at - entries;
		if ((entry[0] == type_a && size >= minimum_a) ||
		    (entry[0] == type_b && size >= minimum_b))
			return entry;
	}
	*cursor = length;
	return NULL;
}

bool acpi_cpu_next(size_t *cursor, struct acpi_cpu *cpu)
{
	const uint8_t *entry =
		entry_next("APIC", MADT_ENTRIES, cursor, MADT_CPU, 8, MADT_X2APIC_CPU, 16);

	if (!entry)
		return false;
	bool large = entry[0] == MADT_X2APIC_CPU;
	uint32_t flags = le32_load(entry + (large ? 8 : 4));
	cpu->apic_id = large ? le32_load(entry + 4) : entry[3];
	cpu->uid = large ? le32_load(entry + 12) : entry[2];
	cpu->enabled = flags & CPU_ENABLED;
	cpu->online_capable = flags & CPU_ONLINE_CAPABLE;
	return true;
}

bool acpi_io_apic_next(size_t *cursor, struct acpi_io_apic *io_apic)
{
	const uint8_t *entry =
		entry_next("APIC", MADT_ENTRIES, cursor, MADT_IO_APIC, 12, MADT_IO_APIC, 12);

	if (!entry)
		return false;
	io_apic->id = entry[2];
	io_apic->address = phys(le32_load(entry + 4));
	io_apic->line_base = le32_load(entry + 8);
	return true;
}

bool acpi_override_next(size_t *cursor, struct acpi_override *override)
{
	const uint8_t *entry =
		entry_next("APIC", MADT_ENTRIES, cursor, MADT_OVERRIDE, 10, MADT_OVERRIDE, 10);

	if (!entry)
		return false;
	unsigned flags = le16_load(entry + 8);
	override->isa = entry[3];
	override->line = le32_load(entry + 4);
	override->active_low = (flags & INTERRUPT_POLARITY) == INTERRUPT_LOW;
	override->level = (flags & INTERRUPT_TRIGGER) == INTERRUPT_LEVEL;
	return true;
}

bool acpi_local_nmi_next(size_t *cursor, struct acpi_local_nmi *nmi)
{
	const uint8_t *entry = entry_next("APIC", MADT_ENTRIES, cursor, MADT_LOCAL_NMI, 6,
					  MADT_X2APIC_NMI, 12);

	if (!entry)
		return false;
	bool large = entry[0] == MADT_X2APIC_NMI;
	unsigned flags = le16_load(entry + (large ? 2 : 3));
	nmi->uid = large ? le32_load(entry + 4) : entry[2] == 0xff ? ACPI_ALL_CPUS : entry[2];
	nmi->pin = large ? entry[8] : entry[5];
	nmi->active_low = (flags & INTERRUPT_POLARITY) == INTERRUPT_LOW;
	nmi->level = (flags & INTERRUPT_TRIGGER) == INTERRUPT_LEVEL;
	return true;
}

struct phys acpi_local_apic_address(void)
{
	size_t length;
	size_t cursor = 0;
	const uint8_t *madt = acpi_table_find("APIC", 0, &length);

	if (!madt || length < MADT_ENTRIES)
		return phys(0);
	const uint8_t *entry =
		entry_next("APIC", MADT_ENTRIES, &cursor, MADT_LOCAL_APIC_ADDRESS, 12,
			   MADT_LOCAL_APIC_ADDRESS, 12);
	return phys(entry ? le64_load(entry + 4) : le32_load(madt + MADT_LOCAL_APIC));
}

bool acpi_cpu_affinity_next(size_t *cursor, struct acpi_cpu_affinity *affinity)
{
	const uint8_t *entry;

	while ((entry = entry_next("SRAT", SRAT_ENTRIES, cursor, SRAT_CPU, 16, SRAT_X2APIC_CPU,
				   24)) != NULL) {
		bool large = entry[0] == SRAT_X2APIC_CPU;
		uint32_t flags = le32_load(entry + (large ? 12 : 4));

		if (!(flags & AFFINITY_ENABLED))
			continue;
		affinity->apic_id = large ? le32_load(entry + 8) : entry[3];
		/* The short entry's domain lies in two pieces. */
		affinity->domain =
			large ? le32_load(entry + 4)
			      : (uint32_t)(entry[2] | entry[9] << 8 | entry[10] << 16) |
					(uint32_t)entry[11] << 24;
		return true;
	}
	return false;
}

bool acpi_memory_affinity_next(size_t *cursor, struct acpi_memory_affinity *affinity)
{
	const uint8_t *entry;

	while ((entry = entry_next("SRAT", SRAT_ENTRIES, cursor, SRAT_MEMORY, 40, SRAT_MEMORY,
				   40)) != NULL) {
		uint32_t flags = le32_load(entry + 28);

		affinity->start = phys(le64_load(entry + 8));
		affinity->size = le64_load(entry + 16);
		if (!(flags & AFFINITY_ENABLED) || affinity->size == 0 ||
		    affinity->start.addr > UINT64_MAX - affinity->size)
			continue;
		affinity->domain = le32_load(entry + 2);
		affinity->hot_plug = flags & MEMORY_HOT_PLUG;
		affinity->non_volatile = flags & MEMORY_PERSISTENT;
		return true;
	}
	return false;
}

/* Entries of the table of distances; NULL: there is none that its own length bears out. */
static const uint8_t *slit_entries(uint64_t *count)
{
	size_t length;
	const uint8_t *slit = acpi_table_find("SLIT", 0, &length);

	if (!slit || length < SLIT_ENTRIES)
		return NULL;
	*count = le64_load(slit + SLIT_COUNT);
	/* 4096 domains already fill the largest table that is accepted. */
	if (*count > 4096 || *count * *count > length - SLIT_ENTRIES)
		return NULL;
	return slit + SLIT_ENTRIES;
}

/* 10 is the domain itself; what others are said to be must be more. */
static unsigned distance_of(const uint8_t *entries, uint64_t count, uint32_t from, uint32_t to)
{
	unsigned distance = 0;

	if (from == to)
		return DISTANCE_LOCAL;
	if (entries && from < count && to < count)
		distance = entries[from * count + to];
	return distance > DISTANCE_LOCAL ? distance : DISTANCE_ASSUMED;
}

unsigned acpi_distance(uint32_t from, uint32_t to)
{
	uint64_t count = 0;
	const uint8_t *entries = slit_entries(&count);

	return distance_of(entries, count, from, to);
}

/* The first thing wrong with what it says of one pair; NULL: nothing. */
static const char *pair_problem(const uint8_t *entries, uint64_t count, uint32_t from,
				uint32_t to)
{
	if (from >= count || to >= count)
		return "says nothing of";
	if (from == to)
		return entries[from * count + to] == DISTANCE_LOCAL ? NULL : "is not 10 inside";
	if (entries[from * count + to] <= DISTANCE_LOCAL)
		return "has no possible distance for";
	return entries[from * count + to] == entries[to * count + from]
		       ? NULL
		       : "differs by direction for";
}

static void distances_report(const uint32_t *domains, unsigned domain_count)
{
	size_t length;
	uint64_t count = 0;
	const uint8_t *entries = slit_entries(&count);

	if (!acpi_table_find("SLIT", 0, &length))
		return;
	if (!entries) {
		log_warn(
			"acpi: SLIT of %zu bytes is too short for its domains: all other nodes "
			"count as equally far",
			length);
		return;
	}
	for (unsigned i = 0; i < domain_count * domain_count; i++) {
		uint32_t from = domains[i / domain_count], to = domains[i % domain_count];
		const char *problem = pair_problem(entries, count, from, to);

		if (!problem)
			continue;
		log_warn("acpi: SLIT %s domains %u and %u: %u and %u are used", problem, from,
			 to, distance_of(entries, count, from, to),
			 distance_of(entries, count, to, from));
		return;
	}
}

/* An entry that leaves the table ends every walk over it; one that is too short is skipped. */
static void srat_report(void)
{
	static const uint8_t least[] = {
		[SRAT_CPU] = 16, [SRAT_MEMORY] = 40, [SRAT_X2APIC_CPU] = 24};
	size_t length;
	const uint8_t *srat = acpi_table_find("SRAT", 0, &length);
	size_t at = SRAT_ENTRIES;

	while (srat && at < length) {
		size_t size = length - at >= 2 ? srat[at + 1] : 0;

		if (size < 2 || size > length - at) {
			log_warn("acpi: SRAT is malformed at byte %zu of %zu: what follows is "
				 "not used, memory and CPUs it names count as the first node's",
				 at, length);
			return;
		}
		if (srat[at] < ARRAY_SIZE(least) && size < least[srat[at]]) {
			log_warn(
				"acpi: SRAT entry of type %u at byte %zu has %zu bytes, %u are "
				"needed: it is not used, what it names counts as the first "
				"node's",
				srat[at], at, size, least[srat[at]]);
			return;
		}
		at += size;
	}
}

void acpi_affinity_report(const uint32_t *domains, unsigned domain_count)
{
	srat_report();
	if (domain_count > 1)
		distances_report(domains, domain_count);
}

bool acpi_ecam_next(size_t *cursor, struct acpi_ecam *ecam)
{
	size_t length, at = MCFG_ENTRIES + *cursor;
	const uint8_t *mcfg = acpi_table_find("MCFG", 0, &length), *entry;

	if (!mcfg || at + MCFG_ENTRY_SIZE > length)
		return false;
	entry = mcfg + at;
	*cursor += MCFG_ENTRY_SIZE;
	*ecam = (struct acpi_ecam){phys(le64_load(entry)), le16_load(entry + 8), entry[10],
				   entry[11]};
	return true;
}

size_t acpi_ecam_rest(void)
{
	size_t length;

	if (!acpi_table_find("MCFG", 0, &length))
		return 0;
	return length < MCFG_ENTRIES ? length : (length - MCFG_ENTRIES) % MCFG_ENTRY_SIZE;
}
