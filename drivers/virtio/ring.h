// SPDX-License-Identifier: MIT
/*
 * The split virtqueue as it lies in memory shared with a device (Virtual I/O Device 1.2, 2.7).
 * Every field is little-endian on every port, so none is a plain integer: the one-member
 * structs keep host order and ring order apart. Each access is one load or store of the field's
 * width; the device may change what it owns at any moment, so a value is loaded once and then
 * judged.
 */
#ifndef DRIVERS_VIRTIO_RING_H
#define DRIVERS_VIRTIO_RING_H

#include <kernel/bits.h>

struct ring16 {
	uint16_t raw;
};

struct ring32 {
	uint32_t raw;
};

struct ring64 {
	uint64_t raw;
};

#define RING_DESCRIPTOR_NEXT     1u /* `next` holds the following descriptor */
#define RING_DESCRIPTOR_WRITE    2u /* the device writes it */
#define RING_DESCRIPTOR_INDIRECT 4u /* it is a table of descriptors */

struct ring_descriptor {
	struct ring64 address;
	struct ring32 length;
	struct ring16 flags;
	struct ring16 next;
};

#define RING_AVAILABLE_NO_INTERRUPT 1u

/* Written by the driver. After heads[size] stands the event word: interrupt me past this. */
struct ring_available {
	struct ring16 flags;
	struct ring16 index;
	struct ring16 heads[];
};

#define RING_USED_NO_NOTIFY 1u

struct ring_used_element {
	struct ring32 id;
	struct ring32 length;
};

/* Written by the device. After elements[size] stands the event word: notify me past this. */
struct ring_used {
	struct ring16 flags;
	struct ring16 index;
	struct ring_used_element elements[];
};

static inline uint16_t ring16_load(const struct ring16 *field)
{
	uint16_t raw = __atomic_load_n(&field->raw, __ATOMIC_RELAXED);

	return le16_load(&raw);
}

/* Later accesses are not done before this one: for the index that publishes entries. */
static inline uint16_t ring16_acquire(const struct ring16 *field)
{
	uint16_t raw = __atomic_load_n(&field->raw, __ATOMIC_ACQUIRE);

	return le16_load(&raw);
}

static inline void ring16_store(struct ring16 *field, uint16_t value)
{
	uint16_t raw;

	le16_store(&raw, value);
	__atomic_store_n(&field->raw, raw, __ATOMIC_RELAXED);
}

/* Earlier accesses are done before this one: for the index that publishes entries. */
static inline void ring16_release(struct ring16 *field, uint16_t value)
{
	uint16_t raw;

	le16_store(&raw, value);
	__atomic_store_n(&field->raw, raw, __ATOMIC_RELEASE);
}

static inline uint32_t ring32_load(const struct ring32 *field)
{
	uint32_t raw = __atomic_load_n(&field->raw, __ATOMIC_RELAXED);

	return le32_load(&raw);
}

static inline void ring32_store(struct ring32 *field, uint32_t value)
{
	uint32_t raw;

	le32_store(&raw, value);
	__atomic_store_n(&field->raw, raw, __ATOMIC_RELAXED);
}

static inline uint64_t ring64_load(const struct ring64 *field)
{
	uint64_t raw = __atomic_load_n(&field->raw, __ATOMIC_RELAXED);

	return le64_load(&raw);
}

static inline void ring64_store(struct ring64 *field, uint64_t value)
{
	uint64_t raw;

	le64_store(&raw, value);
	__atomic_store_n(&field->raw, raw, __ATOMIC_RELAXED);
}

/* The rule both sides use: did the other move past `event` while going from `old` to `now`? */
static inline bool ring_event_passed(uint16_t event, uint16_t now, uint16_t old)
{
	return (uint16_t)(now - event - 1) < (uint16_t)(now - old);
}

#endif
