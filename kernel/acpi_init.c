// SPDX-License-Identifier: MIT
/*
 * ACPI on a machine: tables are looked at through the port's mapping of device memory, because
 * firmware keeps them in and outside of what it calls RAM.
 */
#include <kernel/acpi.h>

#include <kernel/boot_info.h>
#include <kernel/log.h>
#include <platform/mmu.h>

static const void *device_view(struct phys p, uint64_t size)
{
	if (p.addr > UINT64_MAX - size)
		return NULL;
	return (const void *)mmio_map(p, size);
}

void acpi_init(struct phys root)
{
	unsigned count;

	/* What starts by IPL tells what it is in other ways. */
	if (boot_info->method == BOOT_IPL)
		return;
	count = acpi_load(root, device_view);

	log_debug("acpi: %u tables", count);
}
