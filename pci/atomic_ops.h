// SPDX-License-Identifier: MIT
/*
 * May a function send AtomicOp requests that end in host memory? Answered by walking from the
 * requester to the root port (spec-pci-atomicops section 8): YES only when every hop confirms
 * it, NO when one rules it out, UNKNOWN otherwise. Evaluation reads registers and never writes;
 * enabling is the only writer.
 */
#ifndef PCI_ATOMIC_OPS_H
#define PCI_ATOMIC_OPS_H

#include <pci/device.h>
#include <pci/regs.h>

/* Sizes of requests: the completer bits of Device Capabilities 2. */
#define ATOMIC_32  PCI_EXP_COMPLETE_32
#define ATOMIC_64  PCI_EXP_COMPLETE_64
#define ATOMIC_128 PCI_EXP_COMPLETE_128 /* compare-and-swap only */
#define ATOMIC_ALL (ATOMIC_32 | ATOMIC_64 | ATOMIC_128)

enum atomic_verdict { ATOMIC_YES, ATOMIC_NO, ATOMIC_UNKNOWN };

/* Why: the reason, and what it does to the verdict of the sizes it concerns. In words they
 * stand in tools/pci/atomic_words.c. */
#define ATOMIC_REASONS(X)                \
	X(ARG_MASK, NONE)                \
	X(REQ_UNREADABLE, UNKNOWN)       \
	X(REQ_VF, NO)                    \
	X(REQ_NOT_PCIE, NO)              \
	X(REQ_CAP_V1, NO)                \
	X(REQ_RCIEP, UNKNOWN)            \
	X(REQ_TYPE, NO)                  \
	X(REQ_BIT_STUCK, NONE)           \
	X(HOP_UNREADABLE, UNKNOWN)       \
	X(HOP_CONVENTIONAL, NO)          \
	X(HOP_PCI_BRIDGE, NO)            \
	X(HOP_CAP_V1, NO)                \
	X(HOP_NO_ROUTE, NO)              \
	X(HOP_EGRESS_BLOCK, NO)          \
	X(HOP_TYPE, NO)                  \
	X(HOP_ORDER, UNKNOWN)            \
	X(HOP_LOOP, UNKNOWN)             \
	X(HOP_MISSING, UNKNOWN)          \
	X(ROOT_CAP_V1, NO)               \
	X(ROOT_UNREADABLE, UNKNOWN)      \
	X(ROOT_NO_32, NO)                \
	X(ROOT_NO_64, NO)                \
	X(ROOT_NO_128, NO)               \
	X(ROOT_HIDDEN, UNKNOWN)          \
	X(PLATFORM_CONFIRMED, CONFIRMED) \
	X(PLATFORM_DENIED, NO)           \
	X(INFO_DP_EGRESS, NONE)          \
	X(INFO_RP_EGRESS, NONE)          \
	X(INFO_RP_REQEN, NONE)           \
	X(INFO_RP_ROUTING, NONE)         \
	X(INFO_REQEN_MISMATCH, NONE)

#define ATOMIC_REASON(name, effect) ATOMIC_##name,
enum atomic_reason { ATOMIC_REASONS(ATOMIC_REASON) };

/* A later one beats the others. */
enum atomic_effect {
	ATOMIC_EFFECT_NONE,
	ATOMIC_EFFECT_CONFIRMED, /* by the platform, not by registers */
	ATOMIC_EFFECT_UNKNOWN,
	ATOMIC_EFFECT_NO,
};

/* One stop on the way up. Hop 0 is the requester, or NULL for a slot. */
struct atomic_hop {
	const struct pci_device *device;
	bool has_registers; /* the two below were read and are believed */
	uint32_t capabilities2;
	uint16_t control2;
};

struct atomic_finding {
	enum atomic_reason reason;
	unsigned hop;
};

#define ATOMIC_HOPS_MAX     257 /* the requester and at most 256 bridges */
#define ATOMIC_FINDINGS_MAX 640 /* more count for the verdict but are not kept */

/* About 11 KiB: from kmem_alloc() or static, never on a kernel stack. */
struct atomic_result {
	uint32_t mask;    /* sizes asked for */
	uint32_t no;      /* sizes that something rules out */
	uint32_t unknown; /* sizes that something leaves open; `no` beats it */
	unsigned hop_count;
	unsigned finding_count;
	struct atomic_hop hops[ATOMIC_HOPS_MAX];
	struct atomic_finding findings[ATOMIC_FINDINGS_MAX];
};

/*
 * Evaluate a requester for a non-empty set of ATOMIC_* sizes. 0, or -EINVAL with the finding
 * ARG_MASK and without any register read when the mask is empty or has other bits.
 */
int atomic_ops_evaluate(const struct pci_device *requester, uint32_t mask,
			struct atomic_result *result) MUST_CHECK;

/* The same for an imaginary endpoint directly below a root or downstream port. */
int atomic_ops_evaluate_slot(const struct pci_device *port, uint32_t mask,
			     struct atomic_result *result) MUST_CHECK;

/*
 * Ask the platform where registers cannot tell: only when every unknown is a hidden root port
 * or an integrated endpoint and nothing says NO. Adds PLATFORM_CONFIRMED or PLATFORM_DENIED.
 */
void atomic_ops_ask_platform(struct atomic_result *result);

/*
 * Evaluate, ask the platform, and on YES for all sizes set the requester enable bit and read it
 * back. 0 when it is set; -EINVAL for the mask; -EPERM when refused, nothing written; -EIO when
 * the function went away or the bit did not stick (REQ_UNREADABLE or REQ_BIT_STUCK added).
 * Calling twice is harmless. One caller per device at a time.
 */
int atomic_ops_enable_to_root(struct pci_device *requester, uint32_t mask,
			      struct atomic_result *result) MUST_CHECK;

/* Clear the requester enable bit and read it back: only on an explicit wish of a person. 0,
 * -ENODEV when the function has no such register, -EIO when it did not stick. */
int atomic_ops_disable(struct pci_device *requester) MUST_CHECK;

/* Verdict for one size, or the worst of several. */
enum atomic_verdict atomic_result_verdict(const struct atomic_result *result, uint32_t mask);

/* By reason. */
extern const enum atomic_effect atomic_effects[];

#endif
