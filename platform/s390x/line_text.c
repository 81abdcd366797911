// SPDX-License-Identifier: MIT
/*
 * Lines out of a stream of characters. A carriage return starts the line over, as on a screen.
 */
#include "line_text.h"

bool line_text_put(struct line_text *line, char c)
{
	if (line->state == LINE_ESCAPE) {
		line->state = c == '[' ? LINE_SEQUENCE : LINE_PLAIN;
	} else if (line->state == LINE_SEQUENCE) {
		/* ECMA-48, 5.4: parameters, then one final byte. */
		if (c >= '@' && c <= '~')
			line->state = LINE_PLAIN;
	} else if (c == '\n') {
		return true;
	} else if (c == '\x1b') {
		line->state = LINE_ESCAPE;
	} else if (c == '\r') {
		line->length = 0;
	} else if (c == '\b') {
		line->length -= line->length > 0;
	} else if (c == '\t' || (c >= ' ' && c <= '~')) {
		line->text[line->length++] = c == '\t' ? ' ' : c;
	}
	return line->length == SCLP_LINE_MAX;
}
