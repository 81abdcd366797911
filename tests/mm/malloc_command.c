// SPDX-License-Identifier: MIT
/*
 * `malloc MIB [KIB]`: take that much by malloc(), as a program does, in pieces of KIB (60),
 * stamp every page, read all back, and give it back; for tests from outside. Ends at the first
 * piece that is refused.
 */
#include <errno.h>
#include <kernel/command_line.h>
#include <kernel/log.h>
#include <kernel/shell.h>
#include <platform/types.h>
#include <stdlib.h>
#include <tests/test.h>

#define PIECE_KIB 60

struct piece {
	struct piece *next;
};

static void stamp(struct piece *piece, size_t size)
{
	for (size_t at = sizeof(*piece); at + sizeof(uintptr_t) <= size; at += PAGE_SIZE)
		*(uintptr_t *)((char *)piece + at) = (uintptr_t)piece + at;
}

static bool is_stamped(const struct piece *piece, size_t size)
{
	for (size_t at = sizeof(*piece); at + sizeof(uintptr_t) <= size; at += PAGE_SIZE)
		if (*(const uintptr_t *)((const char *)piece + at) != (uintptr_t)piece + at)
			return false;
	return true;
}

static void take_all(uint64_t pieces, size_t size)
{
	struct piece *list = NULL, *piece;
	uint64_t got = 0, wrong = 0;

	while (got < pieces && (piece = malloc(size)) != NULL) {
		piece->next = list;
		list = piece;
		stamp(piece, size);
		got++;
	}
	while ((piece = list) != NULL) {
		list = piece->next;
		wrong += !is_stamped(piece, size);
		free(piece);
	}
	print("malloc: %llu of %llu pieces of %zu bytes, %llu wrong\n", (unsigned long long)got,
	      (unsigned long long)pieces, size, (unsigned long long)wrong);
}

static int malloc_command(int argc, char **argv)
{
	uint64_t mib, kib = PIECE_KIB;

	if (argc < 2 || argc > 3 || !command_line_parse_number(argv[1], &mib) ||
	    (argc == 3 && !command_line_parse_number(argv[2], &kib)) || kib == 0 || kib > 2048)
		return shell_usage("malloc");
	take_all((mib << 10) / kib, kib << 10);
	return 0;
}

SHELL_COMMAND(malloc, "MIB [KIB]", "take memory by malloc() in pieces, check it, give it back",
	      malloc_command);
