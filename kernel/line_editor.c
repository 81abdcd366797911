// SPDX-License-Identifier: MIT
/*
 * Line editing. Every change redraws the line from its start, except a character typed at the
 * end, which is simply sent: nothing to keep in step with the terminal but one column.
 */
#include <kernel/line_editor.h>

#include <kernel/bits.h>
#include <kernel/format.h>

#define CONTROL(c) ((c)&0x1f)
#define ESCAPE     0x1b
#define RUBOUT     0x7f

static void put(const struct line_editor *editor, const char *text)
{
	editor->operations->output(text, strlen(text));
}

void line_editor_init(struct line_editor *editor,
		      const struct line_editor_operations *operations, const char *prompt,
		      unsigned columns)
{
	memset(editor, 0, sizeof(*editor));
	editor->operations = operations;
	editor->prompt = prompt;
	editor->columns = MAX(columns, 20u);
}

/* Columns for text: the last one stays free, where terminals differ about wrapping. */
static size_t text_columns(const struct line_editor *editor)
{
	size_t used = strlen(editor->prompt) + 1;

	return editor->columns > used + 8 ? editor->columns - used : 8;
}

void line_editor_redraw(struct line_editor *editor)
{
	size_t room = text_columns(editor);
	size_t first = editor->cursor < room ? 0 : editor->cursor - room + 1;
	char move[24];

	put(editor, "\r");
	put(editor, editor->prompt);
	editor->operations->output(editor->text + first, MIN(editor->length - first, room));
	put(editor, "\x1b[K");
	if (editor->cursor == editor->length)
		return;
	format(move, sizeof(move), "\r\x1b[%uC",
	       (unsigned)(strlen(editor->prompt) + editor->cursor - first));
	put(editor, move);
}

void line_editor_start(struct line_editor *editor)
{
	editor->length = 0;
	editor->cursor = 0;
	editor->text[0] = '\0';
	editor->history_back = 0;
	editor->key_state = KEY_PLAIN;
	line_editor_redraw(editor);
}

/* At the cursor; false when the line is full. */
static bool insert(struct line_editor *editor, const char *text, size_t length)
{
	if (length > LINE_EDITOR_MAX - 1 - editor->length)
		return false;
	char *at = editor->text + editor->cursor;
	memmove(at + length, at, editor->length - editor->cursor + 1);
	memcpy(at, text, length);
	editor->length += length;
	editor->cursor += length;
	return true;
}

static void erase(struct line_editor *editor, size_t from, size_t to)
{
	memmove(editor->text + from, editor->text + to, editor->length - to + 1);
	editor->length -= to - from;
	editor->cursor = from;
	line_editor_redraw(editor);
}

static void erase_word(struct line_editor *editor)
{
	size_t from = editor->cursor;

	while (from > 0 && editor->text[from - 1] == ' ')
		from--;
	while (from > 0 && editor->text[from - 1] != ' ')
		from--;
	erase(editor, from, editor->cursor);
}

static void move_to(struct line_editor *editor, size_t cursor)
{
	editor->cursor = cursor;
	line_editor_redraw(editor);
}

static void set_text(struct line_editor *editor, const char *text)
{
	editor->length = strlen(text);
	memcpy(editor->text, text, editor->length + 1);
	move_to(editor, editor->length);
}

static const char *history_line(const struct line_editor *editor, unsigned back)
{
	return editor->history[(editor->history_count - back) % LINE_EDITOR_HISTORY];
}

static void history_keep(struct line_editor *editor)
{
	if (editor->length == 0 ||
	    (editor->history_count > 0 && strcmp(history_line(editor, 1), editor->text) == 0))
		return;
	memcpy(editor->history[editor->history_count++ % LINE_EDITOR_HISTORY], editor->text,
	       editor->length + 1);
}

static void history_move(struct line_editor *editor, int step)
{
	unsigned most = MIN(editor->history_count, (unsigned)LINE_EDITOR_HISTORY);
	unsigned back = editor->history_back + (unsigned)step;

	if ((step < 0 && editor->history_back == 0) || back > most)
		return;
	if (editor->history_back == 0)
		memcpy(editor->draft, editor->text, editor->length + 1);
	editor->history_back = back;
	set_text(editor, back == 0 ? editor->draft : history_line(editor, back));
}

static size_t common_length(const char *a, const char *b)
{
	size_t length = 0;

	while (a[length] != '\0' && a[length] == b[length])
		length++;
	return length;
}

static void list_matches(struct line_editor *editor, const char *prefix, size_t length)
{
	const char *match;

	put(editor, "\r\n");
	for (unsigned i = 0; (match = editor->operations->complete(prefix, length, i)); i++) {
		put(editor, match);
		put(editor, "  ");
	}
	put(editor, "\r\n");
	line_editor_redraw(editor);
}

/* The word before the cursor, when it stands where a command does. */
static bool command_prefix(const struct line_editor *editor, size_t *start)
{
	size_t from = editor->cursor;

	while (from > 0 && editor->text[from - 1] != ' ' && editor->text[from - 1] != ';')
		from--;
	*start = from;
	while (from > 0 && editor->text[from - 1] == ' ')
		from--;
	/* `help NAME` takes a command name too. */
	return from == 0 || editor->text[from - 1] == ';' ||
	       (from == 4 && memcmp(editor->text, "help", 4) == 0);
}

static void complete(struct line_editor *editor)
{
	size_t start;

	if (!editor->operations->complete || !command_prefix(editor, &start))
		return;
	const char *prefix = editor->text + start;
	size_t length = editor->cursor - start;
	const char *first = editor->operations->complete(prefix, length, 0);
	if (!first)
		return;
	size_t common = strlen(first);
	const char *match;
	unsigned count = 1;
	for (; (match = editor->operations->complete(prefix, length, count)); count++)
		common = MIN(common, common_length(first, match));
	if (common == length && count > 1) {
		list_matches(editor, prefix, length);
		return;
	}
	if (insert(editor, first + length, common - length) && count == 1)
		(void)insert(editor, " ", 1);
	line_editor_redraw(editor);
}

static enum line_event finish(struct line_editor *editor, enum line_event event)
{
	put(editor, "\r\n");
	if (event == LINE_DONE)
		history_keep(editor);
	return event;
}

static void type(struct line_editor *editor, char key)
{
	bool simple =
		editor->cursor == editor->length && editor->length + 1 < text_columns(editor);

	if (!insert(editor, &key, 1))
		return;
	if (simple)
		editor->operations->output(&key, 1);
	else
		line_editor_redraw(editor);
}

static enum line_event edit_key(struct line_editor *editor, char key)
{
	switch (key) {
	case CONTROL('a'):
		move_to(editor, 0);
		break;
	case CONTROL('b'):
		move_to(editor, editor->cursor - (editor->cursor > 0));
		break;
	case CONTROL('d'):
		if (editor->length == 0)
			return finish(editor, LINE_END);
		if (editor->cursor < editor->length)
			erase(editor, editor->cursor, editor->cursor + 1);
		break;
	case CONTROL('e'):
		move_to(editor, editor->length);
		break;
	case CONTROL('f'):
		move_to(editor, editor->cursor + (editor->cursor < editor->length));
		break;
	case '\b':
	case RUBOUT:
		if (editor->cursor > 0)
			erase(editor, editor->cursor - 1, editor->cursor);
		break;
	case CONTROL('k'):
		erase(editor, editor->cursor, editor->length);
		break;
	case CONTROL('l'):
		line_editor_redraw(editor);
		break;
	case CONTROL('n'):
		history_move(editor, -1);
		break;
	case CONTROL('p'):
		history_move(editor, 1);
		break;
	case CONTROL('u'):
		erase(editor, 0, editor->cursor);
		break;
	case CONTROL('w'):
		erase_word(editor);
		break;
	default:
		break;
	}
	return LINE_EDITING;
}

/* What an escape sequence means, as the control key that does the same; 0 nothing. */
static char escape_meaning(const struct line_editor *editor, char final)
{
	switch (final) {
	case 'A':
		return CONTROL('p');
	case 'B':
		return CONTROL('n');
	case 'C':
		return CONTROL('f');
	case 'D':
		return CONTROL('b');
	case 'H':
		return CONTROL('a');
	case 'F':
		return CONTROL('e');
	case '~':
		break;
	default:
		return 0;
	}
	switch (editor->key_parameter) {
	case 1:
	case 7:
		return CONTROL('a');
	case 3:
		return editor->length > 0 ? CONTROL('d') : 0;
	case 4:
	case 8:
		return CONTROL('e');
	default:
		return 0;
	}
}

static void escape_key(struct line_editor *editor, char key)
{
	if (editor->key_state == KEY_ESCAPE) {
		editor->key_state = key == '[' || key == 'O' ? KEY_CSI : KEY_PLAIN;
		editor->key_parameter = 0;
	} else if (key >= '0' && key <= '9') {
		editor->key_parameter =
			MIN(editor->key_parameter * 10 + (unsigned)(key - '0'), 999u);
	} else if (key >= '@' && key <= '~') {
		editor->key_state = KEY_PLAIN;
		(void)edit_key(editor, escape_meaning(editor, key));
	} else if (key < ' ') {
		/* No part of a sequence: it was cut off. */
		editor->key_state = KEY_PLAIN;
	}
}

enum line_event line_editor_key(struct line_editor *editor, char key)
{
	bool swallow = editor->swallow_newline && key == '\n';

	editor->swallow_newline = key == '\r';
	if (swallow)
		return LINE_EDITING;
	if (editor->key_state != KEY_PLAIN) {
		escape_key(editor, key);
		return LINE_EDITING;
	}
	switch (key) {
	case '\r':
	case '\n':
		return finish(editor, LINE_DONE);
	case CONTROL('c'):
		return finish(editor, LINE_CANCELLED);
	case '\t':
		complete(editor);
		return LINE_EDITING;
	case ESCAPE:
		editor->key_state = KEY_ESCAPE;
		return LINE_EDITING;
	default:
		break;
	}
	if (key >= ' ' && key <= '~') {
		type(editor, key);
		return LINE_EDITING;
	}
	return edit_key(editor, key);
}
