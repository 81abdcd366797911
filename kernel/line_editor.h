// SPDX-License-Identifier: MIT
/*
 * One line of input with editing keys, history and completion. Pure: keys come in as bytes,
 * what the terminal must show goes out through a function. Needs of a terminal only carriage
 * return, CSI n C and CSI K; a line wider than the terminal scrolls sideways.
 *
 * Keys: arrows, Home, End, Delete, Backspace, Tab; control A E B F left and right, D K U W
 * delete, P N history, L redraw, C drop the line.
 */
#ifndef KERNEL_LINE_EDITOR_H
#define KERNEL_LINE_EDITOR_H

#include <stdbool.h>
#include <stddef.h>

#define LINE_EDITOR_MAX     256 /* bytes of a line, terminator included */
#define LINE_EDITOR_HISTORY 32

enum line_event {
	LINE_EDITING,
	LINE_DONE,      /* text holds a line */
	LINE_CANCELLED, /* control C */
	LINE_END,       /* control D on an empty line */
};

struct line_editor_operations {
	void (*output)(const char *text, size_t length);
	/* The index-th word that begins with prefix, NULL when there are no more. May be NULL.
	 */
	const char *(*complete)(const char *prefix, size_t length, unsigned index);
};

struct line_editor {
	const struct line_editor_operations *operations;
	const char *prompt;
	unsigned columns;
	char text[LINE_EDITOR_MAX];
	size_t length;
	size_t cursor;
	bool swallow_newline; /* the last key was a carriage return */
	enum { KEY_PLAIN, KEY_ESCAPE, KEY_CSI } key_state;
	unsigned key_parameter;
	char history[LINE_EDITOR_HISTORY][LINE_EDITOR_MAX]; /* ring */
	unsigned history_count;                             /* lines ever kept */
	unsigned history_back;       /* 0: the new line; n: n lines back */
	char draft[LINE_EDITOR_MAX]; /* the new line while history is shown */
};

/* `prompt` must outlive the editor. columns: width of the terminal, at least 20 is assumed. */
void line_editor_init(struct line_editor *editor,
		      const struct line_editor_operations *operations, const char *prompt,
		      unsigned columns);

/* Begin a new line: shows the prompt. */
void line_editor_start(struct line_editor *editor);

/* Take one byte of input. After anything but LINE_EDITING the cursor stands on a new line and
 * text is terminated; call line_editor_start() for the next. */
enum line_event line_editor_key(struct line_editor *editor, char key);

/* Show prompt and line again, after somebody else wrote to the terminal. */
void line_editor_redraw(struct line_editor *editor);

#endif
