// SPDX-License-Identifier: MIT
/*
 * Mappings on the real CPUs: what a change means to the one that makes it and to the others.
 */
#include <platform/cpu.h>
#include <platform/memory.h>
#include <platform/mmu.h>
#include <kernel/bits.h>
#include <kernel/ipi.h>
#include <kernel/thread.h>
#include <mm/folio.h>
#include <tests/test.h>
#include <errno.h>
#include <platform/image.h>
#include "trap.h"

/* A page of RAM mapped a second time. */
struct window {
	struct folio *folio;
	char *direct;
	char *virt;
};

static void window_open(struct window *window)
{
	window->folio = folio_alloc(NODE_ANY, 0, 0, NULL);
	REQUIRE(window->folio);
	window->direct = folio_address(window->folio);
	window->virt = mmu_reserve_space(PAGE_SIZE);
	REQUIRE(window->virt);
	REQUIRE(mmu_map(window->virt, virt_to_phys(window->direct), PAGE_SIZE, MMU_WRITE) == 0);
}

static void window_close(struct window *window)
{
	mmu_unmap(window->virt, PAGE_SIZE);
	mmu_release_space(window->virt, PAGE_SIZE);
	folio_put(window->folio);
}

/* Bit masks of CPUs that could read, and write. */
struct access {
	void *address;
	_Atomic uint64_t can_read;
	_Atomic uint64_t can_write;
};

static void access_try(void *arg)
{
	struct access *access = arg;
	uint64_t value;

	if (probe_read64(access->address, &value))
		access->can_read |= BIT64(cpu_current());
	if (probe_write8((char *)access->address + 8, 1))
		access->can_write |= BIT64(cpu_current());
}

static void access_everywhere(struct access *access, void *address)
{
	*access = (struct access){.address = address};
	for (unsigned cpu = 0; cpu < cpu_count(); cpu++)
		ipi_call(cpu, access_try, access, true);
}

TEST(mmu, every_cpu_sees_a_change_at_once)
{
	static struct access access;
	uint64_t all = cpu_count() == 64 ? UINT64_MAX : BIT64(cpu_count()) - 1;
	struct window window;

	window_open(&window);
	access_everywhere(&access, window.virt);
	CHECK_EQ(access.can_read, all);
	CHECK_EQ(access.can_write, all);
	CHECK_EQ(mmu_protect(window.virt, PAGE_SIZE, MMU_READ), 0);
	access_everywhere(&access, window.virt);
	CHECK_EQ(access.can_read, all);
	CHECK_EQ(access.can_write, 0);
	/* The direct map went with it. */
	access_everywhere(&access, window.direct);
	CHECK_EQ(access.can_read, all);
	CHECK_EQ(access.can_write, 0);
	CHECK_EQ(mmu_protect(window.virt, PAGE_SIZE, MMU_WRITE), 0);
	access_everywhere(&access, window.direct);
	CHECK_EQ(access.can_write, all);
	mmu_unmap(window.virt, PAGE_SIZE);
	access_everywhere(&access, window.virt);
	CHECK_EQ(access.can_read, 0);
	CHECK_EQ(access.can_write, 0);
	window_close(&window);
}

/* Runs wherever it is copied to; ends well before this many bytes. */
#define CODE_SIZE 64

static NOINLINE int return_42(void)
{
	return 42;
}

TEST(mmu, code_becomes_executable_only_while_no_alias_is_writable)
{
	struct window window;
	unsigned protection;
	struct phys p;

	window_open(&window);
	memcpy(window.virt, (const void *)(uintptr_t)return_42, CODE_SIZE);
	CHECK_EQ(mmu_protect(window.virt, PAGE_SIZE, MMU_WRITE | MMU_EXECUTE), -EINVAL);
	CHECK_EQ(mmu_protect(window.virt, PAGE_SIZE, MMU_EXECUTE), 0);
	CHECK(!probe_write8(window.virt, 0));
	CHECK(!probe_write8(window.direct, 0));
	CHECK_EQ(((int (*)(void))(uintptr_t)window.virt)(), 42);
	CHECK_EQ(mmu_protect(window.virt, PAGE_SIZE, MMU_WRITE), 0);
	CHECK(mmu_lookup(window.direct, &p, &protection));
	CHECK_EQ(protection, MMU_WRITE);
	CHECK_EQ(p.addr, virt_to_phys(window.direct).addr);
	window_close(&window);
}

TEST(mmu, requests_that_would_break_the_rules_are_refused)
{
	char *text = phys_to_virt(virt_to_phys(kernel_text_start));
	struct window window;

	window_open(&window);
	CHECK_EQ(mmu_map(window.virt, virt_to_phys(window.direct), PAGE_SIZE, MMU_WRITE),
		 -EEXIST);
	CHECK_EQ(mmu_map(window.virt, virt_to_phys(window.direct), PAGE_SIZE, MMU_EXECUTE),
		 -EINVAL);
	CHECK_EQ(mmu_protect(window.direct, PAGE_SIZE, MMU_EXECUTE), -EINVAL);
	CHECK_EQ(mmu_protect(text, PAGE_SIZE, MMU_WRITE), -EINVAL);
	CHECK(!probe_write8(text, 0x90));
	mmu_unmap(window.virt, PAGE_SIZE);
	CHECK_EQ(mmu_protect(window.virt, PAGE_SIZE, MMU_READ), -EINVAL);
	window_close(&window);
}

/* The pages around one that changes keep their translation when a large page is split. */
TEST(mmu, a_large_page_splits_without_moving_anything)
{
	struct folio *folio = folio_alloc(NODE_ANY, 9, 0, NULL);
	unsigned protection;
	char *direct;
	struct phys p;

	REQUIRE(folio);
	direct = folio_address(folio);
	direct[5 * PAGE_SIZE] = 'x';
	CHECK_EQ(mmu_protect(direct + 5 * PAGE_SIZE, PAGE_SIZE, MMU_READ), 0);
	for (unsigned i = 0; i < 512; i++) {
		REQUIRE(mmu_lookup(direct + i * PAGE_SIZE, &p, &protection));
		REQUIRE(p.addr == virt_to_phys(direct).addr + i * PAGE_SIZE);
		REQUIRE(protection == (i == 5 ? MMU_READ : MMU_WRITE));
	}
	CHECK_EQ(direct[5 * PAGE_SIZE], 'x');
	CHECK(!probe_write8(direct + 5 * PAGE_SIZE, 0));
	CHECK(probe_write8(direct + 6 * PAGE_SIZE, 0));
	CHECK_EQ(mmu_protect(direct + 5 * PAGE_SIZE, PAGE_SIZE, MMU_WRITE), 0);
	folio_put(folio);
}

TEST(mmu, reserved_space_has_holes_on_both_sides)
{
	char *first = mmu_reserve_space(KIB(16));
	char *second = mmu_reserve_space(KIB(256));
	unsigned protection;
	struct phys p;

	REQUIRE(first && second);
	CHECK(is_aligned((uintptr_t)first | (uintptr_t)second, PAGE_SIZE));
	CHECK(second >= first + KIB(16) + PAGE_SIZE || first >= second + KIB(256) + PAGE_SIZE);
	CHECK(!mmu_lookup(first - 1, &p, &protection));
	CHECK(!mmu_lookup(first, &p, &protection));
	CHECK(!mmu_lookup(first + KIB(16), &p, &protection));
	mmu_release_space(first, KIB(16));
	mmu_release_space(second, KIB(256));
	CHECK(!mmu_reserve_space(0));
	CHECK(!mmu_reserve_space(UINT64_MAX));
}

/* The tables below must have gone back too: the leak check after the test sees them. */
TEST(mmu, many_mappings_come_and_go)
{
	for (unsigned round = 0; round < 50; round++) {
		struct window window;

		window_open(&window);
		window.virt[round] = (char)round;
		CHECK_EQ(window.direct[round], (char)round);
		window_close(&window);
	}
}

/* Each CPU on its own pages, all in neighbouring tables: returns the rounds that were wrong. */
static int map_and_unmap(void *arg)
{
	unsigned cpu = (unsigned)(uintptr_t)arg;
	int wrong = 0;

	for (unsigned round = 0; round < 30; round++) {
		struct folio *folio = folio_alloc(NODE_ANY, 0, 0, NULL);
		char *virt = mmu_reserve_space(PAGE_SIZE);
		uint64_t value = 0;

		if (!folio || !virt ||
		    mmu_map(virt, virt_to_phys(folio_address(folio)), PAGE_SIZE, MMU_WRITE))
			return -1;
		*(uint64_t *)virt = (uint64_t)cpu << 32 | round;
		wrong += *(uint64_t *)folio_address(folio) != ((uint64_t)cpu << 32 | round);
		wrong += mmu_protect(virt, PAGE_SIZE, MMU_READ) != 0;
		wrong += probe_write8(virt, 0);
		wrong += mmu_protect(virt, PAGE_SIZE, MMU_WRITE) != 0;
		mmu_unmap(virt, PAGE_SIZE);
		wrong += probe_read64(virt, &value);
		mmu_release_space(virt, PAGE_SIZE);
		folio_put(folio);
	}
	return wrong;
}

TEST(mmu, all_cpus_change_mappings_at_once)
{
	static struct thread *threads[CPUS_MAX];
	unsigned count = MIN(cpu_count(), 8u);

	for (unsigned cpu = 0; cpu < count; cpu++) {
		const struct thread_attributes attributes = {
			.name = "mapper", .cpu = cpu, .priority = THREAD_NORMAL};

		threads[cpu] =
			thread_create(&attributes, map_and_unmap, (void *)(uintptr_t)cpu);
		REQUIRE(threads[cpu]);
	}
	for (unsigned cpu = 0; cpu < count; cpu++)
		CHECK_EQ(thread_join(threads[cpu]), 0);
}
