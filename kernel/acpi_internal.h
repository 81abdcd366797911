// SPDX-License-Identifier: MIT
/*
 * Between the ACPI files.
 */
#ifndef KERNEL_ACPI_INTERNAL_H
#define KERNEL_ACPI_INTERNAL_H

#include <kernel/acpi.h>
#include <kernel/bits.h>

#define ACPI_HEADER_SIZE 36u

/* A checked table at an address, NULL (with a message) when it is malformed. signature NULL:
 * any. *length is the table's, header included, at least minimum. */
const uint8_t *acpi_table_view(struct phys address, const char *signature, size_t minimum,
			       size_t *length);

/* After acpi_load() found the tables. */
void acpi_power_load(void);

#endif
