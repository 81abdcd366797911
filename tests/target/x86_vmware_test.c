// SPDX-License-Identifier: MIT
/*
 * QEMU answers on VMware's port with some of VMware's commands (-machine vmport=on, its default
 * on PCs) and no balloon: the client must not start there, nor touch the port to find out
 * (tools/vmware_test.py watches that from outside).
 */
#include <platform/vmware.h>

#include <platform/x86_64/vmware.h>
#include <tests/test.h>

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
