// SPDX-License-Identifier: MIT
/*
 * A VMware host made of memory, behind the one function that does the port access. It keeps its
 * own account of the frames it holds, answers as spec-balloon C1 says, stamps every frame it
 * takes, and refuses, fails or forgets everything when a test wants it to.
 */
#ifndef TESTS_DRIVERS_VMWARE_MODEL_H
#define TESTS_DRIVERS_VMWARE_MODEL_H

#include <drivers/balloon/vmware_balloon.h>

/* What the host says to one frame, or to a whole call (nr and frame 0): VMWARE_OK leaves it to
 * the account. */
typedef uint32_t vmware_judge_fn(uint32_t command, unsigned nr, uint64_t frame);

struct vmware_model {
	uint32_t offers;       /* capabilities; 0: START is answered with a plain ok */
	uint32_t start_status; /* not VMWARE_OK: START is refused with it */
	uint64_t target;
	unsigned reset_at;      /* call that finds everything forgotten; 0: none */
	vmware_judge_fn *judge; /* NULL: the account alone */
	vmware_judge_fn *judge_call;

	bool started;
	uint32_t agreed;
	uint64_t total_pages; /* as the guest said */
	uint64_t guest_id;
	uint64_t doorbell[2];
	unsigned calls;
	unsigned calls_of[VMWARE_COMMANDS];
	unsigned last_count; /* of a batch */
	unsigned largest_batch;

	uint8_t *held; /* a bit per frame */
	uint64_t nr_frames;
	uint64_t nr_held;
	unsigned errors; /* what no guest may do */
};

extern struct vmware_model vmware_model;

/* A host that offers everything, with nothing held. */
void vmware_model_create(void);
void vmware_model_destroy(void);
void vmware_model_call(struct vmware_call *call);
bool vmware_model_holds(const struct page *page);
/* Compare its account with the guest's, page by page; the first difference or NULL. At rest. */
const char *vmware_model_compare(struct vmware_balloon *balloon);

#endif
