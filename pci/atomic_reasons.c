// SPDX-License-Identifier: MIT
/*
 * The reasons in words. Each sentence says what stands in the way and who could change it; none
 * speaks about the processor on the strength of an endpoint's bits.
 */
#include <pci/atomic_ops.h>

struct reason_words {
	const char *name;
	enum atomic_effect effect;
	const char *text;
};

#define NONE    ATOMIC_EFFECT_NONE
#define NO      ATOMIC_EFFECT_NO
#define UNKNOWN ATOMIC_EFFECT_UNKNOWN

/* One sentence for the three sizes: a report says it once. */
static const char no_completer[] = "The root port does not complete AtomicOps of this size to "
				   "memory. Another root port may.";

static const struct reason_words words[ATOMIC_REASONS] = {
	[ATOMIC_ARG_MASK] = {"ARG_MASK", NONE,
			     "no such size: ask for one or more of 32, 64, 128 bits."},
	[ATOMIC_REQ_UNREADABLE] =
		{"REQ_UNREADABLE", UNKNOWN,
		 "The device does not answer, or its capabilities are not in the dump. Wake it "
		 "up, or make the dump as root, and look again."},
	[ATOMIC_REQ_VF] =
		{"REQ_VF", NO,
		 "A virtual function has no switch of its own: its physical function's setting "
		 "governs it. Ask the owner of the physical function."},
	[ATOMIC_REQ_NOT_PCIE] = {"REQ_NOT_PCIE", NO,
				 "This is not a PCI Express function; it cannot send "
				 "AtomicOps. Nothing to change."},
	[ATOMIC_REQ_CAP_V1] =
		{"REQ_CAP_V1", NO,
		 "The device speaks the first version of PCI Express, which has no switch for "
		 "AtomicOps. Only another device helps."},
	[ATOMIC_REQ_RCIEP] = {"REQ_RCIEP", UNKNOWN,
			      "The device is part of the root complex: no port stands between "
			      "it and memory, "
			      "and no register says what is completed for it. The maker of the "
			      "platform knows."},
	[ATOMIC_REQ_TYPE] =
		{"REQ_TYPE", NO,
		 "This kind of function (a port, a bridge, an event collector) does not send "
		 "AtomicOps of its own. Ask about a device."},
	[ATOMIC_REQ_BIT_STUCK] = {"REQ_BIT_STUCK", NONE,
				  "The path is fine, but the device did not take the enable "
				  "bit: it cannot request "
				  "AtomicOps, or a hypervisor keeps the bit."},
	[ATOMIC_HOP_UNREADABLE] = {"HOP_UNREADABLE", UNKNOWN,
				   "This hop does not answer, or its capabilities are not in "
				   "the dump. Wake it up, or "
				   "make the dump as root, and look again."},
	[ATOMIC_HOP_CONVENTIONAL] = {"HOP_CONVENTIONAL", NO,
				     "A conventional PCI bridge stands in the way and cannot "
				     "carry AtomicOps. Use a slot "
				     "that is not behind it."},
	[ATOMIC_HOP_PCI_BRIDGE] = {"HOP_PCI_BRIDGE", NO,
				   "A bridge between PCI Express and PCI stands in the way and "
				   "cannot carry AtomicOps. "
				   "Use a slot that is not behind it."},
	[ATOMIC_HOP_CAP_V1] =
		{"HOP_CAP_V1", NO,
		 "This switch is older than AtomicOps. Use a slot that is not behind it."},
	[ATOMIC_HOP_NO_ROUTE] = {"HOP_NO_ROUTE", NO,
				 "This switch port cannot forward AtomicOps. No setting "
				 "changes that; use a slot that "
				 "is not behind this switch."},
	[ATOMIC_HOP_EGRESS_BLOCK] =
		{"HOP_EGRESS_BLOCK", NO,
		 "AtomicOps are blocked where requests leave this switch towards memory. This "
		 "is a "
		 "setting: firmware or the operating system made it and could undo it."},
	[ATOMIC_HOP_TYPE] =
		{"HOP_TYPE", NO,
		 "A function of a kind that has no business here stands in the way."},
	[ATOMIC_HOP_ORDER] = {"HOP_ORDER", UNKNOWN,
			      "The ports on the way do not follow each other as PCI Express "
			      "orders them: something "
			      "is hidden or emulated. Whoever built the machine or the virtual "
			      "machine knows."},
	[ATOMIC_HOP_LOOP] = {"HOP_LOOP", UNKNOWN,
			     "The bridges lead in a circle: their bus numbers are wrong."},
	[ATOMIC_HOP_MISSING] = {"HOP_MISSING", UNKNOWN,
				"Bridges between this function and the next one listed are "
				"missing. Make a complete "
				"dump."},
	[ATOMIC_ROOT_CAP_V1] = {"ROOT_CAP_V1", NO,
				"The root port is older than AtomicOps. Another slot of this "
				"board may have a newer "
				"one."},
	[ATOMIC_ROOT_UNREADABLE] = {"ROOT_UNREADABLE", UNKNOWN,
				    "The root port does not answer, or its capabilities are "
				    "not in the dump. Wake it up, "
				    "or make the dump as root, and look again."},
	[ATOMIC_ROOT_NO_32] = {"ROOT_NO_32", NO, no_completer},
	[ATOMIC_ROOT_NO_64] = {"ROOT_NO_64", NO, no_completer},
	[ATOMIC_ROOT_NO_128] = {"ROOT_NO_128", NO, no_completer},
	[ATOMIC_ROOT_HIDDEN] =
		{"ROOT_HIDDEN", UNKNOWN,
		 "The root port is not to be seen from here: a hypervisor, the platform or an "
		 "incomplete dump hides it. Whoever runs the host can look."},
	[ATOMIC_PLATFORM_CONFIRMED] = {"PLATFORM_CONFIRMED", NONE,
				       "Confirmed by the platform, not by registers."},
	[ATOMIC_PLATFORM_DENIED] =
		{"PLATFORM_DENIED", NO,
		 "The platform itself says that AtomicOps do not reach memory."},
	[ATOMIC_INFO_DP_EGRESS] = {"INFO_DP_EGRESS", NONE,
				   "Egress blocking on a downstream port concerns requests "
				   "towards devices; harmless "
				   "for host memory."},
	[ATOMIC_INFO_RP_EGRESS] =
		{"INFO_RP_EGRESS", NONE,
		 "Egress blocking set on a root port; harmless for host memory."},
	[ATOMIC_INFO_RP_REQEN] = {"INFO_RP_REQEN", NONE,
				  "The root port may send AtomicOps itself; no matter here."},
	[ATOMIC_INFO_RP_ROUTING] = {"INFO_RP_ROUTING", NONE,
				    "The root port forwards AtomicOps between devices; that is "
				    "not completing them in "
				    "memory."},
	[ATOMIC_INFO_REQEN_MISMATCH] = {"INFO_REQEN_MISMATCH", NONE,
					"The device is enabled already, by firmware, a driver "
					"or a hypervisor, but the path "
					"does not confirm it. Forcing this has hung machines."},
};

const char *atomic_reason_name(enum atomic_reason reason)
{
	return words[reason].name;
}

const char *atomic_reason_text(enum atomic_reason reason)
{
	return words[reason].text;
}

enum atomic_effect atomic_reason_effect(enum atomic_reason reason)
{
	return words[reason].effect;
}
