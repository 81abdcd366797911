// SPDX-License-Identifier: MIT
/*
 * The line editor against a terminal of one line that understands what the editor sends.
 */
#include <kernel/line_editor.h>
#include <tests/test.h>

#include <string.h>

#define COLUMNS 40

/* What a terminal would show. */
static char screen[COLUMNS + 1];
static unsigned column;
static unsigned lines;
static unsigned parameter;
static enum { TEXT, ESCAPE, CSI } state;
static char log_text[4096];

static void clear_from(unsigned from)
{
	memset(screen + from, ' ', COLUMNS - from);
}

static void show(char c)
{
	if (state == ESCAPE) {
		state = CSI;
		parameter = 0;
	} else if (state == CSI && c >= '0' && c <= '9') {
		parameter = parameter * 10 + (unsigned)(c - '0');
	} else if (state == CSI) {
		state = TEXT;
		if (c == 'K')
			clear_from(column);
		else if (c == 'C')
			column += parameter;
		else
			CHECK(!"an escape sequence the console knows");
	} else if (c == 0x1b) {
		state = ESCAPE;
	} else if (c == '\r') {
		column = 0;
	} else if (c == '\n') {
		lines++;
		clear_from(0);
	} else if (CHECK(column < COLUMNS)) {
		screen[column++] = c;
	}
}

static void output(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		show(text[i]);
	if (strlen(log_text) + length < sizeof(log_text))
		strncat(log_text, text, length);
}

static const char *complete(const char *prefix, size_t length, unsigned index)
{
	static const char *const words[] = {"balloon", "bench", "help", "mem", "memcg"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strncmp(words[i], prefix, length) == 0 && index-- == 0)
			return words[i];
	return NULL;
}

static const struct line_editor_operations operations = {output, complete};
static struct line_editor editor;
static enum line_event last_event;

static void start(void)
{
	memset(screen, 0, sizeof(screen));
	clear_from(0);
	column = 0;
	lines = 0;
	log_text[0] = '\0';
	line_editor_init(&editor, &operations, "> ", COLUMNS);
	line_editor_start(&editor);
	last_event = LINE_EDITING;
}

static enum line_event keys(const char *text)
{
	for (; *text; text++) {
		if (last_event != LINE_EDITING)
			line_editor_start(&editor);
		last_event = line_editor_key(&editor, *text);
	}
	return last_event;
}

static void check_shown(const char *text, unsigned at)
{
	char shown[COLUMNS + 1];

	strcpy(shown, screen);
	for (size_t i = COLUMNS; i > 0 && shown[i - 1] == ' '; i--)
		shown[i - 1] = '\0';
	CHECK_STR(shown, text);
	CHECK_EQ(column, at);
}

TEST(line_editor, types_a_line)
{
	start();
	CHECK_EQ(keys("mem -j"), LINE_EDITING);
	check_shown("> mem -j", 8);
	CHECK_EQ(keys("\r"), LINE_DONE);
	CHECK_STR(editor.text, "mem -j");
	CHECK_EQ(lines, 1);
	line_editor_start(&editor);
	CHECK_EQ(keys("\n"), LINE_EDITING); /* the second half of CR LF */
	CHECK_EQ(keys("\n"), LINE_DONE);
	CHECK_STR(editor.text, "");
}

TEST(line_editor, moves_and_deletes)
{
	start();
	keys("abcdef\x01X\x05Y\x02\x02\x7f");
	check_shown("> XabcdfY", 7);
	keys("\x1b[D\x1b[D\x1b[3~\x1b[C\x04");
	check_shown("> XabdY", 6);
	keys("\x1b[H\x1b[3~\x1b[4~\b");
	check_shown("> abd", 5);
	keys("\x02\x0b");
	check_shown("> ab", 4);
	keys(" cd  \x17");
	check_shown("> ab", 5);
	keys("\x15");
	check_shown(">", 2);
	CHECK_EQ(editor.length, 0);
}

TEST(line_editor, control_d_ends_only_an_empty_line)
{
	start();
	CHECK_EQ(keys("a\x04"), LINE_EDITING);
	CHECK_EQ(keys("\x7f\x04"), LINE_END);
	CHECK_EQ(keys("abc\x03"), LINE_CANCELLED);
	/* The delete key is no control D. */
	CHECK_EQ(keys("\x1b[3~"), LINE_EDITING);
}

TEST(line_editor, recalls_history_and_keeps_the_draft)
{
	start();
	keys("one\rtwo\rtwo\rdra");
	keys("\x1b[A");
	check_shown("> two", 5);
	keys("\x10");
	check_shown("> one", 5);
	keys("\x10");
	check_shown("> one", 5);
	keys("\x1b[B\x1b[B");
	check_shown("> dra", 5);
	keys("\x0e");
	check_shown("> dra", 5);
	keys("\x10!\r");
	CHECK_STR(editor.text, "two!");
}

TEST(line_editor, history_forgets_the_oldest)
{
	char line[3] = "a\r";

	start();
	for (unsigned i = 0; i < LINE_EDITOR_HISTORY + 5; i++) {
		line[0] = (char)('0' + i);
		keys(line);
	}
	line_editor_start(&editor);
	for (unsigned i = 0; i < LINE_EDITOR_HISTORY + 9; i++)
		keys("\x10");
	CHECK_STR(editor.text, "5");
}

TEST(line_editor, completes_commands)
{
	start();
	keys("he\t");
	check_shown("> help", 7);
	keys("m\t");
	check_shown("> help mem", 10);
	keys("\x15"
	     "mem\t");
	CHECK(strstr(log_text, "mem  memcg  ") != NULL);
	check_shown("> mem", 5);
	keys("c\t");
	check_shown("> memcg", 8);
	keys("x\t");
	check_shown("> memcg x", 9);
	keys("; ba\t");
	check_shown("> memcg x; balloon", 19);
	keys("zz\t");
	check_shown("> memcg x; balloon zz", 21);
}

TEST(line_editor, long_lines_scroll_sideways)
{
	start();
	for (unsigned i = 0; i < 60; i++)
		keys(i % 10 == 9 ? "|" : "-");
	CHECK_EQ(editor.length, 60);
	CHECK_EQ(screen[37], '|');
	keys("\x01");
	CHECK_EQ(column, 2);
	CHECK_EQ(screen[11], '|');
	keys("x");
	CHECK_EQ(screen[2], 'x');
	CHECK_EQ(column, 3);
}

TEST(line_editor, full_line_takes_no_more)
{
	start();
	for (unsigned i = 0; i < LINE_EDITOR_MAX + 50; i++)
		keys("a");
	CHECK_EQ(editor.length, LINE_EDITOR_MAX - 1);
	CHECK_EQ(keys("\r"), LINE_DONE);
	CHECK_EQ(strlen(editor.text), LINE_EDITOR_MAX - 1);
}

TEST(line_editor, any_bytes_are_survived)
{
	bool sane = true;

	start();
	for (unsigned i = 0; i < 50000; i++) {
		static const char likely[] = "\x1b[ABCD3~\t\r\x01\x05\x0b\x15 amh;";
		uint64_t choice = test_random();
		char key = choice & 1 ? (char)(choice >> 8)
				      : likely[(choice >> 8) % (sizeof(likely) - 1)];

		if (line_editor_key(&editor, key) != LINE_EDITING)
			line_editor_start(&editor);
		sane = sane && editor.length < LINE_EDITOR_MAX &&
		       editor.cursor <= editor.length && strlen(editor.text) == editor.length;
		log_text[0] = '\0';
	}
	CHECK(sane);
}
