// SPDX-License-Identifier: MIT
/*
 * How this port reaches PCI configuration space. pci/config.h adds the checks; a back end does
 * one access of exactly the width asked for and returns what the hardware said.
 */
#ifndef PLATFORM_PCI_CONFIG_H
#define PLATFORM_PCI_CONFIG_H

#include <platform/types.h>

/*
 * Legacy access through ports: segment 0, 256 bytes a function. `offset` is a multiple of
 * `width` (1, 2, 4). One critical section inside. platform_pci_ports_present() is false where
 * the machine has no such ports; then the two others must not be called.
 */
bool platform_pci_ports_present(void);
uint32_t platform_pci_ports_read(unsigned bus, unsigned devfn, unsigned offset, unsigned width);
void platform_pci_ports_write(unsigned bus, unsigned devfn, unsigned offset, unsigned width,
			      uint32_t value);

/*
 * What firmware or hypervisor state about AtomicOps reaching host memory from the function
 * segment:bdf (bdf = bus << 8 | devfn), for sizes `mask`. Asked only when registers end in
 * "root hidden" or "integrated endpoint" (spec-pci-atomicops 12.4).
 */
enum platform_atomic_statement { ATOMIC_NO_STATEMENT, ATOMIC_CONFIRMED, ATOMIC_DENIED };
enum platform_atomic_statement platform_confirms_atomic_ops(unsigned segment, unsigned bdf,
							    unsigned mask);

/* True when a hypervisor is known to run below us (CPUID bit); reports carry a hint then. */
bool platform_under_hypervisor(void);

#endif
