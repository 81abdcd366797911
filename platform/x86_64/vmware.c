// SPDX-License-Identifier: MIT
/*
 * VMware's balloon port. A hypervisor below us is named by CPUID before any port is touched:
 * QEMU answers on the neighbouring port 0x5658 with some of VMware's other commands, and says
 * in CPUID who it really is.
 */
#include <platform/vmware.h>

#include <platform/x86_64/features.h>
#include <platform/x86_64/vmware.h>
#include <string.h>

#define LEAF_HYPERVISOR 0x40000000u
#define BALLOON_PORT    0x5670u
#define BALLOON_MAGIC   0x456c6d6fu

bool vmware_signature_fits(const struct cpuid *leaf)
{
	char text[12];

	memcpy(text, &leaf->ebx, 4);
	memcpy(text + 4, &leaf->ecx, 4);
	memcpy(text + 8, &leaf->edx, 4);
	return memcmp(text, "VMwareVMware", sizeof(text)) == 0;
}

static void port_call(struct vmware_call *call)
{
	uint64_t a = BALLOON_MAGIC, b = call->arguments[0], c = call->command;
	uint64_t d = BALLOON_PORT, source = call->arguments[1], destination = 0;

	__asm__ volatile("inl %%dx, %%eax"
			 : "+a"(a), "+b"(b), "+c"(c), "+d"(d), "+S"(source), "+D"(destination)
			 :
			 : "memory", "cc");
	call->status = (uint32_t)a;
	call->result = b;
	call->capabilities = c;
}

vmware_call_fn *platform_vmware_balloon(void)
{
	struct cpuid leaf;

	if (!cpu_features.hypervisor)
		return NULL;
	leaf = cpuid_read(LEAF_HYPERVISOR, 0);
	return vmware_signature_fits(&leaf) ? port_call : NULL;
}
