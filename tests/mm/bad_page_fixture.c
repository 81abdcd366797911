// SPDX-License-Identifier: MIT
/*
 * See bad_page_fixture.h.
 */
#include <tests/mm/bad_page_fixture.h>

static char text[128 * 1024];
static size_t used;
static uint64_t before;

static void keep(const char *more, size_t length)
{
	if (used + length >= sizeof(text))
		return;
	memcpy(text + used, more, length);
	used += length;
	text[used] = 0;
}

void reports_expect(void)
{
	bad_page_flush();
	used = 0;
	text[0] = 0;
	before = bad_page_count();
	log_set_sink(keep);
}

uint64_t reports_end(void)
{
	log_set_sink(NULL);
	return bad_page_count() - before;
}

const char *reports_text(void)
{
	return text;
}

unsigned reports_count(const char *wanted)
{
	unsigned count = 0;

	for (const char *at = text; (at = strstr(at, wanted)) != NULL; at += strlen(wanted))
		count++;
	return count;
}

uint64_t pages_free(void)
{
	struct mm_statistics statistics;

	mm_statistics(&statistics);
	return statistics.free;
}

uint64_t pages_bad(void)
{
	struct mm_statistics statistics;

	mm_statistics(&statistics);
	return statistics.bad;
}
