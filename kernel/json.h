// SPDX-License-Identifier: MIT
/*
 * Writer of exactly one line of JSON (RFC 8259), for report commands with -j. Commas and
 *escapes come by themselves; a value inside an object has a key, one inside an array or at the
 *top has NULL. Text goes to print_text() in pieces, so that the line may be of any length.
 *
 *	struct json json;
 *	json_start(&json);
 *	json_object(&json, NULL);
 *	json_number(&json, "free", 12);
 *	json_end(&json);
 *	json_finish(&json);
 */
#ifndef KERNEL_JSON_H
#define KERNEL_JSON_H

#include <kernel/attributes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JSON_DEPTH_MAX 16

struct json {
	unsigned depth;
	char closers[JSON_DEPTH_MAX]; /* '}' or ']' of each open level */
	bool has_member;              /* the open level needs a comma before its next member */
	size_t used;
	char buffer[256];
};

void json_start(struct json *json);

/* Open and close a level. */
void json_object(struct json *json, const char *key);
void json_array(struct json *json, const char *key);
void json_end(struct json *json);

/* A NULL value is written as null. Bytes above 0x7e become \u00XX: the line is plain ASCII. */
void json_string(struct json *json, const char *key, const char *value);
void json_format(struct json *json, const char *key, const char *pattern, ...)
	PRINTF_LIKE(3, 4);
void json_number(struct json *json, const char *key, uint64_t value);
void json_signed(struct json *json, const char *key, int64_t value);
void json_bool(struct json *json, const char *key, bool value);
void json_null(struct json *json, const char *key);

/* Close what is open, end the line and hand it out. */
void json_finish(struct json *json);

/* True if argv[1] is -j, with a place for it in every report command. */
bool json_wanted(int argc, char **argv);

#endif
