// SPDX-License-Identifier: MIT
/*
 * One line of JSON, piece by piece.
 */
#include <kernel/json.h>

#include <kernel/assert.h>
#include <kernel/format.h>
#include <kernel/log.h>
#include <string.h>

static void json_flush(struct json *json)
{
	if (json->used > 0)
		print_text(json->buffer, json->used);
	json->used = 0;
}

static void json_put(struct json *json, const char *text)
{
	for (; *text; text++) {
		if (json->used == sizeof(json->buffer))
			json_flush(json);
		json->buffer[json->used++] = *text;
	}
}

static void json_put_character(struct json *json, unsigned char c)
{
	char text[8];

	if (c == '"' || c == '\\')
		format(text, sizeof(text), "\\%c", c);
	else if (c < ' ' || c > '~')
		format(text, sizeof(text), "\\u%04x", c);
	else
		format(text, sizeof(text), "%c", c);
	json_put(json, text);
}

static void json_put_string(struct json *json, const char *text)
{
	json_put(json, "\"");
	for (; *text; text++)
		json_put_character(json, (unsigned char)*text);
	json_put(json, "\"");
}

/* What stands before every value: comma and key. */
static void json_member(struct json *json, const char *key)
{
	bool in_object = json->depth > 0 && json->closers[json->depth - 1] == '}';

	ASSERT(in_object == (key != NULL));
	if (json->has_member)
		json_put(json, ",");
	json->has_member = true;
	if (key) {
		json_put_string(json, key);
		json_put(json, ":");
	}
}

static void json_open(struct json *json, const char *key, const char *opener, char closer)
{
	json_member(json, key);
	ASSERT(json->depth < JSON_DEPTH_MAX);
	json->closers[json->depth++] = closer;
	json->has_member = false;
	json_put(json, opener);
}

void json_start(struct json *json)
{
	json->depth = 0;
	json->has_member = false;
	json->used = 0;
}

void json_object(struct json *json, const char *key)
{
	json_open(json, key, "{", '}');
}

void json_array(struct json *json, const char *key)
{
	json_open(json, key, "[", ']');
}

void json_end(struct json *json)
{
	ASSERT(json->depth > 0);
	char closer[2] = {json->closers[--json->depth], '\0'};

	json_put(json, closer);
	json->has_member = true;
}

void json_string(struct json *json, const char *key, const char *value)
{
	if (!value) {
		json_null(json, key);
		return;
	}
	json_member(json, key);
	json_put_string(json, value);
}

void json_format(struct json *json, const char *key, const char *pattern, ...)
{
	char text[256];
	va_list args;

	va_start(args, pattern);
	format_va(text, sizeof(text), pattern, args);
	va_end(args);
	json_string(json, key, text);
}

static void json_put_number(struct json *json, const char *key, bool negative, uint64_t value)
{
	char text[24];

	json_member(json, key);
	format(text, sizeof(text), "%s%llu", negative ? "-" : "", (unsigned long long)value);
	json_put(json, text);
}

void json_number(struct json *json, const char *key, uint64_t value)
{
	json_put_number(json, key, false, value);
}

void json_signed(struct json *json, const char *key, int64_t value)
{
	json_put_number(json, key, value < 0,
			value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

void json_bool(struct json *json, const char *key, bool value)
{
	json_member(json, key);
	json_put(json, value ? "true" : "false");
}

void json_null(struct json *json, const char *key)
{
	json_member(json, key);
	json_put(json, "null");
}

void json_finish(struct json *json)
{
	while (json->depth > 0)
		json_end(json);
	json_put(json, "\n");
	json_flush(json);
}

bool json_wanted(int argc, char **argv)
{
	return argc > 1 && strcmp(argv[1], "-j") == 0;
}
