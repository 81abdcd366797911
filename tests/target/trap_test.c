// SPDX-License-Identifier: MIT
/*
 * What every machine's traps and back traces do. The trap codes of a processor are in its own
 * file.
 */
#include <platform/context.h>
#include <kernel/symbols.h>
#include <string.h>
#include <tests/test.h>

static NOINLINE size_t backtrace_from_here(uintptr_t *addresses, size_t max)
{
	size_t count = context_backtrace(addresses, max);

	/* Keeps the call from being the last thing and its frame from going away. */
	__asm__ volatile("" : "+r"(count) : : "memory");
	return count;
}

TEST(machine_trap, a_back_trace_names_its_callers)
{
	uintptr_t addresses[8] = {0};
	size_t count = backtrace_from_here(addresses, 8);
	uintptr_t offset;

	REQUIRE(count >= 3);
	/* The compiler may have made a special copy of it and added to the name. */
	CHECK(strncmp(symbol_find(addresses[0], &offset), "backtrace_from_here", 19) == 0);
	CHECK_STR(symbol_find(addresses[1], &offset),
		  "machine_trap_a_back_trace_names_its_callers");
	CHECK_EQ(context_backtrace(addresses, 1), 1);
}

/* Must not become a loop. */
static NOINLINE unsigned recurse(unsigned depth)
{
	volatile char room[256];

	room[0] = (char)depth;
	return depth == 0 ? 0 : recurse(depth - 1) + (unsigned)room[0];
}

TEST_PANICS(machine_trap, overflow_hits_the_guard_page, "stack overflow into guard page")
{
	recurse(1000000);
}
