// SPDX-License-Identifier: MIT
/*
 * Firmware's ACPI tables, read only and static: signature, length and checksum are checked
 * before anything is believed; a malformed table gives one message and then does not exist. No
 * AML is run. Layouts: ACPI 6.5, chapter 5; MCFG: PCI Firmware Specification 3.3, 4.1.
 *
 * Read by the boot CPU at start; constant afterwards, so every function may be called from
 * anywhere. All xxx_next() walk with a cursor that starts at 0 and end with false.
 */
#ifndef KERNEL_ACPI_H
#define KERNEL_ACPI_H

#include <kernel/attributes.h>
#include <platform/types.h>

/* Pointer to [p, p + size) that stays valid, NULL when that memory cannot be reached. */
typedef const void *acpi_view_fn(struct phys p, uint64_t size);

/* Find all tables from the root pointer (RSDP), through the port's mapping of device memory. No
 * tables (root 0 or unusable) is a message and not an error: one CPU, no NUMA, no ECAM. */
void acpi_init(struct phys root);

/* The same through any view, forgetting what was known: for tests. Number of tables. */
unsigned acpi_load(struct phys root, acpi_view_fn *view);

/* The index-th table with this signature, with its length (header included); NULL: none. */
const void *acpi_table_find(const char *signature, unsigned index, size_t *length);
unsigned acpi_table_count(void);

/* AML code, for those who look for a pattern in it: index 0 is the DSDT, the rest are SSDTs.
 * With its length (header included); NULL: none with this index. */
const void *acpi_code_find(unsigned index, size_t *length);

/* Text for reports: signature, revision and length of table i < acpi_table_count(). */
void acpi_table_describe(unsigned i, char *text, size_t size);

/* MADT: CPUs, whether their entry is the short or the x2APIC one. */
struct acpi_cpu {
	uint32_t apic_id;
	uint32_t uid;        /* ACPI processor number */
	bool enabled;        /* usable now */
	bool online_capable; /* may be switched on later */
};
bool acpi_cpu_next(size_t *cursor, struct acpi_cpu *cpu);

struct acpi_io_apic {
	uint8_t id;
	struct phys address;
	uint32_t line_base; /* first global line */
};
bool acpi_io_apic_next(size_t *cursor, struct acpi_io_apic *io_apic);

/* An ISA interrupt that is wired differently from line = number, edge, active high. */
struct acpi_override {
	uint8_t isa;
	uint32_t line;
	bool active_low;
	bool level;
};
bool acpi_override_next(size_t *cursor, struct acpi_override *override);

/* Local APIC input that carries NMI. */
#define ACPI_ALL_CPUS UINT32_MAX
struct acpi_local_nmi {
	uint32_t uid; /* ACPI processor number or ACPI_ALL_CPUS */
	uint8_t pin;  /* LINT 0 or 1 */
	bool active_low;
	bool level;
};
bool acpi_local_nmi_next(size_t *cursor, struct acpi_local_nmi *nmi);

/* Physical address of the local APICs, 0 without a MADT. */
struct phys acpi_local_apic_address(void);

/* SRAT: which domain a CPU and a stretch of memory belong to. Only enabled entries. */
struct acpi_cpu_affinity {
	uint32_t apic_id;
	uint32_t domain;
};
bool acpi_cpu_affinity_next(size_t *cursor, struct acpi_cpu_affinity *affinity);

struct acpi_memory_affinity {
	struct phys start;
	uint64_t size;
	uint32_t domain;
	bool hot_plug;
	bool non_volatile;
};
bool acpi_memory_affinity_next(size_t *cursor, struct acpi_memory_affinity *affinity);

/* SLIT: relative distance between domains, 10 is local. Without a usable entry 10 or 20. */
unsigned acpi_distance(uint32_t from, uint32_t to);
/* Say, once, the first thing that is wrong with SRAT, and with SLIT as far as these domains are
 * concerned. Distances that differ by direction are legal, and used as they are. */
void acpi_affinity_report(const uint32_t *domains, unsigned domain_count);

/* MCFG: memory-mapped configuration space of a PCI segment. `base` is that of bus 0, also when
 * first_bus is not 0. Every whole entry, whatever it says; what is left of the table after the
 * last one is acpi_ecam_rest(), 0 in a sound table. */
struct acpi_ecam {
	struct phys base;
	uint16_t segment;
	uint8_t first_bus;
	uint8_t last_bus;
};
bool acpi_ecam_next(size_t *cursor, struct acpi_ecam *ecam);
size_t acpi_ecam_rest(void);

/*
 * The constant _BBN of every host bridge in all AML of this machine, a bit per bus. False when
 * one is computed (a method, a field), or when there is no AML: then nobody knows without
 * running the code. _collect(): the same of one table, added to what is set already.
 */
bool acpi_root_buses(uint64_t buses[4]);
bool acpi_root_buses_collect(const uint8_t *code, size_t length, uint64_t buses[4]);

/* A register somewhere (generic address structure). */
enum acpi_space { ACPI_SPACE_MEMORY = 0, ACPI_SPACE_IO = 1, ACPI_SPACE_PCI = 2 };
struct acpi_register {
	uint8_t space; /* enum acpi_space, or one we do not know */
	uint8_t bits;
	uint64_t address; /* 0: no such register */
};

/* FADT and what \_S5 in the DSDT says: how to switch off and reset. */
struct acpi_power {
	bool present; /* there is a FADT */
	bool hardware_reduced;
	bool has_s5;
	uint8_t s5_type_a; /* SLP_TYP values for soft-off */
	uint8_t s5_type_b;
	struct acpi_register pm1a_control;
	struct acpi_register pm1b_control;
	struct acpi_register sleep_control; /* hardware-reduced machines */
	bool has_reset;
	struct acpi_register reset;
	uint8_t reset_value;
	struct acpi_register pm_timer; /* 3579545 Hz */
	bool pm_timer_32_bits;         /* else 24 */
	bool no_i8042;                 /* firmware says there is no keyboard controller */
	uint32_t smi_command;          /* port; 0: ACPI mode is always on */
	uint8_t acpi_enable;
	/* The button as a fixed feature: PM1 status and enable registers, one after the other,
	 * of `pm1_event_bytes` together. */
	bool has_power_button;
	struct acpi_register pm1a_event;
	struct acpi_register pm1b_event;
	uint8_t pm1_event_bytes;
	uint16_t sci_line; /* ISA line of the interrupt that all ACPI events share */
	/* General events, half status, half enable; their meaning is in AML. */
	struct acpi_register general_event[2];
	uint8_t general_event_bytes[2];
};
const struct acpi_power *acpi_power(void);

/*
 * What to write to enter soft-off: the register and the value, for pm1a (or the sleep control
 * register) and, when b->address is not 0, for pm1b. False: these tables name no way. Bits of
 * PM1 that are not SLP_TYP and SLP_EN are written 0 but for SCI_EN, which stays set.
 */
struct acpi_power_off {
	struct acpi_register a, b;
	uint16_t value_a, value_b;
};
bool acpi_power_off_plan(struct acpi_power_off *plan);

#endif
