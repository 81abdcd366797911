// SPDX-License-Identifier: MIT
/*
 * The hosted port's page tables: the contract of platform/mmu.h, and their strictness. The
 * contract half is what any port must pass.
 */
#include <platform/hosted/hosted.h>
#include <platform/hosted/page_table.h>
#include <platform/memory.h>
#include <platform/mmu.h>
#include <errno.h>
#include <kernel/bits.h>
#include <kernel/ipi.h>
#include <string.h>
#include <tests/test.h>

/* RAM nobody else uses: the port's own pool lies behind it, the tests' machine uses the front.
 */
static struct phys scratch(uint64_t offset)
{
	return phys(hosted_arena_size() - HOSTED_TABLES_SIZE - MIB(64) + offset);
}

TEST(hosted_mmu, entries_survive_their_code_at_every_level)
{
	for (unsigned level = 1; level <= PAGE_TABLE_LEVELS; level++) {
		struct table_entry entry = {.present = true,
					    .leaf = level == 1,
					    .protection = MMU_WRITE,
					    .target = phys(UINT64_C(0x123456789000))};
		struct table_entry back = entry_decode(level, entry_encode(level, entry));

		CHECK(back.present);
		CHECK_EQ(back.leaf, entry.leaf);
		CHECK_EQ(back.protection, MMU_WRITE);
		CHECK_EQ(back.target.addr, entry.target.addr);
	}
	CHECK(!entry_decode(2, 0).present);
}

TEST_PANICS(hosted_mmu, entry_of_another_level_is_noticed, "is not one of level 2")
{
	struct table_entry entry = {true, true, MMU_WRITE, phys(MIB(2))};

	entry_decode(2, entry_encode(1, entry));
}

TEST(hosted_mmu, two_mappings_of_a_frame_show_the_same_bytes)
{
	uint8_t *space = mmu_reserve_space(2 * PAGE_SIZE);
	struct phys p;
	unsigned protection;

	REQUIRE(space != NULL);
	REQUIRE(mmu_map(space, scratch(0), PAGE_SIZE, MMU_WRITE) == 0);
	REQUIRE(mmu_map(space + PAGE_SIZE, scratch(0), PAGE_SIZE, MMU_READ) == 0);
	strcpy((char *)space + 100, "one frame");
	CHECK_STR((char *)space + PAGE_SIZE + 100, "one frame");
	CHECK_STR((char *)phys_to_virt(scratch(100)), "one frame");
	REQUIRE(mmu_lookup(space + PAGE_SIZE + 100, &p, &protection));
	CHECK_EQ(p.addr, scratch(100).addr);
	CHECK_EQ(protection, MMU_READ);
	mmu_unmap(space, 2 * PAGE_SIZE);
	CHECK(!mmu_lookup(space, &p, &protection));
	mmu_release_space(space, 2 * PAGE_SIZE);
}

TEST(hosted_mmu, what_is_mapped_is_not_mapped_again)
{
	uint8_t *space = mmu_reserve_space(4 * PAGE_SIZE);
	struct phys p;
	unsigned protection;

	REQUIRE(mmu_map(space + 2 * PAGE_SIZE, scratch(0), PAGE_SIZE, MMU_WRITE) == 0);
	CHECK_EQ(mmu_map(space, scratch(0), 4 * PAGE_SIZE, MMU_WRITE), -EEXIST);
	CHECK(!mmu_lookup(space, &p, &protection));
	CHECK(!mmu_lookup(space + 3 * PAGE_SIZE, &p, &protection));
	mmu_unmap(space, 4 * PAGE_SIZE);
	mmu_release_space(space, 4 * PAGE_SIZE);
}

TEST(hosted_mmu, large_pages_are_split_by_protect_and_unmap)
{
	uint8_t *space = mmu_reserve_space(MIB(6));
	uint8_t *aligned = (uint8_t *)align_up((uintptr_t)space, MIB(2));
	struct phys p;
	unsigned protection;

	REQUIRE(mmu_map(aligned, scratch(0), MIB(4), MMU_WRITE) == 0);
	CHECK_EQ(mmu_protect(aligned + MIB(1), MIB(2), MMU_READ), 0);
	REQUIRE(mmu_lookup(aligned + MIB(1) - 1, &p, &protection));
	CHECK_EQ(protection, MMU_WRITE);
	REQUIRE(mmu_lookup(aligned + MIB(1), &p, &protection));
	CHECK_EQ(protection, MMU_READ);
	CHECK_EQ(p.addr, scratch(MIB(1)).addr);
	REQUIRE(mmu_lookup(aligned + MIB(3), &p, &protection));
	CHECK_EQ(protection, MMU_WRITE);
	mmu_unmap(aligned + PAGE_SIZE, PAGE_SIZE);
	CHECK(mmu_lookup(aligned, &p, &protection));
	CHECK(!mmu_lookup(aligned + PAGE_SIZE, &p, &protection));
	CHECK(mmu_lookup(aligned + 2 * PAGE_SIZE, &p, &protection));
	CHECK_EQ(mmu_protect(aligned, MIB(4), MMU_READ), -EINVAL);
	mmu_unmap(aligned, MIB(4));
	mmu_release_space(space, MIB(6));
}

TEST(hosted_mmu, direct_map_is_in_the_tables)
{
	struct phys p;
	unsigned protection;

	REQUIRE(mmu_lookup(phys_to_virt(scratch(12345)), &p, &protection));
	CHECK_EQ(p.addr, scratch(12345).addr);
	CHECK_EQ(protection, MMU_WRITE);
}

TEST(hosted_mmu, reserved_spaces_do_not_touch)
{
	uint8_t *one = mmu_reserve_space(PAGE_SIZE);
	uint8_t *two = mmu_reserve_space(PAGE_SIZE);

	REQUIRE(one && two);
	CHECK((one < two ? two - one : one - two) >= (ptrdiff_t)(2 * PAGE_SIZE));
	mmu_release_space(one, PAGE_SIZE);
	mmu_release_space(two, PAGE_SIZE);
}

static unsigned tables_left;

static void *scarce_alloc(uint64_t size)
{
	static uint64_t used;

	CHECK_EQ(size, PAGE_SIZE);
	if (tables_left == 0)
		return NULL;
	tables_left--;
	used = (used + PAGE_SIZE) % MIB(8);
	return memset(phys_to_virt(scratch(MIB(32) + used)), 0, PAGE_SIZE);
}

static void scarce_free(void *table, uint64_t size)
{
	(void)table, (void)size;
	tables_left++;
}

TEST(hosted_mmu, mapping_without_memory_for_tables_leaves_nothing)
{
	const struct page_table_allocator scarce = {scarce_alloc, scarce_free};
	const struct page_table_allocator *before = hosted_mmu_allocator();
	uint8_t *space = mmu_reserve_space(GIB(3));
	uint8_t *at = (uint8_t *)align_up((uintptr_t)space, GIB(1)) - PAGE_SIZE;
	struct phys p;
	unsigned protection;
	unsigned n;

	REQUIRE(space != NULL);
	mmu_set_allocator(&scarce);
	for (n = 0; n < 10; n++) {
		tables_left = n;
		int error = mmu_map(at, scratch(0), 2 * PAGE_SIZE, MMU_WRITE);

		if (error == 0)
			break;
		CHECK_EQ(error, -ENOMEM);
		CHECK_EQ(tables_left, n);
		CHECK(!mmu_lookup(at, &p, &protection));
	}
	CHECK(n > 0 && n < 10);
	mmu_unmap(at, 2 * PAGE_SIZE);
	CHECK_EQ(tables_left, n);
	mmu_set_allocator(before);
	mmu_release_space(space, GIB(3));
}

static void nothing(void *arg)
{
	(void)arg;
}

TEST_PANICS(hosted_mmu, call_with_a_private_pointer_is_refused, "memory private to cpu")
{
	ipi_call(0, nothing, hosted_private_slot + 8, true);
}
