// SPDX-License-Identifier: MIT
/*
 * The reasons in words: REASON(name, effect on the sizes concerned, sentence). Each sentence
 * says what stands in the way and who could change it; none speaks about the processor on the
 * strength of an endpoint's bits. Included several times, so without a guard; the order is
 * that of enum atomic_reason. One sentence for three sizes is said once in a report.
 */
REASON(ARG_MASK, NONE, "no such size: ask for one or more of 32, 64, 128 bits.")
REASON(REQ_UNREADABLE, UNKNOWN,
       "The device does not answer, or its capabilities are not in the dump. Wake it up,"
       " or make the dump as root, and look again.")
REASON(REQ_VF, NO,
       "A virtual function has no switch of its own: its physical function's setting "
       "governs it. Ask the owner of the physical function.")
REASON(REQ_NOT_PCIE, NO,
       "This is not a PCI Express function; it cannot send AtomicOps. Nothing to change.")
REASON(REQ_CAP_V1, NO,
       "The device speaks the first version of PCI Express, which has no switch for "
       "AtomicOps. Only another device helps.")
REASON(REQ_RCIEP, UNKNOWN,
       "The device is part of the root complex: no port stands between it and memory, "
       "and no register says what is completed for it. The maker of the platform knows.")
REASON(REQ_TYPE, NO,
       "This kind of function (a port, a bridge, an event collector) does not send "
       "AtomicOps of its own. Ask about a device.")
REASON(REQ_BIT_STUCK, NONE,
       "The path is fine, but the device did not take the enable bit: it cannot request "
       "AtomicOps, or a hypervisor keeps the bit.")
REASON(HOP_UNREADABLE, UNKNOWN,
       "This hop does not answer, or its capabilities are not in the dump. Wake it up, "
       "or make the dump as root, and look again.")
REASON(HOP_CONVENTIONAL, NO,
       "A conventional PCI bridge stands in the way and cannot carry AtomicOps. Use a "
       "slot that is not behind it.")
REASON(HOP_PCI_BRIDGE, NO,
       "A bridge between PCI Express and PCI stands in the way and cannot carry "
       "AtomicOps. Use a slot that is not behind it.")
REASON(HOP_CAP_V1, NO, "This switch is older than AtomicOps. Use a slot that is not behind it.")
REASON(HOP_NO_ROUTE, NO,
       "This switch port cannot forward AtomicOps. No setting changes that; use a slot "
       "that is not behind this switch.")
REASON(HOP_EGRESS_BLOCK, NO,
       "AtomicOps are blocked where requests leave this switch towards memory. This is a"
       " setting: firmware or the operating system made it and could undo it.")
REASON(HOP_TYPE, NO, "A function of a kind that has no business here stands in the way.")
REASON(HOP_ORDER, UNKNOWN,
       "The ports on the way do not follow each other as PCI Express orders them: "
       "something is hidden or emulated. Whoever built the machine or the virtual "
       "machine knows.")
REASON(HOP_LOOP, UNKNOWN, "The bridges lead in a circle: their bus numbers are wrong.")
REASON(HOP_MISSING, UNKNOWN,
       "Bridges between this function and the next one listed are missing. Make a "
       "complete dump.")
REASON(ROOT_CAP_V1, NO,
       "The root port is older than AtomicOps. Another slot of this board may have a "
       "newer one.")
REASON(ROOT_UNREADABLE, UNKNOWN,
       "The root port does not answer, or its capabilities are not in the dump. Wake it "
       "up, or make the dump as root, and look again.")
REASON(ROOT_NO_32, NO,
       "The root port does not complete AtomicOps of this size to memory. Another root "
       "port may.")
REASON(ROOT_NO_64, NO,
       "The root port does not complete AtomicOps of this size to memory. Another root "
       "port may.")
REASON(ROOT_NO_128, NO,
       "The root port does not complete AtomicOps of this size to memory. Another root "
       "port may.")
REASON(ROOT_HIDDEN, UNKNOWN,
       "The root port is not to be seen from here: a hypervisor, the platform or an "
       "incomplete dump hides it. Whoever runs the host can look.")
REASON(PLATFORM_CONFIRMED, CONFIRMED, "Confirmed by the platform, not by registers.")
REASON(PLATFORM_DENIED, NO, "The platform itself says that AtomicOps do not reach memory.")
REASON(INFO_DP_EGRESS, NONE,
       "Egress blocking on a downstream port concerns requests towards devices; harmless"
       " for host memory.")
REASON(INFO_RP_EGRESS, NONE, "Egress blocking set on a root port; harmless for host memory.")
REASON(INFO_RP_REQEN, NONE, "The root port may send AtomicOps itself; no matter here.")
REASON(INFO_RP_ROUTING, NONE,
       "The root port forwards AtomicOps between devices; that is not completing them in"
       " memory.")
REASON(INFO_REQEN_MISMATCH, NONE,
       "The device is enabled already, by firmware, a driver or a hypervisor, but the "
       "path does not confirm it. Forcing this has hung machines.")
