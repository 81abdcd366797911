// SPDX-License-Identifier: MIT
/*
 * PCI functions as a z/Architecture machine gives them: a flat list from CLP, each reached
 * through a handle that changes when it is enabled and dies when it goes away. Here is all that
 * needs no instruction of the machine, over four access functions, so that tests/platform runs
 * it hosted against a model. Source of blocks and codes: spec-pci-atomicops.md section 12, and
 * QEMU's behaviour.
 */
#ifndef PLATFORM_S390X_ZPCI_H
#define PLATFORM_S390X_ZPCI_H

#include <platform/types.h>

#define ZPCI_FUNCTIONS_MAX 4096u
#define ZPCI_BARS          6u
#define ZPCI_BLOCK_SIZE    4096u
#define ZPCI_TRIES         100u /* of an access to a busy function, 1 us apart */

/* The instructions; each returns the condition code. Any context but `call`. */
struct zpci_operations {
	/* CLP: request and response share a block of ZPCI_BLOCK_SIZE, 8-byte aligned. */
	unsigned (*call)(void *block);
	/* PCILG and PCISTG: handle << 32 | space << 16 | length, status code back in bits
	 * 24-31 of *request; the data as the register holds them. */
	unsigned (*load)(uint64_t *data, uint64_t *request, uint64_t offset);
	unsigned (*store)(uint64_t data, uint64_t *request, uint64_t offset);
	/* MPCIFC: handle << 32 | operation; the function information block is 8-byte aligned.
	 */
	unsigned (*modify)(uint64_t *request, const void *block);
};

struct zpci_function {
	uint32_t segment; /* its UID, or a number of ours where that is not unique */
	uint8_t devfn;
	bool gone;
	uint32_t handle;
	uint32_t id; /* FID */
	uint32_t uid;
	uint8_t group;
};

struct zpci {
	const struct zpci_operations *operations;
	uint8_t subclass; /* of message interrupts, and where they set bits */
	uint64_t vectors;
	uint64_t summary;
	unsigned nr_vectors;

	struct zpci_function *functions; /* ascending by segment and devfn */
	unsigned count;
	bool unique_ids;          /* the machine guarantees that UIDs are */
	uint64_t message_address; /* of all groups; 0: none known */
	unsigned message_limit;   /* numbers below; the least of all groups */
};

/*
 * List, query and enable every configured function, and let it send messages. Functions that
 * cannot be enabled stay in the list and read as gone. Number of functions. Once, thread
 * context.
 */
unsigned zpci_find(struct zpci *zpci);
/* Forget the list. */
void zpci_forget(struct zpci *zpci);

/* As struct platform_pci_functions has them. */
bool zpci_next(const struct zpci *zpci, uint32_t *segment, unsigned *bdf);
int zpci_config_read(struct zpci *zpci, uint32_t segment, unsigned bdf, unsigned offset,
		     unsigned width, uint32_t *value);
int zpci_config_write(struct zpci *zpci, uint32_t segment, unsigned bdf, unsigned offset,
		      unsigned width, uint32_t value);
volatile void *zpci_map(const struct zpci *zpci, uint32_t segment, unsigned bdf, unsigned bar,
			uint64_t offset, uint64_t length);

/* Accesses of `width` bytes (1, 2, 4, 8) to an address of zpci_map(), values in host order. */
uint64_t zpci_load(struct zpci *zpci, const volatile void *address, unsigned width);
void zpci_store(struct zpci *zpci, volatile void *address, unsigned width, uint64_t value);

/* zpci_call.c, for zpci.c: what the calls give. 0, or -EIO with a message. */
struct zpci_query {
	uint32_t id;
	uint32_t uid;
	uint8_t devfn; /* 0 where the machine gives none */
	uint8_t group;
};
struct zpci_group {
	uint64_t message_address;
	unsigned messages;
};
/* Add what is listed to zpci->functions, segments not set yet; what cannot be read is told. */
void zpci_call_list(struct zpci *zpci, void *block);
int zpci_call_query(struct zpci *zpci, void *block, uint32_t handle, struct zpci_query *query);
int zpci_call_group(struct zpci *zpci, void *block, uint8_t group, struct zpci_group *result);
/* The handle changes. */
int zpci_call_set(struct zpci *zpci, void *block, bool enable, uint32_t *handle);

#endif
