// SPDX-License-Identifier: MIT
/*
 * A virtio device made of memory: a transport for virtio_device_attach() whose device side is
 * in the hands of a test. It acknowledges at once, when told to, or in one of several wrong
 * ways, and keeps the host's books of a balloon: which pages it was given and not told to give
 * back.
 */
#ifndef TESTS_DRIVERS_FAKE_VIRTIO_H
#define TESTS_DRIVERS_FAKE_VIRTIO_H

#include <drivers/virtio/virtio.h>
#include <kernel/lock.h>
#include <tests/drivers/fake_ring.h>

#define FAKE_QUEUES     5 /* of a balloon: the first two, unless a test gives more a size */
#define FAKE_LOG        256
#define FAKE_CONFIG_MAX 16

enum fake_behaviour {
	FAKE_PROMPT,         /* use every buffer at once, interrupt as asked */
	FAKE_HOLD,           /* take buffers, use them at fake_virtio_release() */
	FAKE_TWICE,          /* use every buffer twice */
	FAKE_OTHER,          /* use a buffer that was never given */
	FAKE_WILD_INDEX,     /* move the used index by half its range */
	FAKE_TOO_LONG,       /* say that more was written than there is room */
	FAKE_DEAF_TO_RESET,  /* as prompt, but the status never becomes 0 */
	FAKE_WRONG_FEATURES, /* take back FEATURES_OK */
};

struct fake_buffer {
	unsigned queue;
	uint32_t units; /* page numbers in it */
	uint32_t first; /* the first of them */
};

struct fake_virtio;
/* What the device does with a buffer it got, lock held; bytes it wrote. */
typedef uint32_t fake_buffer_fn(struct fake_virtio *fake, unsigned queue,
				const struct fake_chain *chain);

/* lock: everything a driver's thread and the test both touch. */
struct fake_virtio {
	struct virtio_device device;
	struct spin_lock lock;
	enum fake_behaviour behaviour;
	bool until_reset;      /* then FAKE_PROMPT */
	fake_buffer_fn *serve; /* default: a balloon's books */
	/* Buffers that were held are about to be used, lock held; NULL: nobody wants to know.
	 */
	void (*releasing)(struct fake_virtio *fake);
	uint64_t offered;
	uint64_t accepted;
	uint8_t status;
	uint8_t config[FAKE_CONFIG_MAX];
	unsigned queue_size[FAKE_QUEUES];
	struct fake_ring rings[FAKE_QUEUES];
	bool enabled[FAKE_QUEUES];
	struct fake_chain chain; /* being served */
	uint16_t held_heads[FAKE_QUEUES][256];
	unsigned nr_held[FAKE_QUEUES];

	unsigned config_reads;
	unsigned config_writes;
	unsigned kicks;
	unsigned interrupts;
	unsigned resets;
	unsigned nr_buffers;
	struct fake_buffer buffers[FAKE_LOG];
	unsigned nr_stats; /* buffers of statistics; the last one's contents */
	uint32_t stats_bytes;
	uint8_t stats[256];
	uint8_t *given; /* a bit per page number below given_limit */
	uint32_t given_limit;
	uint64_t nr_given;
	unsigned host_errors; /* inflated twice, deflated but not given, number out of range */
};

/* A balloon that behaves; change fields before virtio_device_attach(&fake->device). NULL when
 * memory is short. */
struct fake_virtio *fake_virtio_create(void);
void fake_virtio_destroy(struct fake_virtio *fake);

void fake_virtio_behave(struct fake_virtio *fake, enum fake_behaviour behaviour);
/* A reset mends it: one that stays wrong is reset until it is given up, within milliseconds. */
void fake_virtio_behave_until_reset(struct fake_virtio *fake, enum fake_behaviour behaviour);
/* The host changes its configuration, or its target, and says so. */
void fake_virtio_set_config(struct fake_virtio *fake, unsigned offset, uint32_t value);
void fake_virtio_set_target(struct fake_virtio *fake, uint32_t units);
uint32_t fake_virtio_actual(struct fake_virtio *fake);
unsigned fake_virtio_config_reads(struct fake_virtio *fake);
/* Use what was held, in order, statistics among it; interrupt as asked. */
void fake_virtio_release(struct fake_virtio *fake);
unsigned fake_virtio_held(struct fake_virtio *fake);
/* Behave, and use what is held of this queue, if anything, without an interrupt; returns at
 * `end`. */
void fake_virtio_release_unheard(struct fake_virtio *fake, struct virtio_queue *queue,
				 uint64_t end);
/* Ask for a reset as a device does. */
void fake_virtio_needs_reset(struct fake_virtio *fake);
/* Lose its state as if it had been switched off and on, and say that something changed. */
void fake_virtio_forget(struct fake_virtio *fake);
uint64_t fake_virtio_given(struct fake_virtio *fake);
unsigned fake_virtio_stats(struct fake_virtio *fake);
bool fake_virtio_holds(struct fake_virtio *fake, uint32_t unit);

#endif
