// SPDX-License-Identifier: MIT
/*
 * Canaries: tests that fail in every way a test can fail. The runner leaves them out unless
 * `tests=canary.NAME` asks for one; tools/canary_test.py does, on each port, and proves that
 * the judge calls each by its name.
 */
#include <kernel/bits.h>
#include <mm/folio.h>
#include <platform/cpu.h>
#include <tests/test.h>

/* The compiler must not see that the canaries do nonsense. */
static volatile bool yes = true;
static volatile uintptr_t nowhere = 8;
static volatile unsigned two = 2;

TEST(canary, failing)
{
	CHECK(!yes);
}

TEST(canary, empty)
{
}

TEST(canary, leaking)
{
	CHECK(folio_alloc(NODE_ANY, 0, 0, NULL) != NULL);
}

TEST(canary, crashing)
{
	CHECK(yes);
	*(volatile uint32_t *)nowhere = 1;
}

TEST(canary, hanging)
{
	CHECK(yes);
	while (yes)
		cpu_relax();
}

/* One call in the eyes of fault injection: the same place asks twice. Leaks in between. */
static bool take_two(struct folio **folios)
{
	for (unsigned i = 0; i < two; i++) {
		folios[i] = folio_alloc(NODE_ANY, 0, 0, NULL);
		if (!folios[i])
			return false;
	}
	return true;
}

/* Passes unless memory is short, and gives up then. What it had before is its own. */
TEST(canary, leaking_in_the_call_that_fails)
{
	struct folio *folios[2];
	struct folio *own = folio_alloc(NODE_ANY, 0, 0, NULL);

	NEED(own, "no memory");
	for (unsigned i = 0; i < 20; i++) {
		REQUIRE(take_two(folios));
		folio_put(folios[0]);
		folio_put(folios[1]);
	}
	folio_put(own);
}
