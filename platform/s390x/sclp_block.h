// SPDX-License-Identifier: MIT
/*
 * What goes to the service processor and comes back: the control block (SCCB) and the events in
 * it. Pure functions on bytes, big-endian; whatever comes back is an outsider's word and is
 * checked. Source of layouts: the SCLP interface as kvm-unit-tests, QEMU and Linux use it; it
 * is not published by its maker.
 */
#ifndef PLATFORM_S390X_SCLP_BLOCK_H
#define PLATFORM_S390X_SCLP_BLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SCLP_BLOCK_SIZE 4096

/* Response codes. */
#define SCLP_RESPONSE_INFO 0x0010
#define SCLP_RESPONSE_OK   0x0020

/* Event types, and their bits in masks. */
#define SCLP_EVENT_COMMAND    0x01 /* input of a line-mode console */
#define SCLP_EVENT_MESSAGE    0x02 /* output to one */
#define SCLP_EVENT_PRIORITY   0x09 /* input, urgent */
#define SCLP_EVENT_ASCII      0x1a /* full-screen console, both ways */
#define SCLP_EVENT_MASK(type) (UINT32_C(1) << (32 - (type)))

/* Start a block: its length, the rest of the header clear. */
void sclp_block_start(uint8_t *block, size_t length);
uint16_t sclp_block_response(const uint8_t *block);

/* The block of WRITE EVENT MASK: what we want to receive and to send. */
void sclp_mask_build(uint8_t *block, uint32_t receive, uint32_t send);
/* What the other side can: send to us, and receive from us. False if the answer is malformed.
 */
bool sclp_mask_parse(const uint8_t *block, uint32_t *can_send, uint32_t *can_receive);

/* The block of READ EVENT DATA. */
void sclp_read_build(uint8_t *block);

/*
 * The block of WRITE EVENT DATA that shows text on an ASCII console: '\n' becomes "\r\n".
 * Returns how many characters of text fitted; call again for the rest.
 */
size_t sclp_ascii_build(uint8_t *block, const char *text, size_t length);
/* The same for a line-mode console: text, converted to EBCDIC, as one line of at most
 * SCLP_LINE_MAX characters. */
#define SCLP_LINE_MAX 240
void sclp_line_build(uint8_t *block, const char *text, size_t length);

/* Walk the events of a block that READ EVENT DATA filled; start with *cursor = 0. False at the
 * end, and where a length makes no sense. */
struct sclp_event {
	uint8_t type;
	const uint8_t *data;
	size_t length;
};
bool sclp_event_next(const uint8_t *block, size_t *cursor, struct sclp_event *event);

/* Characters in an event of type COMMAND, PRIORITY or ASCII, converted to ASCII, at most size;
 * a line-mode one ends with '\n'. 0 when there is no text in it. */
size_t sclp_event_text(const struct sclp_event *event, char *text, size_t size);

/* READ SCP INFO. */
struct sclp_info {
	uint64_t increment; /* bytes of one storage increment */
	uint64_t increments;
	unsigned cpus; /* 0: not said */
};
/* NULL, or a message for people; info is then all zero. */
const char *sclp_info_parse(const uint8_t *block, struct sclp_info *info);

#endif
