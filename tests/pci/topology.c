// SPDX-License-Identifier: MIT
/*
 * The builder of test machines.
 */
#include <tests/pci/topology.h>
#include <kernel/kmem.h>
#include <pci/enumerate.h>
#include <tests/test.h>

#define STATUS_CAPABILITY 0x0010
#define SWITCH_VENDOR     0x1f01
#define DEVICE_VENDOR     0x1f02

static void require_memory(const void *object)
{
	NEED(object, "out of memory while building a test machine");
}

struct topology *topology_new(void)
{
	struct topology *t = kmem_alloc(sizeof(*t));

	require_memory(t);
	pci_image_init(&t->image, false);
	pci_fabric_init(&t->fabric, &t->image.access);
	return t;
}

void topology_free(struct topology *t)
{
	pci_fabric_clear(&t->fabric);
	pci_image_destroy(&t->image);
	kmem_free(t);
}

struct pci_image_function *
topology_conventional(struct topology *t, struct pci_image_function *above, unsigned devfn)
{
	struct pci_image_function *function =
		above ? pci_image_add_below(&t->image, above, devfn, PCI_SPACE_EXPRESS)
		      : pci_image_add(&t->image, (struct pci_address){0, 0, (uint8_t)devfn},
				      PCI_SPACE_EXPRESS);

	require_memory(function);
	pci_image_set(function, PCI_REG_VENDOR, 4, DEVICE_VENDOR | 0x10000u);
	pci_image_set_writable(function, PCI_REG_COMMAND, 2, 0xffff);
	pci_image_set(function, PCI_REG_CLASS, 4, 0x03000001);
	if ((devfn & 7) == 0)
		pci_image_set(function, PCI_REG_HEADER, 1, PCI_HEADER_MULTI);
	return function;
}

static void make_bridge(struct pci_image_function *function)
{
	pci_image_set(function, PCI_REG_VENDOR, 4, SWITCH_VENDOR | 0x20000u);
	pci_image_set(function, PCI_REG_CLASS, 4, 0x06040001);
	pci_image_set(function, PCI_REG_HEADER, 1,
		      pci_image_get(function, PCI_REG_HEADER, 1) | 1);
	pci_image_set_writable(function, PCI_REG_BUS_NUMBERS, 4, 0xffffffff);
}

struct pci_image_function *topology_conventional_bridge(struct topology *t,
							struct pci_image_function *above,
							unsigned devfn)
{
	struct pci_image_function *function = topology_conventional(t, above, devfn);

	make_bridge(function);
	return function;
}

static bool type_is_bridge(enum pci_port_type type)
{
	return type >= PCI_TYPE_ROOT_PORT && type <= PCI_TYPE_PCI_TO_EXPRESS;
}

struct pci_image_function *topology_express(struct topology *t,
					    struct pci_image_function *above, unsigned devfn,
					    enum pci_port_type type, uint32_t capabilities2)
{
	struct pci_image_function *function = topology_conventional(t, above, devfn);

	if (type_is_bridge(type))
		make_bridge(function);
	pci_image_set(function, PCI_REG_STATUS, 2, STATUS_CAPABILITY);
	pci_image_set(function, PCI_REG_CAPABILITIES, 1, TOPOLOGY_EXPRESS);
	pci_image_set(function, TOPOLOGY_EXPRESS, 4, PCI_CAP_EXPRESS | 2u << 16 | type << 20);
	pci_image_set(function, TOPOLOGY_DEVCAP2, 4, capabilities2);
	pci_image_set_writable(function, TOPOLOGY_DEVCTL2, 2, 0x00ff);
	return function;
}

struct pci_image_function *topology_root_port(struct topology *t, unsigned devfn,
					      uint32_t completers)
{
	return topology_express(t, NULL, devfn, PCI_TYPE_ROOT_PORT, completers);
}

struct pci_image_function *topology_endpoint(struct topology *t,
					     struct pci_image_function *above)
{
	return topology_express(t, above, 0, PCI_TYPE_ENDPOINT, 0);
}

struct pci_image_function *topology_switch(struct topology *t, struct pci_image_function *above,
					   uint32_t up_capabilities, uint32_t down_capabilities,
					   struct pci_image_function **up)
{
	*up = topology_express(t, above, 0, PCI_TYPE_UPSTREAM_PORT, up_capabilities);
	return topology_express(t, *up, DEVFN(2, 0), PCI_TYPE_DOWNSTREAM_PORT,
				down_capabilities);
}

void topology_set_version(struct pci_image_function *function, unsigned version)
{
	unsigned flags = pci_image_get(function, TOPOLOGY_EXPRESS + PCI_EXP_FLAGS, 2);

	pci_image_set(function, TOPOLOGY_EXPRESS + PCI_EXP_FLAGS, 2,
		      (flags & ~PCI_EXP_FLAGS_VERSION) | version);
}

void topology_set_control2(struct pci_image_function *function, uint16_t value)
{
	pci_image_set(function, TOPOLOGY_DEVCTL2, 2, value);
}

void topology_add_extended(struct pci_image_function *function, unsigned offset, unsigned id)
{
	unsigned last = PCI_EXT_FIRST;

	while (pci_image_get(function, last, 4) >> 20)
		last = pci_image_get(function, last, 4) >> 20;
	if (offset != PCI_EXT_FIRST)
		pci_image_set(function, last, 4,
			      pci_image_get(function, last, 4) | offset << 20);
	pci_image_set(function, offset, 4, id | 1u << 16);
}

static bool is_bridge(const struct pci_image_function *function)
{
	return (function->value[PCI_REG_HEADER] & 0x7f) == 1;
}

static unsigned bus_of(const struct pci_image_function *function)
{
	return function->bridge ? function->bridge->value[PCI_REG_BUS_NUMBERS + 1]
				: function->address.bus;
}

/* Numbers for the bridges directly below `above`, then theirs; the highest number used. */
static unsigned number_below(struct topology *t, const struct pci_image_function *above,
			     unsigned last)
{
	for (size_t i = 0; i < t->image.count; i++) {
		struct pci_image_function *function = t->image.functions[i];

		if (function->bridge != above || !is_bridge(function))
			continue;
		pci_image_set(function, PCI_REG_BUS_NUMBERS, 1, bus_of(function));
		pci_image_set(function, PCI_REG_BUS_NUMBERS + 1, 1, ++last);
		last = number_below(t, function, last);
		pci_image_set(function, PCI_REG_BUS_NUMBERS + 2, 1, last);
	}
	return last;
}

void topology_number(struct topology *t)
{
	number_below(t, NULL, 0);
}

void topology_enumerate(struct topology *t)
{
	int error;

	pci_fabric_clear(&t->fabric);
	error = pci_enumerate(&t->fabric);
	if (error != 0)
		pci_fabric_clear(&t->fabric); /* what fitted is kept */
	REQUIRE(error == 0);
}

struct pci_device *topology_device(struct topology *t,
				   const struct pci_image_function *function)
{
	struct pci_address address = function->address;
	struct pci_device *device;

	if (t->fabric.device_count == 0) {
		topology_number(t);
		topology_enumerate(t);
	}
	address.bus = (uint8_t)bus_of(function);
	device = pci_device_find(&t->fabric, address);
	REQUIRE(device != NULL);
	return device;
}

enum atomic_verdict topology_verdict(struct topology *t,
				     const struct pci_image_function *function, uint32_t mask)
{
	struct pci_device *device = topology_device(t, function);

	REQUIRE(atomic_ops_evaluate(device, ATOMIC_ALL, &t->result) == 0);
	return atomic_result_verdict(&t->result, mask);
}

bool topology_found(struct topology *t, enum atomic_reason reason,
		    const struct pci_image_function *function)
{
	return atomic_result_has(&t->result, reason, topology_device(t, function));
}

unsigned topology_causes(const struct topology *t)
{
	unsigned causes = 0;

	for (unsigned i = 0; i < t->result.finding_count; i++)
		causes += atomic_effects[t->result.findings[i].reason] >= ATOMIC_EFFECT_UNKNOWN;
	return causes;
}

bool atomic_result_has(const struct atomic_result *result, enum atomic_reason reason,
		       const struct pci_device *device)
{
	for (unsigned i = 0; i < result->finding_count; i++) {
		const struct atomic_finding *finding = &result->findings[i];

		if (finding->reason == reason &&
		    (!device || result->hops[finding->hop].device == device))
			return true;
	}
	return false;
}
