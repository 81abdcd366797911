// SPDX-License-Identifier: MIT
/*
 * The only writer of Device Control 2: sets or clears the requester enable bit with one 16-bit
 * access (the next two bytes are a status register) and believes only what it reads back. And
 * the question to the platform where registers end.
 */
#include <pci/atomic_ops.h>
#include <errno.h>
#include <kernel/bits.h>

static void add_to_requester(struct atomic_result *result, enum atomic_reason reason)
{
	if (result->finding_count < ATOMIC_FINDINGS_MAX)
		result->findings[result->finding_count++] = (struct atomic_finding){reason, 0};
}

/* Section 12.4: registers beat the platform, and it is not bothered when they have spoken. */
static bool platform_may_decide(const struct atomic_result *result)
{
	if (result->no || !result->unknown || !result->hops[0].device)
		return false;
	for (unsigned i = 0; i < result->finding_count; i++) {
		enum atomic_reason reason = result->findings[i].reason;

		if (atomic_effects[reason] == ATOMIC_EFFECT_UNKNOWN &&
		    reason != ATOMIC_ROOT_HIDDEN && reason != ATOMIC_REQ_RCIEP)
			return false;
	}
	return true;
}

void atomic_ops_ask_platform(struct atomic_result *result)
{
	const struct pci_device *device = result->hops[0].device;
	enum platform_atomic_statement statement;

	if (!platform_may_decide(result) || !device->fabric->statement)
		return;
	statement = device->fabric->statement(
		device->address.segment, pci_address_routing_id(device->address), result->mask);
	if (statement == ATOMIC_CONFIRMED) {
		result->unknown = 0;
		add_to_requester(result, ATOMIC_PLATFORM_CONFIRMED);
	} else if (statement == ATOMIC_DENIED) {
		result->no = result->mask;
		add_to_requester(result, ATOMIC_PLATFORM_DENIED);
	}
}

/* 0; -ENODEV when the function answers no more; -EIO when the bit is not what was written. */
static int write_enable(struct pci_device *device, bool enable)
{
	unsigned offset = device->express + PCI_EXP_DEVCTL2;
	uint32_t control = pci_get(device, offset, 2), wanted;

	if (control == 0xffff)
		return -ENODEV;
	wanted = enable ? control | PCI_EXP_REQUESTER : control & ~PCI_EXP_REQUESTER;
	if (wanted != control && pci_write16(device, offset, (uint16_t)wanted) != 0)
		return -ENODEV;
	control = pci_get(device, offset, 2);
	if (control == 0xffff)
		return -ENODEV;
	return !!(control & PCI_EXP_REQUESTER) == enable ? 0 : -EIO;
}

int atomic_ops_enable_to_root(struct pci_device *requester, uint32_t mask,
			      struct atomic_result *result)
{
	int error = atomic_ops_evaluate(requester, mask, result);

	if (error != 0)
		return error;
	atomic_ops_ask_platform(result);
	if (atomic_result_verdict(result, mask) != ATOMIC_YES)
		return -EPERM;
	/* An integrated endpoint that the platform vouches for may still lack the register. */
	error = requester->express_version >= 2 ? write_enable(requester, true) : -EIO;
	if (error == -ENODEV)
		add_to_requester(result, ATOMIC_REQ_UNREADABLE);
	if (error == -EIO)
		add_to_requester(result, ATOMIC_REQ_BIT_STUCK);
	return error == 0 ? 0 : -EIO;
}

int atomic_ops_disable(struct pci_device *requester)
{
	if (!requester->express || requester->express_version < 2 ||
	    requester->physical_function)
		return -ENODEV;
	return write_enable(requester, false) == 0 ? 0 : -EIO;
}
