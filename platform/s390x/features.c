// SPDX-License-Identifier: MIT
/*
 * The facility list, and who runs us (STORE SYSTEM INFORMATION).
 */
#include "features.h"

#include <platform/pci_config.h>
#include <platform/image.h>
#include <kernel/bits.h>

#define LIST_WORDS            4 /* bits 0-255 */
#define LEVEL_SHIFT           28
#define LEVEL_VIRTUAL_MACHINE 3

static uint64_t list[LIST_WORDS] RO_AFTER_INIT;
static bool hypervisor RO_AFTER_INIT;

static void list_store(void)
{
	/* In: how many words less one; out: how many there are less one. */
	register uint64_t words __asm__("0") = LIST_WORDS - 1;

	__asm__ volatile("stfle %1" : "+d"(words), "=Q"(list) : : "cc", "memory");
}

/* Function code 0 asks for the level of the configuration we run in. */
static unsigned configuration_level(void)
{
	register uint64_t function __asm__("0") = 0;
	register uint64_t selector __asm__("1") = 0;

	__asm__ volatile("stsi 0" : "+d"(function) : "d"(selector) : "cc", "memory");
	return (uint32_t)function >> LEVEL_SHIFT;
}

void facilities_detect(void)
{
	list_store();
	hypervisor = configuration_level() >= LEVEL_VIRTUAL_MACHINE;
}

bool facility_present(enum facility facility)
{
	/* Bit 0 is the leftmost. */
	return list[facility / 64] >> (63 - facility % 64) & 1;
}

bool platform_under_hypervisor(void)
{
	return hypervisor;
}
