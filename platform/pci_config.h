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
 * Machines that hand out functions one by one, with no bus to scan and no bridge to see (zPCI).
 * A function is named by segment and bdf = bus << 8 | devfn; offsets and widths are as for the
 * ports, up to 4096 bytes. Thread context, but read and write, which any context may call.
 */
struct platform_pci_functions {
	const char *name; /* for reports */
	/* The first function at or above segment:bdf; false when there is none. */
	bool (*next)(uint32_t *segment, unsigned *bdf);
	/* 0; -ENODEV without such a function; -EIO when it failed or is gone: *value is all
	 * ones then. */
	int (*read)(uint32_t segment, unsigned bdf, unsigned offset, unsigned width,
		    uint32_t *value);
	int (*write)(uint32_t segment, unsigned bdf, unsigned offset, unsigned width,
		     uint32_t value);
	/* An address for mmio_read and mmio_write of barrier.h that reaches `length` bytes at
	 * `offset` of a memory BAR, whatever address that BAR holds. NULL: out of reach. */
	volatile void *(*map)(uint32_t segment, unsigned bdf, unsigned bar, uint64_t offset,
			      uint64_t length);
};
/* NULL where the machine has no such functions. Looks for them; call it once. */
const struct platform_pci_functions *platform_pci_functions(void);

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
