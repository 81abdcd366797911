// SPDX-License-Identifier: MIT
/*
 * QEMU answers on VMware's other port with some of VMware's commands (-machine vmport=on, its
 * default on PCs) and has no balloon: the client must not start there.
 */
#include <platform/vmware.h>

#include <platform/x86_64/vmware.h>
#include <tests/test.h>

#define OTHER_PORT  0x5658u
#define MAGIC       0x564d5868u
#define GET_VERSION 10u

/* QEMU's half of the interface, asked as a program would that does not look at CPUID. */
static bool somebody_answers(void)
{
	uint32_t a = MAGIC, b = 0, c = GET_VERSION, d = OTHER_PORT;

	__asm__ volatile("inl %%dx, %%eax" : "+a"(a), "+b"(b), "+c"(c), "+d"(d) : : "memory");
	return a != UINT32_MAX && b == MAGIC;
}

TEST(x86_vmware, half_a_backdoor_is_no_host)
{
	CHECK(!somebody_answers() || platform_vmware_balloon() == NULL);
}

TEST(x86_vmware, no_balloon_port_below_another_hypervisor)
{
	CHECK(platform_vmware_balloon() == NULL);
}

TEST(x86_vmware, only_the_whole_signature_fits)
{
	static const struct cpuid vmware = {0x40000010, 0x61774d56, 0x4d566572, 0x65726177};
	static const struct cpuid tcg = {0x40000001, 0x54474354, 0x43544743, 0x47435447};
	static const struct cpuid kvm = {0x40000001, 0x4b4d564b, 0x564b4d56, 0x0000004d};
	struct cpuid nearly = vmware;

	nearly.edx ^= 0x01000000;
	CHECK(vmware_signature_fits(&vmware));
	CHECK(!vmware_signature_fits(&tcg));
	CHECK(!vmware_signature_fits(&kvm));
	CHECK(!vmware_signature_fits(&nearly));
}
