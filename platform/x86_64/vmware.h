// SPDX-License-Identifier: MIT
/*
 * Who the hypervisor says it is (CPUID leaf 0x40000000), for vmware.c and its test.
 */
#ifndef PLATFORM_X86_64_VMWARE_H
#define PLATFORM_X86_64_VMWARE_H

#include <platform/x86_64/x86.h>
#include <stdbool.h>

/* True if the answer to that leaf is VMware's. */
bool vmware_signature_fits(const struct cpuid *leaf);

#endif
