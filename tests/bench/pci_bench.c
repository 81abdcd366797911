// SPDX-License-Identifier: MIT
/*
 * What it costs to find every function of the machine the kernel runs on: no console output, no
 * drivers. Divide by the number of functions that `lspci` lists.
 */
#include <kernel/kmem.h>
#include <kernel/log.h>
#include <pci/enumerate.h>
#include <tests/bench.h>

BENCH(pci, enumerate_this_machine, 8)
{
	struct pci_fabric *fabric = kmem_alloc(sizeof(*fabric));

	for (uint64_t i = 0; fabric && pci_fabric.access && i < iterations; i++) {
		pci_fabric_init(fabric, pci_fabric.access);
		if (pci_enumerate(fabric) != 0)
			log_error("bench: the fabric cannot be enumerated");
		pci_fabric_clear(fabric);
	}
	kmem_free(fabric);
}
