// SPDX-License-Identifier: MIT
/*
 * A buffer in place of the console.
 */
#include <tests/kernel/text_sink.h>

#include <kernel/bits.h>
#include <kernel/log.h>

static char caught[1u << 17];
static size_t used;

static void catch (const char *text, size_t length)
{
	length = MIN(length, sizeof(caught) - 1 - used);
	memcpy(caught + used, text, length);
	used += length;
	caught[used] = '\0';
}

void text_sink_open(void)
{
	used = 0;
	caught[0] = '\0';
	log_set_sink(catch);
}

const char *text_sink_close(void)
{
	log_set_sink(NULL);
	return caught;
}

const char *text_sink_peek(void)
{
	return caught;
}
