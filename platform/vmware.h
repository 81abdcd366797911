// SPDX-License-Identifier: MIT
/*
 * The way to the balloon of a VMware host: commands through one port (spec-balloon C1). This is
 * the only door, and it is closed unless the CPU says who the hypervisor is: elsewhere the port
 * is nothing, or somebody else's.
 */
#ifndef PLATFORM_VMWARE_H
#define PLATFORM_VMWARE_H

#include <platform/types.h>

/* status, result, capabilities: what the host answers, unchecked. */
struct vmware_call {
	uint32_t command;
	uint64_t arguments[2];
	uint32_t status;
	uint64_t result;
	uint64_t capabilities;
};

/* One command. Any context; it lasts as long as the host takes. */
typedef void vmware_call_fn(struct vmware_call *call);

/* NULL unless a VMware host is known to run below us; touches no port to find out. */
vmware_call_fn *platform_vmware_balloon(void);

#endif
