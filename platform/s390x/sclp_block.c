// SPDX-License-Identifier: MIT
/*
 * Building and reading service-processor blocks.
 */
#include "sclp_block.h"

#include "ebcdic.h"

#include <kernel/bits.h>

/* Header of a block. */
#define BLOCK_LENGTH     0
#define BLOCK_CONTROL    3 /* three bytes */
#define BLOCK_RESPONSE   6
#define BLOCK_HEADER     8
/* In the third control byte: the answer may be of any length. */
#define CONTROL_VARIABLE 0x80

/* Event mask block: a length of masks, then four of them. */
#define MASK_LENGTH      10
#define MASK_RECEIVE     12
#define MASK_SEND        16
#define MASK_CAN_RECEIVE 20
#define MASK_CAN_SEND    24
#define MASK_BLOCK       28

/* Header of an event. */
#define EVENT_LENGTH 0
#define EVENT_TYPE   2
#define EVENT_HEADER 6

/* Message data block: header, one general object, one text object. */
#define MDB_TYPE            2 /* 1 */
#define MDB_TAG             4 /* "MDB " */
#define MDB_REVISION        8
#define MDB_HEADER          12
#define OBJECT_TYPE         2
#define OBJECT_GENERAL      1
#define OBJECT_GENERAL_SIZE 56
#define OBJECT_TEXT         4
#define TEXT_FLAGS          4
#define TEXT_FLAG_END       0x1000 /* end of a line */
#define TEXT_HEADER         10

/* Nested vectors of operator input. */
#define VECTOR_HEADER     4 /* length, type */
#define VECTOR_MDS_MU     0x1310
#define VECTOR_CP_MSU     0x1212
#define VECTOR_TEXT       0x1320
#define SUBVECTOR_HEADER  2 /* length, key */
#define SUBVECTOR_MESSAGE 0x31
#define SUBVECTOR_TEXT    0x30

/* READ SCP INFO. */
#define INFO_INCREMENTS      8
#define INFO_INCREMENT_MIB   10
#define INFO_CPUS            16
#define INFO_INCREMENT_MIB_2 100
#define INFO_INCREMENTS_2    104
/* Far above any machine, and every one of them is looked at: 2^60 bytes. */
#define INCREMENT_MIB_MAX    (UINT64_C(1) << 20)
#define INCREMENTS_MAX       (UINT64_C(1) << 20)

void sclp_block_start(uint8_t *block, size_t length)
{
	memset(block, 0, length);
	be16_store(block + BLOCK_LENGTH, (uint16_t)length);
}

uint16_t sclp_block_response(const uint8_t *block)
{
	return be16_load(block + BLOCK_RESPONSE);
}

void sclp_mask_build(uint8_t *block, uint32_t receive, uint32_t send)
{
	sclp_block_start(block, MASK_BLOCK);
	be16_store(block + MASK_LENGTH, 4);
	be32_store(block + MASK_RECEIVE, receive);
	be32_store(block + MASK_SEND, send);
}

bool sclp_mask_parse(const uint8_t *block, uint32_t *can_send, uint32_t *can_receive)
{
	if (sclp_block_response(block) != SCLP_RESPONSE_OK ||
	    be16_load(block + MASK_LENGTH) != 4)
		return false;
	*can_receive = be32_load(block + MASK_CAN_RECEIVE);
	*can_send = be32_load(block + MASK_CAN_SEND);
	return true;
}

void sclp_read_build(uint8_t *block)
{
	sclp_block_start(block, SCLP_BLOCK_SIZE);
	block[BLOCK_CONTROL + 2] = CONTROL_VARIABLE;
}

/* A block with one event whose data is `length` long. */
static uint8_t *event_build(uint8_t *block, uint8_t type, size_t length)
{
	uint8_t *event = block + BLOCK_HEADER;

	sclp_block_start(block, BLOCK_HEADER + EVENT_HEADER + length);
	be16_store(event + EVENT_LENGTH, (uint16_t)(EVENT_HEADER + length));
	event[EVENT_TYPE] = type;
	return event + EVENT_HEADER;
}

size_t sclp_ascii_build(uint8_t *block, const char *text, size_t length)
{
	size_t room = SCLP_BLOCK_SIZE - BLOCK_HEADER - EVENT_HEADER;
	uint8_t *data = block + BLOCK_HEADER + EVENT_HEADER;
	size_t used = 0;
	size_t taken = 0;

	for (; taken < length && used + 2 <= room; taken++) {
		if (text[taken] == '\n')
			data[used++] = '\r';
		data[used++] = (uint8_t)text[taken];
	}
	/* The header clears what it covers, and only that. */
	sclp_block_start(block, BLOCK_HEADER + EVENT_HEADER);
	be16_store(block + BLOCK_LENGTH, (uint16_t)(BLOCK_HEADER + EVENT_HEADER + used));
	be16_store(block + BLOCK_HEADER + EVENT_LENGTH, (uint16_t)(EVENT_HEADER + used));
	block[BLOCK_HEADER + EVENT_TYPE] = SCLP_EVENT_ASCII;
	return taken;
}

void sclp_line_build(uint8_t *block, const char *text, size_t length)
{
	static const uint8_t tag[4] = {0xd4, 0xc4, 0xc2, 0x40};
	size_t used = MIN(length, (size_t)SCLP_LINE_MAX);
	size_t size = MDB_HEADER + OBJECT_GENERAL_SIZE + TEXT_HEADER + used;
	uint8_t *mdb = event_build(block, SCLP_EVENT_MESSAGE, size);
	uint8_t *general = mdb + MDB_HEADER;
	uint8_t *object = general + OBJECT_GENERAL_SIZE;

	be16_store(mdb, (uint16_t)size);
	be16_store(mdb + MDB_TYPE, 1);
	memcpy(mdb + MDB_TAG, tag, sizeof(tag));
	be32_store(mdb + MDB_REVISION, 1);
	be16_store(general, OBJECT_GENERAL_SIZE);
	be16_store(general + OBJECT_TYPE, OBJECT_GENERAL);
	be16_store(object, (uint16_t)(TEXT_HEADER + used));
	be16_store(object + OBJECT_TYPE, OBJECT_TEXT);
	be16_store(object + TEXT_FLAGS, TEXT_FLAG_END);
	for (size_t i = 0; i < used; i++)
		object[TEXT_HEADER + i] = ebcdic_from_ascii(text[i]);
}

bool sclp_event_next(const uint8_t *block, size_t *cursor, struct sclp_event *event)
{
	size_t end = MIN(be16_load(block + BLOCK_LENGTH), SCLP_BLOCK_SIZE);
	size_t at = MAX(*cursor, (size_t)BLOCK_HEADER);
	size_t length;

	if (at > end || end - at < EVENT_HEADER)
		return false;
	length = be16_load(block + at + EVENT_LENGTH);
	if (length < EVENT_HEADER || length > end - at)
		return false;
	event->type = block[at + EVENT_TYPE];
	event->data = block + at + EVENT_HEADER;
	event->length = length - EVENT_HEADER;
	*cursor = at + length;
	return true;
}

/* A piece of an event. */
struct span {
	const uint8_t *start;
	size_t length;
};

/*
 * From inside the first vector of this type to the end of the event; empty when there is none.
 * QEMU on a little-endian host writes types in its own byte order, and its vectors end before
 * the text that they hold.
 */
static struct span vector_find(struct span in, uint16_t type)
{
	while (in.length >= VECTOR_HEADER) {
		size_t length = be16_load(in.start);

		if (length < VECTOR_HEADER || length > in.length)
			break;
		if (be16_load(in.start + 2) == type || le16_load(in.start + 2) == type)
			return (struct span){in.start + VECTOR_HEADER,
					     in.length - VECTOR_HEADER};
		in = (struct span){in.start + length, in.length - length};
	}
	return (struct span){in.start, 0};
}

/* What stands in the first subvector with this key. A length of 0, again QEMU's, means all that
 * follows. */
static struct span subvector_find(struct span in, uint8_t key)
{
	while (in.length >= SUBVECTOR_HEADER) {
		size_t length = in.start[0] ? in.start[0] : in.length;

		if (length < SUBVECTOR_HEADER || length > in.length)
			break;
		if (in.start[1] == key)
			return (struct span){in.start + SUBVECTOR_HEADER,
					     length - SUBVECTOR_HEADER};
		in = (struct span){in.start + length, in.length - length};
	}
	return (struct span){in.start, 0};
}

static size_t command_text(struct span event, char *text, size_t size)
{
	struct span unit = vector_find(event, VECTOR_MDS_MU);
	struct span message = vector_find(vector_find(unit, VECTOR_CP_MSU), VECTOR_TEXT);
	struct span line =
		subvector_find(subvector_find(message, SUBVECTOR_MESSAGE), SUBVECTOR_TEXT);
	size_t used = 0;

	if (line.length == 0 || size == 0)
		return 0;
	for (; used < line.length && used + 1 < size; used++)
		text[used] = ebcdic_to_ascii(line.start[used]);
	text[used++] = '\n';
	return used;
}

size_t sclp_event_text(const struct sclp_event *event, char *text, size_t size)
{
	struct span data = {event->data, event->length};
	size_t used;

	if (event->type == SCLP_EVENT_COMMAND || event->type == SCLP_EVENT_PRIORITY)
		return command_text(data, text, size);
	/* The first byte says what an ASCII console sends: 0 is characters. */
	if (event->type != SCLP_EVENT_ASCII || data.length == 0 || data.start[0] != 0)
		return 0;
	used = MIN(data.length - 1, size);
	memcpy(text, data.start + 1, used);
	return used;
}

const char *sclp_info_parse(const uint8_t *block, struct sclp_info *info)
{
	uint64_t mib = block[INFO_INCREMENT_MIB];
	uint64_t increments = be16_load(block + INFO_INCREMENTS);

	*info = (struct sclp_info){0};
	if (sclp_block_response(block) != SCLP_RESPONSE_INFO)
		return "the service processor does not tell the memory size";
	/* The large fields count where the small ones are 0. */
	if (mib == 0)
		mib = be32_load(block + INFO_INCREMENT_MIB_2);
	if (increments == 0)
		increments = be64_load(block + INFO_INCREMENTS_2);
	if (!is_power_of_two(mib) || mib > INCREMENT_MIB_MAX || increments == 0 ||
	    increments > INCREMENTS_MAX)
		return "the service processor's memory size makes no sense";
	*info = (struct sclp_info){.increment = mib << 20,
				   .increments = increments,
				   .cpus = be16_load(block + INFO_CPUS)};
	return NULL;
}
