// SPDX-License-Identifier: MIT
/*
 * The input is a program for both sides of one virtqueue: the driver adds, kicks and takes, the
 * device acknowledges, lies and scribbles over all memory it shares. The driver side must stay
 * consistent and return every buffer exactly once, the last ones after a reset.
 * Byte 0 chooses size, indirect tables and event index; then one byte per step with arguments.
 */
#include <drivers/virtio/virtqueue.h>

#include <kernel/assert.h>
#include <kernel/log.h>
#include <platform/memory.h>
#include <tests/drivers/fake_ring.h>

#define SIZE_MAX_LOG 4
#define BUFFERS      64

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static ALIGNED(16) char memory[8192];
static struct virtqueue_slot slots[1 << SIZE_MAX_LOG];
static struct virtqueue vq;
static struct fake_ring ring;
static bool out[BUFFERS]; /* cookie is with the queue */
static char data[16];
static unsigned interrupts;

struct input {
	const uint8_t *bytes;
	size_t length;
};

static uint8_t next_byte(struct input *in)
{
	if (in->length == 0)
		return 0;
	in->length--;
	return *in->bytes++;
}

static uint16_t next_word(struct input *in)
{
	uint16_t high = next_byte(in);

	return (uint16_t)(high << 8 | next_byte(in));
}

static void ignore_text(const char *text, size_t length)
{
	(void)text;
	(void)length;
}

static void ignore_notify(struct virtqueue *queue)
{
	(void)queue;
}

static void step_add(struct input *in)
{
	struct virtqueue_piece pieces[VIRTQUEUE_CHAIN_MAX + 8];
	uint8_t counts = next_byte(in);
	unsigned nr_read = counts & 7u, nr_write = counts >> 3;
	uint8_t cookie = next_byte(in) % BUFFERS;
	bool huge = next_byte(in) == 255;

	for (unsigned i = 0; i < nr_read + nr_write; i++) {
		pieces[i].start = virt_to_phys(data);
		pieces[i].length = huge ? UINT32_MAX : (i + 1) % 17;
	}
	if (out[cookie])
		return;
	out[cookie] = virtqueue_add(&vq, pieces, nr_read, nr_write, &out[cookie]) == 0;
	ASSERT(!out[cookie] || nr_read + nr_write > 0);
}

static void returned(bool *cookie)
{
	ASSERT(cookie >= out && cookie < out + BUFFERS);
	ASSERT(*cookie);
	*cookie = false;
}

static void step_take(void)
{
	uint32_t written;
	bool *cookie = virtqueue_take(&vq, &written);

	ASSERT(cookie || written == 0);
	if (cookie)
		returned(cookie);
}

static void step_device(uint8_t operation, struct input *in)
{
	uint16_t head;

	switch (operation) {
	case 0:
		if (fake_ring_pop_head(&ring, &head) && next_byte(in) < 200)
			fake_ring_push(&ring, head, next_byte(in));
		break;
	case 1:
		fake_ring_push(&ring, next_word(in), next_byte(in));
		break;
	case 2:
		fake_ring_set_used(&ring, next_word(in));
		break;
	case 3:
		fake_ring_set_notify_event(&ring, next_word(in));
		break;
	case 4:
		memory[next_word(in) % virtqueue_memory_size(&vq.layout)] = (char)next_byte(in);
		break;
	default:
		interrupts += fake_ring_interrupts(&ring);
		break;
	}
}

static void step(struct input *in)
{
	uint8_t operation = next_byte(in) % 12;

	switch (operation) {
	case 0:
	case 1:
		step_add(in);
		break;
	case 2:
		virtqueue_kick(&vq);
		break;
	case 3:
		step_take();
		break;
	case 4:
		(void)!virtqueue_arm(&vq, 1u + next_byte(in));
		break;
	case 5:
		virtqueue_disarm(&vq);
		break;
	default:
		step_device(operation - 6, in);
		break;
	}
	ASSERT(!virtqueue_check(&vq));
}

static bool set_up(uint8_t choice)
{
	struct virtqueue_layout layout = {
		.device = "fuzz",
		.size = choice % 29 == 28 ? 24 : BIT(choice % (SIZE_MAX_LOG + 1)),
		.indirect_entries = choice & 0x40 ? 4 : 0,
		.event_index = choice >> 7,
	};

	memset(out, 0, sizeof(out));
	if (virtqueue_init(&vq, &layout, memory, slots))
		return false;
	vq.notify = ignore_notify;
	fake_ring_init(&ring, layout.size, layout.event_index,
		       virtqueue_descriptor_address(&vq), virtqueue_available_address(&vq),
		       virtqueue_used_address(&vq));
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	struct input in = {bytes, length};
	bool *cookie;

	log_set_sink(ignore_text);
	if (!set_up(next_byte(&in)))
		return 0;
	while (in.length > 0)
		step(&in);
	while ((cookie = virtqueue_detach(&vq)))
		returned(cookie);
	for (unsigned i = 0; i < BUFFERS; i++)
		ASSERT(!out[i]);
	ASSERT(!virtqueue_check(&vq));
	return 0;
}
