// SPDX-License-Identifier: MIT
/*
 * What stands in the way and who could change it, one sentence for each reason; none speaks
 * about the processor on the strength of an endpoint's bits. One sentence for three sizes is
 * said once in a report.
 */
#include <tools/pci/atomic_words.h>

#define NO_SIZE                                                                                \
	"The root port does not complete AtomicOps of this size to memory. Another root port " \
	"may."

#define WORDS(name, text) [ATOMIC_##name] = {#name, text}
const struct atomic_words atomic_words[] = {
	WORDS(ARG_MASK, "no such size: ask for one or more of 32, 64, 128 bits."),
	WORDS(REQ_UNREADABLE,
	      "The device does not answer, or its capabilities are not in the dump. Wake it up,"
	      " or make the dump as root, and look again."),
	WORDS(REQ_VF,
	      "A virtual function has no switch of its own: its physical function's setting "
	      "governs it. Ask the owner of the physical function."),
	WORDS(REQ_NOT_PCIE, "This is not a PCI Express function; it cannot send AtomicOps. "
			    "Nothing to change."),
	WORDS(REQ_CAP_V1,
	      "The device speaks the first version of PCI Express, which has no switch for "
	      "AtomicOps. Only another device helps."),
	WORDS(REQ_RCIEP,
	      "The device is part of the root complex: no port stands between it and memory, "
	      "and no register says what is completed for it. The maker of the platform "
	      "knows."),
	WORDS(REQ_TYPE,
	      "This kind of function (a port, a bridge, an event collector) does not send "
	      "AtomicOps of its own. Ask about a device."),
	WORDS(REQ_BIT_STUCK,
	      "The path is fine, but the device did not take the enable bit: it cannot request "
	      "AtomicOps, or a hypervisor keeps the bit."),
	WORDS(HOP_UNREADABLE,
	      "This hop does not answer, or its capabilities are not in the dump. Wake it up, "
	      "or make the dump as root, and look again."),
	WORDS(HOP_CONVENTIONAL,
	      "A conventional PCI bridge stands in the way and cannot carry AtomicOps. Use a "
	      "slot that is not behind it."),
	WORDS(HOP_PCI_BRIDGE,
	      "A bridge between PCI Express and PCI stands in the way and cannot carry "
	      "AtomicOps. Use a slot that is not behind it."),
	WORDS(HOP_CAP_V1,
	      "This switch is older than AtomicOps. Use a slot that is not behind it."),
	WORDS(HOP_NO_ROUTE,
	      "This switch port cannot forward AtomicOps. No setting changes that; use a slot "
	      "that is not behind this switch."),
	WORDS(HOP_EGRESS_BLOCK,
	      "AtomicOps are blocked where requests leave this switch towards memory. This is a"
	      " setting: firmware or the operating system made it and could undo it."),
	WORDS(HOP_TYPE, "A function of a kind that has no business here stands in the way."),
	WORDS(HOP_ORDER,
	      "The ports on the way do not follow each other as PCI Express orders them: "
	      "something is hidden or emulated. Whoever built the machine or the virtual "
	      "machine knows."),
	WORDS(HOP_LOOP, "The bridges lead in a circle: their bus numbers are wrong."),
	WORDS(HOP_MISSING,
	      "Bridges between this function and the next one listed are missing. Make a "
	      "complete dump."),
	WORDS(ROOT_CAP_V1,
	      "The root port is older than AtomicOps. Another slot of this board may have a "
	      "newer one."),
	WORDS(ROOT_UNREADABLE,
	      "The root port does not answer, or its capabilities are not in the dump. Wake it "
	      "up, or make the dump as root, and look again."),
	WORDS(ROOT_NO_32, NO_SIZE),
	WORDS(ROOT_NO_64, NO_SIZE),
	WORDS(ROOT_NO_128, NO_SIZE),
	WORDS(ROOT_HIDDEN,
	      "The root port is not to be seen from here: a hypervisor, the platform or an "
	      "incomplete dump hides it. Whoever runs the host can look."),
	WORDS(PLATFORM_CONFIRMED, "Confirmed by the platform, not by registers."),
	WORDS(PLATFORM_DENIED, "The platform itself says that AtomicOps do not reach memory."),
	WORDS(INFO_DP_EGRESS,
	      "Egress blocking on a downstream port concerns requests towards devices; harmless"
	      " for host memory."),
	WORDS(INFO_RP_EGRESS, "Egress blocking set on a root port; harmless for host memory."),
	WORDS(INFO_RP_REQEN, "The root port may send AtomicOps itself; no matter here."),
	WORDS(INFO_RP_ROUTING,
	      "The root port forwards AtomicOps between devices; that is not completing them in"
	      " memory."),
	WORDS(INFO_REQEN_MISMATCH,
	      "The device is enabled already, by firmware, a driver or a hypervisor, but the "
	      "path does not confirm it. Forcing this has hung machines."),
};

#define COUNT(name, effect) +1
_Static_assert(ARRAY_SIZE(atomic_words) == ATOMIC_REASONS(COUNT), "a reason without words");
