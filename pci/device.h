// SPDX-License-Identifier: MIT
/*
 * The fabric: every function found, as a list in address order and as a tree. Built once by
 * pci_enumerate(), then only the driver binding and the AtomicOps enable change anything, so
 * readers need no lock. What cannot be trusted about the hardware is kept as defects.
 */
#ifndef PCI_DEVICE_H
#define PCI_DEVICE_H

#include <kernel/list.h>
#include <pci/config.h>
#include <platform/pci_config.h>
#include <platform/types.h>

struct pci_driver;
struct pci_msix;
struct pci_intx;

/* The type field of the PCI Express capability. */
enum pci_port_type {
	PCI_TYPE_ENDPOINT = 0,
	PCI_TYPE_LEGACY_ENDPOINT = 1,
	PCI_TYPE_ROOT_PORT = 4,
	PCI_TYPE_UPSTREAM_PORT = 5,
	PCI_TYPE_DOWNSTREAM_PORT = 6,
	PCI_TYPE_EXPRESS_TO_PCI = 7,
	PCI_TYPE_PCI_TO_EXPRESS = 8,
	PCI_TYPE_INTEGRATED_ENDPOINT = 9,
	PCI_TYPE_EVENT_COLLECTOR = 10,
};

/* How much of a function's registers could be read when it was found. */
enum pci_readability {
	PCI_READABLE,
	PCI_CAPABILITIES_UNREADABLE, /* header only: a dump without privilege */
	PCI_UNREADABLE,              /* listed, but answers all ones */
};

/* One function. All fields are fixed after enumeration but those under "binding". */
struct pci_device {
	struct list_head link; /* pci_fabric.devices, ascending address */
	struct pci_fabric *fabric;
	struct pci_address address;

	uint16_t vendor;
	uint16_t device;     /* of a virtual function: what its physical function declares */
	uint32_t class_code; /* base << 16 | sub << 8 | interface */
	uint8_t revision;
	uint8_t header_type; /* without the multifunction bit: 0 function, 1 bridge, 2 CardBus
			      */
	bool multifunction;  /* as the header says; not used below an ARI port */
	enum pci_readability readability;

	/* Offsets of capabilities, 0 when absent. */
	uint16_t express;
	uint16_t msi;
	uint16_t msix;
	uint16_t ari;
	uint16_t sriov;
	bool enhanced;           /* Enhanced Allocation: its BARs are fixed, never sized */
	uint8_t express_version; /* both only with express != 0 */
	uint8_t port_type;       /* enum pci_port_type, or a reserved value */

	/* Bridges (header type 1); all 0 otherwise. */
	uint8_t primary;
	uint8_t secondary;
	uint8_t subordinate;
	bool unreachable; /* a bridge whose numbers lead nowhere: what is below is unknown */

	/* The bridge whose secondary bus this is on; NULL on a root bus. */
	struct pci_device *parent;
	bool parent_by_range; /* only an ancestor: the bridges between are not in the image */
	struct pci_device *physical_function; /* not NULL: this is a virtual function */

	/* Binding; owned by drivers/driver.c and the driver. */
	const struct pci_driver *driver;
	const char *driver_name; /* for listings: driver is opaque here */
	void *driver_data;
	struct pci_msix *interrupts; /* both owned by pci/msix.c */
	struct pci_intx *intx;       /* owned by pci/intx.c */
};

/* What was wrong with the hardware, the firmware or the image, and one sentence each. */
#define PCI_DEFECTS(X)                                                                   \
	X(NOT_READY, "said 'not ready' for one second; treated as absent")               \
	X(HEADER_TYPE, "has a header type nobody defined; its BARs are not looked at")   \
	X(CAPABILITY_POINTER, "capability list points outside its area; cut there")      \
	X(CAPABILITY_LOOP, "capability list is a loop; cut there")                       \
	X(CAPABILITY_COUNT, "capability list is longer than its area; cut")              \
	X(CAPABILITY_ID, "capability list has an entry of all ones; cut there")          \
	X(EXTENDED_ALIAS, "shows its first 256 bytes again as extended space; ignored")  \
	X(ARI_CHAIN, "names a next ARI function that is not above it")                   \
	X(VIRTUAL_FUNCTIONS, "has more virtual functions than fit its bus numbers")      \
	X(BRIDGE_PRIMARY, "bridge believes to be on another bus")                        \
	X(BRIDGE_ORDER, "bridge numbers are not primary < secondary <= subordinate")     \
	X(BRIDGE_RANGE, "bridge claims buses outside those of the bridge above")         \
	X(BRIDGE_OVERLAP, "bridge claims buses of a neighbour")                          \
	X(BRIDGE_UNCONFIGURED, "bridge has no bus number; what is below is unknown")     \
	X(BRIDGE_OUT_OF_REACH, "bridge leads to buses configuration space cannot reach") \
	X(BRIDGE_STUCK, "bridge did not take the bus number written to it")              \
	X(BUS_TWICE, "bridge leads to a bus that another one leads to as well")          \
	X(BUS_NUMBERS, "no bus number left for what is below this bridge")               \
	X(NO_ROOM, "a window or BAR found no room or did not take its address")          \
	X(NO_MEMORY, "was found but not kept: memory is short")

#define PCI_DEFECT_KIND(name, text) PCI_DEFECT_##name,
enum pci_defect_kind { PCI_DEFECTS(PCI_DEFECT_KIND) };

struct pci_defect {
	struct pci_address address;
	enum pci_defect_kind kind;
	uint32_t value; /* the register or number that was wrong */
};

#define PCI_DEFECTS_MAX 64

struct pci_fabric {
	struct pci_access *access;
	/* What platform_confirms_atomic_ops() says of this fabric; NULL: nothing. */
	enum platform_atomic_statement (*statement)(unsigned segment, unsigned bdf,
						    unsigned mask);
	struct list_head devices;
	unsigned device_count;
	bool renumbered;       /* bus numbers are ours, not the firmware's */
	unsigned defect_count; /* also those that did not fit */
	struct pci_defect defects[PCI_DEFECTS_MAX];
};

/* The machine's own fabric; empty before pci_init(). */
extern struct pci_fabric pci_fabric;

/* An empty fabric over a back end; the access must outlive it. */
void pci_fabric_init(struct pci_fabric *fabric, struct pci_access *access);
/* Free every device. No driver may be bound. */
void pci_fabric_clear(struct pci_fabric *fabric);

#define pci_for_each_device(pos, fabric) list_for_each_entry (pos, &(fabric)->devices, link)

/* NULL when there is no such function. */
struct pci_device *pci_device_find(const struct pci_fabric *fabric, struct pci_address address);

/* What is directly below a bridge, and what else is on the same bus of the same bridge, in
 * ascending order; NULL: nothing, no more. */
struct pci_device *pci_first_child(const struct pci_device *bridge);
struct pci_device *pci_next_sibling(const struct pci_device *device);

/* Keep a defect, once per function and kind; beyond PCI_DEFECTS_MAX they are only counted. */
void pci_defect_add(struct pci_fabric *fabric, struct pci_address address,
		    enum pci_defect_kind kind, uint32_t value);
/* True if a defect of this kind was kept. */
bool pci_defect_seen(const struct pci_fabric *fabric, enum pci_defect_kind kind);

static inline bool pci_device_is_bridge(const struct pci_device *device)
{
	return device->header_type == 1;
}

/* Registers of a device in host order; rules and errors of pci/config.h. pci_get(): the value
 * alone, all ones for what cannot be read. */
uint32_t pci_get(const struct pci_device *device, unsigned offset, unsigned width);
int pci_read8(const struct pci_device *device, unsigned offset, uint8_t *value);
int pci_read16(const struct pci_device *device, unsigned offset, uint16_t *value);
int pci_read32(const struct pci_device *device, unsigned offset, uint32_t *value);
int pci_write8(const struct pci_device *device, unsigned offset, uint8_t value) MUST_CHECK;
int pci_write16(const struct pci_device *device, unsigned offset, uint16_t value) MUST_CHECK;
int pci_write32(const struct pci_device *device, unsigned offset, uint32_t value) MUST_CHECK;

/* Change bits of the command register (PCI_COMMAND_* of pci/regs.h). Only the driver of the
 * device, or the binding on its behalf. 0, -EIO when the function does not answer, or an error
 * of pci/config.h. */
int pci_command_change(const struct pci_device *device, uint16_t clear,
		       uint16_t set) MUST_CHECK;

/*
 * Set command bits (decoding, bus mastering) in the device and every bridge above it: a bridge
 * that is no master passes nothing up, and firmware sets only what it needed itself. Bridges
 * keep them. Errors as pci_command_change().
 */
int pci_path_enable(const struct pci_device *device, uint16_t bits) MUST_CHECK;

#endif
