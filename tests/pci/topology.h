// SPDX-License-Identifier: MIT
/*
 * Builds machines for tests of pci/: root ports, switches, bridges and functions in an image,
 * numbered depth first as firmware would, then enumerated. Every PCI Express function has its
 * capability at TOPOLOGY_EXPRESS, so tests may poke at its registers.
 */
#ifndef TESTS_PCI_TOPOLOGY_H
#define TESTS_PCI_TOPOLOGY_H

#include <pci/atomic_ops.h>
#include <tools/pci/image.h>

#define TOPOLOGY_EXPRESS 0x40u
#define TOPOLOGY_DEVCAP2 (TOPOLOGY_EXPRESS + PCI_EXP_DEVCAP2)
#define TOPOLOGY_DEVCTL2 (TOPOLOGY_EXPRESS + PCI_EXP_DEVCTL2)
#define TOPOLOGY_ROUTE   PCI_EXP_ROUTING

#define DEVFN(device, function) ((device) << 3 | (function))

struct topology {
	struct pci_image image;
	struct pci_fabric fabric;
	struct atomic_result result;
};

/* A new empty machine; one at a time. ERRORs the test when memory is short. */
struct topology *topology_new(void);
void topology_free(struct topology *t);

/* A function below a bridge (NULL: on bus 0), without capabilities. */
struct pci_image_function *
topology_conventional(struct topology *t, struct pci_image_function *above, unsigned devfn);
struct pci_image_function *topology_conventional_bridge(struct topology *t,
							struct pci_image_function *above,
							unsigned devfn);
/* A PCI Express function of any type: header type 1 for ports and bridges. Version 2, its
 * Device Control 2 writable but for the reserved upper byte. */
struct pci_image_function *topology_express(struct topology *t,
					    struct pci_image_function *above, unsigned devfn,
					    enum pci_port_type type, uint32_t capabilities2);
struct pci_image_function *topology_root_port(struct topology *t, unsigned devfn,
					      uint32_t completers);
struct pci_image_function *topology_endpoint(struct topology *t,
					     struct pci_image_function *above);
/* A switch with one downstream port; returns that, and the upstream port through `up`. */
struct pci_image_function *topology_switch(struct topology *t, struct pci_image_function *above,
					   uint32_t up_capabilities, uint32_t down_capabilities,
					   struct pci_image_function **up);

void topology_set_version(struct pci_image_function *function, unsigned version);
void topology_set_control2(struct pci_image_function *function, uint16_t value);
/* Add a capability of the extended list at `offset`, the end of the list so far. */
void topology_add_extended(struct pci_image_function *function, unsigned offset, unsigned id);

/* Number the bridges depth first, and enumerate what was built. */
void topology_number(struct topology *t);
void topology_enumerate(struct topology *t);
/* Both, then the device behind a function must be there. */
struct pci_device *topology_device(struct topology *t,
				   const struct pci_image_function *function);

/* Evaluate ATOMIC_ALL into t->result; the verdict for `mask`. */
enum atomic_verdict topology_verdict(struct topology *t,
				     const struct pci_image_function *function, uint32_t mask);
/* Reason found at this function? */
bool topology_found(struct topology *t, enum atomic_reason reason,
		    const struct pci_image_function *function);
/* True if there is a finding with this reason; at this hop's device when device is not NULL. */
bool atomic_result_has(const struct atomic_result *result, enum atomic_reason reason,
		       const struct pci_device *device);

/* Number of findings that make a NO or an UNKNOWN. */
unsigned topology_causes(const struct topology *t);

#endif
