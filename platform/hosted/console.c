// SPDX-License-Identifier: MIT
/*
 * The console of the hosted port is standard output; there is no input.
 */
#include <platform/console.h>
#include <unistd.h>

void console_write(const char *text, size_t length)
{
	while (length > 0) {
		ssize_t written = write(STDOUT_FILENO, text, length);

		if (written <= 0)
			return;
		text += written;
		length -= (size_t)written;
	}
}

int console_read(void)
{
	return -1;
}

bool console_has_input(void)
{
	return false;
}

void console_size(unsigned *columns, unsigned *rows)
{
	*columns = 80;
	*rows = 24;
}
