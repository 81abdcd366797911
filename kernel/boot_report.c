// SPDX-License-Identifier: MIT
/*
 * What the loader handed over, in the log: how we came here, and which memory there is.
 */
#include <kernel/boot_info.h>

#include <kernel/bits.h>
#include <kernel/log.h>

/* The map of a sane machine; more would push everything else out of the ring. */
#define RANGES_SHOWN 48u

static const char *method_name(enum boot_method method)
{
	switch (method) {
	case BOOT_EFI:
		return "UEFI";
	case BOOT_PVH:
		return "PVH";
	case BOOT_IPL:
		return "IPL";
	case BOOT_HOSTED:
		return "hosted";
	}
	return "unknown";
}

static const char *range_name(enum boot_range_type type)
{
	switch (type) {
	case BOOT_RANGE_RAM:
		return "RAM";
	case BOOT_RANGE_KERNEL:
		return "kernel";
	case BOOT_RANGE_LOADER:
		return "loader";
	case BOOT_RANGE_ACPI:
		return "ACPI";
	case BOOT_RANGE_RUNTIME:
		return "runtime services";
	case BOOT_RANGE_RESERVED:
		return "reserved";
	case BOOT_RANGE_MMIO:
		return "MMIO";
	}
	return "unknown";
}

void boot_info_report(const struct boot_info *info)
{
	log_info("boot: %s %s%s%s", method_name(info->method), info->firmware,
		 info->boot_device[0] ? " from " : "", info->boot_device);
	if (info->command_line[0])
		log_info("boot: command line: %.400s", info->command_line);
	if (info->loader_note[0])
		log_line(info->loader_failed ? LOG_WARN : LOG_INFO, "boot: loader: %s",
			 info->loader_note);
	if (info->ranges_dropped)
		log_warn("boot: %u memory ranges are too many and are not used: firmware's map "
			 "is in pieces",
			 info->ranges_dropped);
	/* A line costs thousands of instructions, shown or not. */
	if (log_level() < LOG_DEBUG)
		return;
	for (uint32_t i = 0; i < MIN(info->range_count, RANGES_SHOWN); i++)
		log_debug("boot: %#14llx %10llu KiB %s",
			  (unsigned long long)info->ranges[i].start.addr,
			  (unsigned long long)info->ranges[i].size / 1024,
			  range_name(info->ranges[i].type));
	if (info->range_count > RANGES_SHOWN)
		log_debug("boot: and %u ranges more", info->range_count - RANGES_SHOWN);
}
