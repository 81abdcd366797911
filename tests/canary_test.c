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
