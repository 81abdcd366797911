// SPDX-License-Identifier: MIT
/*
 * Text for a console that knows nothing but lines: control characters and the escape sequences
 * of terminals are left out.
 */
#ifndef PLATFORM_S390X_LINE_TEXT_H
#define PLATFORM_S390X_LINE_TEXT_H

#include <platform/s390x/sclp_block.h>

struct line_text {
	char text[SCLP_LINE_MAX];
	size_t length;
	enum { LINE_PLAIN, LINE_ESCAPE, LINE_SEQUENCE } state;
};

/* Take one character; true when the line is complete. The caller shows it, sets length to 0. */
bool line_text_put(struct line_text *line, char c);

#endif
