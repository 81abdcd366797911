// SPDX-License-Identifier: MIT
/*
 * Pages of a report.
 */
#include <kernel/pager.h>
#include <tests/test.h>

#include <string.h>

static unsigned pauses;

static void note_pause(void)
{
	pauses++;
}

static unsigned pauses_for(unsigned columns, unsigned rows, const char *text)
{
	struct pager pager;

	pauses = 0;
	pager_start(&pager, columns, rows, note_pause);
	pager_show(&pager, text, strlen(text));
	return pauses;
}

TEST(pager, a_page_that_fits_is_not_stopped)
{
	CHECK_EQ(pauses_for(10, 5, "1\n2\n3\n4\n"), 0);
	CHECK_EQ(pauses_for(10, 5, ""), 0);
}

TEST(pager, stops_before_the_first_line_would_leave)
{
	CHECK_EQ(pauses_for(10, 5, "1\n2\n3\n4\n5"), 1);
	CHECK_EQ(pauses_for(10, 5, "1\n2\n3\n4\n\n"), 1);
	CHECK_EQ(pauses_for(10, 5, "1\n2\n3\n4\n5\n6\n7\n8\n9\n"), 2);
}

TEST(pager, wrapped_lines_count)
{
	CHECK_EQ(pauses_for(4, 3, "1234\n1234\n"), 0);
	CHECK_EQ(pauses_for(4, 3, "12345\n1"), 1);
	CHECK_EQ(pauses_for(4, 3, "1234567890123"), 1);
}

TEST(pager, senseless_sizes_still_get_on)
{
	CHECK_EQ(pauses_for(0, 0, "ab\n"), 1);
	CHECK_EQ(pauses_for(80, 1, "a\nb\n"), 1);
}
