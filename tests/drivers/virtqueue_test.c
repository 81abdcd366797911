// SPDX-License-Identifier: MIT
/*
 * The driver side of a virtqueue against a device that behaves, one that lies in every field it
 * may write, and the arithmetic of both index wraps.
 */
#include <drivers/virtio/virtqueue.h>

#include <errno.h>
#include <tests/drivers/fake_ring.h>
#include <tests/test.h>

#define SIZE     8
#define INDIRECT 4

static ALIGNED(16) char memory[4096];
static struct virtqueue_slot slots[64];
static struct virtqueue vq;
static struct fake_ring ring;
static unsigned notified;
static char data[64];
static int cookies[64];

static void count_notify(struct virtqueue *queue)
{
	(void)queue;
	notified++;
}

static void set_up(unsigned size, unsigned indirect, bool event_index)
{
	struct virtqueue_layout layout = {"fake", 3, size, indirect, event_index};

	REQUIRE(virtqueue_memory_size(&layout) <= sizeof(memory));
	REQUIRE(virtqueue_slots_size(&layout) <= sizeof(slots));
	REQUIRE(virtqueue_init(&vq, &layout, memory, slots) == 0);
	vq.notify = count_notify;
	notified = 0;
	fake_ring_init(&ring, size, event_index, virtqueue_descriptor_address(&vq),
		       virtqueue_available_address(&vq), virtqueue_used_address(&vq));
}

static struct virtqueue_piece piece(unsigned offset, uint32_t length)
{
	return (struct virtqueue_piece){phys((uintptr_t)data + offset), length};
}

static int add_pieces(unsigned nr_read, unsigned nr_write, int cookie)
{
	struct virtqueue_piece pieces[16];

	for (unsigned i = 0; i < nr_read + nr_write; i++)
		pieces[i] = piece(i, 4);
	return virtqueue_add(&vq, pieces, nr_read, nr_write, &cookies[cookie]);
}

/* Add a buffer of 8 writable bytes, publish it, let the device have it; its head. */
static uint16_t hand_out(int cookie)
{
	struct fake_chain chain;

	REQUIRE(add_pieces(0, 2, cookie) == 0);
	virtqueue_kick(&vq);
	REQUIRE(fake_ring_pop(&ring, &chain));
	return chain.head;
}

static void check_broken_and_recoverable(unsigned out)
{
	uint32_t written;
	unsigned detached = 0;

	CHECK(virtqueue_take(&vq, &written) == NULL);
	CHECK(virtqueue_is_broken(&vq));
	CHECK_EQ(add_pieces(1, 0, 0), -EIO);
	CHECK(!virtqueue_kick(&vq));
	CHECK(virtqueue_take(&vq, &written) == NULL);
	while (virtqueue_detach(&vq))
		detached++;
	CHECK_EQ(detached, out);
	CHECK(virtqueue_check(&vq) == NULL);
}

TEST(virtqueue, buffer_arrives_as_it_was_added_and_comes_back_once)
{
	struct fake_chain chain;
	uint32_t written;

	set_up(SIZE, 0, true);
	CHECK_EQ(add_pieces(2, 1, 5), 0);
	CHECK(!fake_ring_pop(&ring, &chain));
	CHECK(virtqueue_kick(&vq));
	CHECK_EQ(notified, 1);
	REQUIRE(fake_ring_pop(&ring, &chain));
	CHECK_EQ(chain.nr_read, 2);
	CHECK_EQ(chain.nr_write, 1);
	CHECK_EQ(chain.pieces[2].start.addr, (uintptr_t)data + 2);
	CHECK_EQ(chain.pieces[2].length, 4);
	CHECK(virtqueue_take(&vq, &written) == NULL);
	fake_ring_push(&ring, chain.head, 3);
	CHECK(virtqueue_take(&vq, &written) == &cookies[5]);
	CHECK_EQ(written, 3);
	CHECK(virtqueue_take(&vq, &written) == NULL);
	CHECK(!virtqueue_is_broken(&vq));
	CHECK(virtqueue_check(&vq) == NULL);
}

TEST(virtqueue, indirect_buffer_takes_one_descriptor)
{
	struct fake_chain chain;
	uint32_t written;

	set_up(SIZE, INDIRECT, true);
	for (int i = 0; i < SIZE; i++)
		CHECK_EQ(add_pieces(1, 3, i), 0);
	CHECK_EQ(add_pieces(1, 0, 0), -ENOSPC);
	virtqueue_kick(&vq);
	for (int i = 0; i < SIZE; i++) {
		REQUIRE(fake_ring_pop(&ring, &chain));
		CHECK_EQ(chain.nr_read, 1);
		CHECK_EQ(chain.nr_write, 3);
		fake_ring_push(&ring, chain.head, 0);
		CHECK(virtqueue_take(&vq, &written) == &cookies[i]);
	}
	/* One piece needs no table; more pieces than a table holds go out as a chain. */
	CHECK_EQ(add_pieces(1, 0, 0), 0);
	CHECK_EQ(add_pieces(3, 2, 1), 0);
	CHECK_EQ(vq.free_count, SIZE - 6);
	CHECK(virtqueue_check(&vq) == NULL);
}

TEST(virtqueue, batch_is_published_by_one_kick)
{
	struct fake_chain chain;
	unsigned popped = 0;

	set_up(SIZE, 0, true);
	for (int i = 0; i < SIZE; i++)
		CHECK_EQ(add_pieces(1, 0, i), 0);
	CHECK_EQ(add_pieces(1, 0, 0), -ENOSPC);
	CHECK(virtqueue_kick(&vq));
	CHECK(!virtqueue_kick(&vq));
	CHECK_EQ(notified, 1);
	while (fake_ring_pop(&ring, &chain))
		popped++;
	CHECK_EQ(popped, SIZE);
}

TEST(virtqueue, bad_buffers_are_refused_and_change_nothing)
{
	struct virtqueue_piece pieces[2] = {piece(0, 0), piece(0, 4)};
	struct virtqueue_piece large[2] = {piece(0, UINT32_MAX), piece(0, 1)};

	set_up(SIZE, 0, true);
	CHECK_EQ(virtqueue_add(&vq, pieces, 0, 0, &cookies[0]), -EINVAL);
	CHECK_EQ(virtqueue_add(&vq, pieces, 2, 0, &cookies[0]), -EINVAL);
	CHECK_EQ(virtqueue_add(&vq, pieces, 0, 2, &cookies[0]), -EINVAL);
	CHECK_EQ(virtqueue_add(&vq, large, 2, 0, &cookies[0]), -EINVAL);
	CHECK_EQ(virtqueue_add(&vq, large, 1, 1, &cookies[0]), -EINVAL);
	CHECK_EQ(add_pieces(SIZE, 1, 0), -EINVAL);
	CHECK_EQ(vq.free_count, SIZE);
	CHECK(!virtqueue_kick(&vq));
	CHECK(virtqueue_check(&vq) == NULL);
}

TEST(virtqueue, layouts_out_of_range_are_refused)
{
	struct virtqueue_layout layout = {"fake", 0, 0, 0, false};

	CHECK_EQ(virtqueue_init(&vq, &layout, memory, slots), -EINVAL);
	layout.size = 24;
	CHECK_EQ(virtqueue_init(&vq, &layout, memory, slots), -EINVAL);
	layout.size = 2 * VIRTQUEUE_SIZE_MAX;
	CHECK_EQ(virtqueue_init(&vq, &layout, memory, slots), -EINVAL);
	layout.size = SIZE;
	layout.indirect_entries = VIRTQUEUE_CHAIN_MAX + 1;
	CHECK_EQ(virtqueue_init(&vq, &layout, memory, slots), -EINVAL);
	layout.indirect_entries = 0;
	CHECK_EQ(virtqueue_init(&vq, &layout, memory, slots), 0);
}

TEST(virtqueue, event_index_suppresses_notifications_until_asked)
{
	struct fake_chain chain;

	set_up(SIZE, 0, true);
	fake_ring_set_notify_event(&ring, 2);
	for (int i = 0; i < 4; i++) {
		CHECK_EQ(add_pieces(1, 0, i), 0);
		CHECK_EQ(virtqueue_kick(&vq), i == 2);
	}
	CHECK(fake_ring_pop(&ring, &chain));
}

TEST(virtqueue, flag_suppresses_notifications_without_event_index)
{
	set_up(SIZE, 0, false);
	ring16_store(&ring.used->flags, RING_USED_NO_NOTIFY);
	CHECK_EQ(add_pieces(1, 0, 0), 0);
	CHECK(!virtqueue_kick(&vq));
	ring16_store(&ring.used->flags, 0);
	CHECK_EQ(add_pieces(1, 0, 1), 0);
	CHECK(virtqueue_kick(&vq));
}

TEST(virtqueue, one_interrupt_for_a_whole_batch)
{
	uint16_t heads[4];
	uint32_t written;

	set_up(SIZE, 0, true);
	for (int round = 0; round < 40000; round++) {
		for (int i = 0; i < 4; i++)
			heads[i] = hand_out(i);
		if (virtqueue_arm(&vq, 4))
			CHECK(!"armed as if all were back");
		for (int i = 0; i < 4; i++) {
			fake_ring_push(&ring, heads[i], 0);
			if (fake_ring_interrupts(&ring) != (i == 3))
				CHECK(!"interrupt at the wrong buffer");
		}
		if (!virtqueue_arm(&vq, 4))
			CHECK(!"armed again although all are back");
		while (virtqueue_take(&vq, &written))
			;
	}
	CHECK_EQ(vq.outstanding, 0);
	CHECK(!virtqueue_is_broken(&vq));
	CHECK(virtqueue_check(&vq) == NULL);
}

TEST(virtqueue, disarmed_queue_is_not_interrupted)
{
	uint32_t written;

	for (int event_index = 0; event_index < 2; event_index++) {
		set_up(SIZE, 0, event_index);
		for (int i = 0; i < 100; i++) {
			fake_ring_push(&ring, hand_out(0), 0);
			CHECK(!fake_ring_interrupts(&ring));
			CHECK(virtqueue_take(&vq, &written) == &cookies[0]);
			virtqueue_disarm(&vq);
		}
		REQUIRE(!virtqueue_arm(&vq, 1));
		fake_ring_push(&ring, hand_out(0), 0);
		CHECK(fake_ring_interrupts(&ring));
	}
}

TEST(virtqueue, wild_used_index_breaks_the_queue)
{
	static const uint16_t wild[] = {3, 100, 32768, 65535};

	for (unsigned i = 0; i < ARRAY_SIZE(wild); i++) {
		set_up(SIZE, 0, true);
		hand_out(0);
		hand_out(1);
		fake_ring_set_used(&ring, wild[i]);
		check_broken_and_recoverable(2);
	}
}

TEST(virtqueue, buffers_not_published_do_not_count_for_the_used_index)
{
	set_up(SIZE, 0, true);
	hand_out(0);
	CHECK_EQ(add_pieces(1, 0, 1), 0);
	fake_ring_set_used(&ring, 2);
	check_broken_and_recoverable(2);
}

TEST(virtqueue, id_out_of_range_breaks_the_queue)
{
	static const uint32_t ids[] = {SIZE, 65535, 65536, UINT32_MAX};

	for (unsigned i = 0; i < ARRAY_SIZE(ids); i++) {
		set_up(SIZE, 0, true);
		hand_out(0);
		fake_ring_push(&ring, ids[i], 0);
		check_broken_and_recoverable(1);
	}
}

TEST(virtqueue, second_acknowledgement_of_a_buffer_breaks_the_queue)
{
	uint32_t written;
	uint16_t head;

	set_up(SIZE, 0, true);
	head = hand_out(0);
	hand_out(1);
	fake_ring_push(&ring, head, 0);
	CHECK(virtqueue_take(&vq, &written) == &cookies[0]);
	fake_ring_push(&ring, head, 0);
	check_broken_and_recoverable(1);
}

TEST(virtqueue, middle_of_a_chain_is_no_buffer)
{
	uint16_t head;

	set_up(SIZE, 0, true);
	head = hand_out(0);
	fake_ring_push(&ring, head + 1u, 0);
	check_broken_and_recoverable(1);
}

TEST(virtqueue, guessed_number_of_an_unpublished_buffer_breaks_the_queue)
{
	set_up(SIZE, 0, true);
	hand_out(0);
	CHECK_EQ(add_pieces(1, 0, 1), 0);
	fake_ring_push(&ring, 2, 0);
	check_broken_and_recoverable(2);
}

TEST(virtqueue, length_beyond_the_buffer_breaks_the_queue)
{
	set_up(SIZE, 0, true);
	fake_ring_push(&ring, hand_out(0), 9);
	check_broken_and_recoverable(1);
}

TEST(virtqueue, length_that_counts_read_bytes_is_cut_to_the_writable_part)
{
	struct fake_chain chain;
	uint32_t written;

	set_up(SIZE, 0, true);
	CHECK_EQ(add_pieces(2, 1, 0), 0);
	virtqueue_kick(&vq);
	REQUIRE(fake_ring_pop(&ring, &chain));
	fake_ring_push(&ring, chain.head, 12);
	CHECK(virtqueue_take(&vq, &written) == &cookies[0]);
	CHECK_EQ(written, 4);
}

TEST(virtqueue, scribbled_descriptors_do_not_hurt_the_driver)
{
	uint32_t written;
	uint16_t head;

	set_up(SIZE, 0, true);
	head = hand_out(0);
	memset(ring.descriptors, 0xff, SIZE * sizeof(*ring.descriptors));
	fake_ring_push(&ring, head, 0);
	CHECK(virtqueue_take(&vq, &written) == &cookies[0]);
	CHECK(virtqueue_check(&vq) == NULL);
	CHECK_EQ(add_pieces(SIZE, 0, 1), 0);
	CHECK(virtqueue_check(&vq) == NULL);
}

TEST(virtqueue, ring_bytes_are_little_endian)
{
	const uint8_t *d = (const uint8_t *)memory;

	set_up(SIZE, 0, true);
	CHECK_EQ(add_pieces(1, 1, 0), 0);
	virtqueue_kick(&vq);
	CHECK_EQ(le64_load(d), (uintptr_t)data);
	CHECK_EQ(d[8], 4);
	CHECK_EQ(d[12], RING_DESCRIPTOR_NEXT);
	CHECK_EQ(d[14], 1);
	CHECK_EQ(d[16 + 12], RING_DESCRIPTOR_WRITE);
	CHECK_EQ(d[SIZE * 16 + 2], 1);
}

static void random_step(uint16_t *out, unsigned *nr_out)
{
	struct fake_chain chain;
	uint32_t written;
	unsigned pick;

	switch (test_random_below(4)) {
	case 0:
		(void)!add_pieces((unsigned)test_random_below(4),
				  (unsigned)test_random_below(4), 0);
		break;
	case 1:
		virtqueue_kick(&vq);
		break;
	case 2:
		if (fake_ring_pop(&ring, &chain))
			out[(*nr_out)++] = chain.head;
		break;
	default:
		if (*nr_out == 0)
			break;
		pick = (unsigned)test_random_below(*nr_out);
		fake_ring_push(&ring, out[pick], 0);
		out[pick] = out[--*nr_out];
		CHECK(virtqueue_take(&vq, &written) == &cookies[0]);
	}
}

TEST(virtqueue, random_order_keeps_every_descriptor)
{
	uint16_t out[64];

	for (unsigned indirect = 0; indirect <= INDIRECT; indirect += INDIRECT) {
		unsigned nr_out = 0;

		set_up(16, indirect, true);
		for (int i = 0; i < 100000; i++) {
			random_step(out, &nr_out);
			if (virtqueue_check(&vq))
				REQUIRE(!virtqueue_check(&vq));
		}
		CHECK(!virtqueue_is_broken(&vq));
	}
}
