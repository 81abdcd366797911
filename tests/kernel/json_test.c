// SPDX-License-Identifier: MIT
/*
 * The JSON line writer.
 */
#include <kernel/json.h>
#include <tests/kernel/text_sink.h>
#include <tests/test.h>

#include <string.h>

TEST(json, writes_one_line_with_commas_in_place)
{
	struct json json;

	text_sink_open();
	json_start(&json);
	json_object(&json, NULL);
	json_number(&json, "a", UINT64_MAX);
	json_array(&json, "b");
	json_signed(&json, NULL, -5);
	json_signed(&json, NULL, INT64_MIN);
	json_bool(&json, NULL, true);
	json_object(&json, NULL);
	json_end(&json);
	json_null(&json, NULL);
	json_end(&json);
	json_string(&json, "c", NULL);
	json_format(&json, "d", "%02x", 10);
	json_end(&json);
	json_finish(&json);
	CHECK_STR(text_sink_close(),
		  "{\"a\":18446744073709551615,\"b\":[-5,-9223372036854775808,"
		  "true,{},null],\"c\":null,\"d\":\"0a\"}\n");
}

TEST(json, escapes_what_would_break_the_line)
{
	struct json json;

	text_sink_open();
	json_start(&json);
	json_string(&json, NULL, "q\" b\\ n\n t\t e\x1b \xc3\xa4");
	json_finish(&json);
	CHECK_STR(text_sink_close(),
		  "\"q\\\" b\\\\ n\\u000a t\\u0009 e\\u001b \\u00c3\\u00a4\"\n");
}

TEST(json, line_longer_than_the_buffer_stays_one_line)
{
	struct json json;

	text_sink_open();
	json_start(&json);
	json_array(&json, NULL);
	for (unsigned i = 0; i < 500; i++)
		json_number(&json, NULL, i);
	json_finish(&json);
	const char *text = text_sink_close();
	size_t length = strlen(text);
	/* 10 + 90*2 + 400*3 digits, 499 commas, 2 brackets, newline. */
	CHECK_EQ(length, 10 + 180 + 1200 + 499 + 3);
	CHECK(strchr(text, '\n') == text + length - 1);
}

TEST_PANICS(json, value_without_key_in_an_object_is_our_bug, "in_object")
{
	struct json json;

	json_start(&json);
	json_object(&json, NULL);
	json_number(&json, NULL, 1);
}

TEST_PANICS(json, too_deep_is_our_bug, "JSON_DEPTH_MAX")
{
	struct json json;

	json_start(&json);
	for (unsigned i = 0; i < 17; i++)
		json_array(&json, NULL);
}
