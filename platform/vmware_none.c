// SPDX-License-Identifier: MIT
/*
 * For ports below which there is never a VMware host.
 */
#include <platform/vmware.h>

vmware_call_fn *platform_vmware_balloon(void)
{
	return NULL;
}
