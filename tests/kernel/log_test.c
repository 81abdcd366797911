// SPDX-License-Identifier: MIT
/*
 * The log: levels, the ring, and that lines stay whole.
 */
#include <kernel/log.h>
#include <kernel/thread.h>
#include <tests/kernel/text_sink.h>
#include <tests/test.h>

#include <string.h>

static unsigned count(const char *text, const char *what)
{
	unsigned found = 0;

	while ((text = strstr(text, what)) != NULL) {
		found++;
		text += strlen(what);
	}
	return found;
}

TEST(log, lines_above_the_level_stay_in_the_ring)
{
	enum log_level before = log_level();

	text_sink_open();
	log_set_level(LOG_WARN);
	log_info("logtest: quiet %d", 1);
	log_warn("logtest: loud");
	log_error("logtest: bad\n");
	CHECK_EQ(count(text_sink_peek(), "quiet"), 0);
	CHECK_EQ(count(text_sink_peek(), "warning: logtest: loud\n"), 1);
	CHECK_EQ(count(text_sink_peek(), "error: logtest: bad\n"), 1);
	log_print_ring();
	log_set_level(before);
	CHECK_EQ(count(text_sink_close(), "logtest: quiet 1\n"), 1);
}

TEST(log, a_line_is_one_line)
{
	text_sink_open();
	log_error("logtest: a\nb\x1b[2J");
	const char *text = text_sink_close();
	CHECK(strstr(text, "logtest: a b [2J\n") != NULL);
	CHECK_EQ(count(text, "\n"), 1);
}

TEST(log, long_text_is_cut_and_ends_with_a_newline)
{
	char text[2 * LOG_LINE_MAX];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	text_sink_open();
	log_error("%s", text);
	const char *line = text_sink_close();
	size_t length = strlen(line);
	CHECK(length >= LOG_LINE_MAX && length < sizeof(text));
	CHECK(line[length - 1] == '\n');
}

TEST(log, waits_for_the_end_of_a_printed_line)
{
	text_sink_open();
	print("{\"half\":");
	log_error("logtest: in between");
	CHECK_STR(text_sink_peek(), "{\"half\":");
	print("1}\n");
	const char *text = text_sink_close();
	CHECK(strncmp(text, "{\"half\":1}\n[", 12) == 0);
	CHECK_EQ(count(text, "logtest: in between\n"), 1);
}

TEST(log, finish_line_ends_only_an_unfinished_line)
{
	text_sink_open();
	print_finish_line();
	CHECK_STR(text_sink_peek(), "");
	print("half");
	print_finish_line();
	print_finish_line();
	CHECK_STR(text_sink_close(), "half\n");
}

TEST(log, interrupts_an_interactive_line_and_says_so)
{
	unsigned before = log_interruptions();

	text_sink_open();
	log_write_interactive("prompt> ", 8);
	log_error("logtest: news");
	CHECK_EQ(log_interruptions(), before + 1);
	const char *text = text_sink_close();
	CHECK(strncmp(text, "prompt> \n[", 10) == 0);
	CHECK_EQ(count(text, "logtest: news\n"), 1);
}

TEST(log, ring_keeps_the_newest_whole_lines)
{
	enum log_level before = log_level();

	log_set_level(LOG_ERROR);
	for (unsigned i = 0; i < 5000; i++)
		log_info("ringtest: line %u of many, with some text to fill the ring", i);
	text_sink_open();
	log_print_ring();
	const char *text = text_sink_close();
	log_set_level(before);
	CHECK_EQ(count(text, "ringtest: line 4999 of"), 1);
	CHECK_EQ(count(text, "ringtest: line 0 of"), 0);
	CHECK(count(text, "ringtest: line") > 500);
	CHECK_EQ(count(text, "ringtest: line"), count(text, "\n"));
	CHECK(text[0] == '[');
}

TEST(log, print_marks_what_it_cut)
{
	char text[PRINT_MAX + 100];

	memset(text, 'y', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	text_sink_open();
	print("%s", text);
	const char *printed = text_sink_close();
	CHECK_EQ(strlen(printed), PRINT_MAX + 6);
	CHECK(strstr(printed, "y[cut]\n") != NULL);
}

static unsigned pager_calls;

static void pager(const char *text, size_t length)
{
	pager_calls += length > 0 && text[length - 1] == '\n';
}

TEST(log, pager_sees_every_printed_line_before_it_is_shown)
{
	pager_calls = 0;
	text_sink_open();
	print_set_pager(pager);
	print("one\ntwo\nthree\n");
	log_error("logtest: not paged");
	print_set_pager(NULL);
	print("four\n");
	text_sink_close();
	CHECK_EQ(pager_calls, 3);
}

#define WRITERS      4
#define LINES_OF_ONE 150

static int write_lines(void *arg)
{
	unsigned writer = (unsigned)(uintptr_t)arg;

	for (unsigned i = 0; i < LINES_OF_ONE; i++) {
		if (i % 3 == 0)
			print("<%u prints %u and prints %u>\n", writer, i, i);
		else
			log_error("<%u logs %u and logs %u>", writer, i, i);
	}
	return 0;
}

/* Every line ends with '>' and holds exactly one '<'. */
static bool lines_are_whole(const char *text)
{
	while (*text) {
		const char *end = strchr(text, '\n');
		const char *open = strchr(text, '<');

		if (!end || !open || open > end || end[-1] != '>' ||
		    memchr(open + 1, '<', (size_t)(end - open - 1)))
			return false;
		text = end + 1;
	}
	return true;
}

TEST(log, lines_of_many_threads_stay_whole)
{
	struct thread_attributes attributes = {
		.name = "log writer", .cpu = THREAD_ANY_CPU, .priority = THREAD_NORMAL};
	struct thread *writers[WRITERS];

	text_sink_open();
	for (uintptr_t i = 0; i < WRITERS; i++)
		writers[i] = thread_create(&attributes, write_lines, (void *)i);
	for (unsigned i = 0; i < WRITERS; i++)
		if (writers[i])
			thread_join(writers[i]);
	const char *text = text_sink_close();
	CHECK_EQ(count(text, "\n"), WRITERS * LINES_OF_ONE);
	CHECK_EQ(count(text, "<3 logs 149 and logs 149>\n"), 1);
	CHECK(lines_are_whole(text));
}
