// SPDX-License-Identifier: MIT
/*
 * What is said between guest and VMware host about a balloon (spec-balloon C1): commands, their
 * answers, and frames in batches or one by one. No policy and no pages here, only frame
 * numbers. All calls in thread context; each is one section of one spin lock.
 */
#ifndef DRIVERS_BALLOON_VMWARE_HOST_H
#define DRIVERS_BALLOON_VMWARE_HOST_H

#include <kernel/lock.h>
#include <kernel/bits.h>
#include <platform/vmware.h>

enum vmware_command {
	VMWARE_START,
	VMWARE_GET_TARGET,
	VMWARE_LOCK,
	VMWARE_UNLOCK,
	VMWARE_GUEST_ID,
	VMWARE_BATCHED_LOCK = 6,
	VMWARE_BATCHED_UNLOCK,
	VMWARE_BATCHED_BLOCK_LOCK,
	VMWARE_BATCHED_BLOCK_UNLOCK,
	VMWARE_SET_DOORBELL,
	VMWARE_COMMANDS
};

#define VMWARE_BASIC         BIT(1)
#define VMWARE_BATCHED       BIT(2)
#define VMWARE_BATCHED_BLOCK BIT(3) /* blocks of 2 MiB */
#define VMWARE_WAKEUP        BIT(4)
#define VMWARE_TARGET_64     BIT(5)

#define VMWARE_OK                   0u
#define VMWARE_BAD_COMMAND          1u
#define VMWARE_BAD_FRAME            2u
#define VMWARE_ALREADY_LOCKED       3u
#define VMWARE_NOT_LOCKED           4u
#define VMWARE_PINNED               5u
#define VMWARE_NOT_NEEDED           6u
#define VMWARE_RESET                7u
#define VMWARE_BUSY                 8u
#define VMWARE_OK_WITH_CAPABILITIES 0x03000000u
#define VMWARE_FAILURE              UINT32_MAX

/* An entry of the batch page: frame number from bit 12, status in the low bits. */
#define VMWARE_BATCH_MAX    (PAGE_SIZE / sizeof(uint64_t))
#define VMWARE_ENTRY_STATUS UINT64_C(0x1f)

/* One frame, or the first of a block, and what became of it. */
struct vmware_entry {
	uint64_t frame;
	uint32_t status;
};

/* A place for the host to ring at; invalid until something can be rung. */
struct vmware_doorbell {
	uint32_t context;
	uint32_t resource;
};
#define VMWARE_NO_DOORBELL ((struct vmware_doorbell){UINT32_MAX, UINT32_MAX})

/* Fields: C under `lock`; T only the balloon's thread; others fixed. */
struct vmware_host {
	vmware_call_fn *call;
	struct spin_lock lock;
	uint8_t *batch;          /* C: the page both sides see; NULL: frames go one by one */
	uint32_t capabilities;   /* T: agreed on; 0 before the start */
	_Atomic uint64_t target; /* as the host told it last */
	_Atomic bool reset_required;  /* the host has forgotten us: start again */
	_Atomic uint32_t last_status; /* for reports */
};

void vmware_host_init(struct vmware_host *host, vmware_call_fn *call);

/*
 * Begin with at most `wanted` capabilities; clears reset_required. 0; -EIO when the host
 * refuses; -ENOMEM without a page for batches: begun with none then, and to be tried again.
 */
int vmware_host_begin(struct vmware_host *host, uint32_t wanted) MUST_CHECK;
/* Nothing is lent from now on, and the host asks for nothing more. */
void vmware_host_end(struct vmware_host *host);

/* Refresh the target. -EINVAL: more than 2^32 pages and a host that counts in 32 bits: nothing
 * was asked; -EIO. */
int vmware_host_get_target(struct vmware_host *host, uint64_t total_pages) MUST_CHECK;

/* Entries that one call may carry; true if they may be blocks. */
unsigned vmware_host_capacity(const struct vmware_host *host);
bool vmware_host_takes_blocks(const struct vmware_host *host);

/*
 * Lock (give) or unlock (take back) count <= capacity entries, blocks when `blocks`. Each
 * entry's status is set; a failure of the whole call is the status of all, and is returned.
 */
uint32_t vmware_host_move(struct vmware_host *host, bool lock, bool blocks,
			  struct vmware_entry *entries, unsigned count) MUST_CHECK;

/* Both are wishes: what the host answers is only remembered. */
void vmware_host_set_doorbell(struct vmware_host *host, struct vmware_doorbell doorbell);
void vmware_host_tell_guest_id(struct vmware_host *host);

#endif
