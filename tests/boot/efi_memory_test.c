// SPDX-License-Identifier: MIT
/*
 * Leaving boot services against a firmware that changes its map in between, has no memory, or
 * never lets go.
 */
#include <boot/efi_loader.h>
#include <tests/test.h>

#include <kernel/bits.h>
#include <stdlib.h>
#include <string.h>

#define STRIDE      48u
#define ALLOCATIONS 8u

static struct {
	unsigned stale;        /* so many exits fail */
	unsigned growth;       /* descriptors added by each failing exit */
	unsigned descriptors;  /* in the map now */
	unsigned memory_fails; /* the n-th allocation has none; 0: never */
	bool no_map;           /* GetMemoryMap is broken */
	UINTN key;
	unsigned exits;
	unsigned calls_after_exit; /* of what is then forbidden */
	unsigned nr_allocations;
	void *allocations[ALLOCATIONS];
} firmware;

static EFI_STATUS EFIAPI get_map(UINTN *size, EFI_MEMORY_DESCRIPTOR *map, UINTN *key,
				 UINTN *stride, UINT32 *version)
{
	UINTN needed = firmware.descriptors * STRIDE;

	if (firmware.no_map)
		return EFI_UNSUPPORTED;
	*stride = STRIDE;
	*version = 1;
	if (*size < needed) {
		*size = needed;
		return EFI_BUFFER_TOO_SMALL;
	}
	*size = needed;
	*key = firmware.key;
	memset(map, 0, needed);
	for (unsigned i = 0; i < firmware.descriptors; i++) {
		uint8_t *descriptor = (uint8_t *)map + i * STRIDE;

		le32_store(descriptor, EfiConventionalMemory);
		le64_store(descriptor + 8, 0x100000 + i * 0x2000);
		le64_store(descriptor + 24, 1);
		le64_store(descriptor + 32, 8);
	}
	return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI exit_services(EFI_HANDLE image, UINTN key)
{
	(void)image;
	if (firmware.exits++ < firmware.stale) {
		firmware.key++;
		firmware.descriptors += firmware.growth;
		return EFI_INVALID_PARAMETER;
	}
	return key == firmware.key ? EFI_SUCCESS : EFI_INVALID_PARAMETER;
}

void *efi_pages(const struct efi_loader *loader, EFI_MEMORY_TYPE type, uint64_t size,
		uint64_t limit)
{
	unsigned number = firmware.nr_allocations + 1;

	(void)loader;
	(void)type;
	(void)limit;
	firmware.calls_after_exit += firmware.exits > 0;
	if (number == firmware.memory_fails || number > ALLOCATIONS)
		return NULL;
	return firmware.allocations[firmware.nr_allocations++] = malloc(size);
}

static struct {
	struct boot_info info;
	struct boot_range ranges[64];
} * handover;

/* Leave as the loader does; the message, and whether firmware is gone. */
static const char *leave(bool *gone)
{
	static EFI_BOOT_SERVICES services;
	struct efi_loader loader = {.services = &services};

	services.GetMemoryMap = get_map;
	services.ExitBootServices = exit_services;
	handover = calloc(1, sizeof(*handover));
	REQUIRE(handover);
	handover->info.kernel_base = phys(0x100000);
	handover->info.kernel_size = 0x1000;
	const char *problem = efi_leave(&loader, &handover->info, handover->ranges,
					ARRAY_SIZE(handover->ranges), gone);
	for (unsigned i = 0; i < firmware.nr_allocations; i++)
		free(firmware.allocations[i]);
	return problem;
}

static void start(void)
{
	memset(&firmware, 0, sizeof(firmware));
	firmware.descriptors = 20;
	firmware.key = 7;
}

TEST(efi_memory, leaves_at_once_when_the_key_is_fresh)
{
	bool gone;

	start();
	CHECK(leave(&gone) == NULL);
	CHECK(gone);
	CHECK_EQ(firmware.exits, 1);
	CHECK(handover->info.range_count >= 20);
	CHECK_EQ(handover->ranges[0].start.addr, 0x100000);
	CHECK_EQ(handover->ranges[0].type, BOOT_RANGE_KERNEL);
	CHECK_EQ(handover->ranges[1].type, BOOT_RANGE_RAM);
	free(handover);
}

TEST(efi_memory, stale_key_is_retried_with_a_map_that_grows)
{
	bool gone;

	start();
	firmware.stale = 5;
	firmware.growth = 4;
	CHECK(leave(&gone) == NULL);
	CHECK_EQ(firmware.exits, 6);
	CHECK_EQ(firmware.calls_after_exit, 0);
	CHECK(handover->info.range_count >= 40);
	free(handover);
}

TEST(efi_memory, firmware_that_never_lets_go_is_given_up)
{
	bool gone;

	start();
	firmware.stale = 1000;
	const char *problem = leave(&gone);
	CHECK(problem && strstr(problem, "does not let go"));
	CHECK(gone);
	CHECK(firmware.exits <= 16);
	free(handover);
	start();
	firmware.stale = 1000;
	firmware.growth = 30;
	problem = leave(&gone);
	CHECK(problem && strstr(problem, "does not let go"));
	CHECK_EQ(firmware.calls_after_exit, 0);
	free(handover);
}

TEST(efi_memory, without_memory_or_map_firmware_stays)
{
	bool gone;

	for (unsigned n = 1; n <= 2; n++) {
		start();
		firmware.memory_fails = n;
		const char *problem = leave(&gone);
		CHECK(problem && strstr(problem, "not enough memory"));
		CHECK(!gone);
		CHECK_EQ(firmware.exits, 0);
		free(handover);
	}
	start();
	firmware.no_map = true;
	const char *problem = leave(&gone);
	CHECK(problem && strstr(problem, "no memory map"));
	CHECK(!gone);
	free(handover);
}
