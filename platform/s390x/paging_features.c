// SPDX-License-Identifier: MIT
/*
 * Which page sizes and protections the tables use, from the facility list. Pure, because
 * QEMU's emulation offers no large pages: the hosted tests see all combinations.
 */
#include <platform/s390x/page_table_entry.h>

struct paging_features paging_features;

struct paging_features paging_features_choose(bool edat1, bool edat2,
					      bool instruction_protection)
{
	return (struct paging_features){.segment_pages = edat1,
					.region_pages = edat1 && edat2,
					.no_execute = instruction_protection};
}
