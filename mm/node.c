// SPDX-License-Identifier: MIT
/*
 * Nodes from ACPI's affinity of memory and CPUs, asked again each time: the table is short and
 * only start-up asks. Borders are rounded down to the largest block, so that no block has two
 * nodes.
 */
#include <mm/node.h>
#include <kernel/acpi.h>
#include <kernel/bits.h>
#include <kernel/log.h>
#include <mm/folio.h>

#define DOMAINS_MAX 16

static uint32_t domains[DOMAINS_MAX];
static unsigned domain_count;
static unsigned domain_limit;

static unsigned domain_to_node(uint32_t domain)
{
	for (unsigned node = 0; node < domain_count; node++)
		if (domains[node] == domain)
			return node;
	if (domain_count == domain_limit) {
		log_warn("mm: more than %u memory domains: domain %u counts as node %u",
			 domain_limit, domain, domain_limit - 1);
		return domain_limit - 1;
	}
	domains[domain_count] = domain;
	return domain_count++;
}

void nodes_init(unsigned max)
{
	struct acpi_memory_affinity memory;
	struct acpi_cpu_affinity cpu;
	size_t cursor = 0;

	domain_count = 0;
	domain_limit = MIN(max, DOMAINS_MAX);
	while (acpi_memory_affinity_next(&cursor, &memory))
		(void)domain_to_node(memory.domain);
	cursor = 0;
	while (acpi_cpu_affinity_next(&cursor, &cpu))
		(void)domain_to_node(cpu.domain);
	acpi_affinity_report(domains, domain_count);
}

unsigned node_count(void)
{
	return MAX(domain_count, 1u);
}

unsigned node_at(uint64_t frame, uint64_t *until)
{
	struct acpi_memory_affinity affinity;
	unsigned node = 0;
	size_t cursor = 0;

	*until = UINT64_MAX;
	while (acpi_memory_affinity_next(&cursor, &affinity)) {
		uint64_t block = UINT64_C(1) << FOLIO_ORDER_MAX;
		uint64_t start = align_down(affinity.start.addr >> PAGE_SHIFT, block);
		uint64_t end =
			align_down((affinity.start.addr + affinity.size) >> PAGE_SHIFT, block);

		if (start <= frame && frame < end) {
			node = domain_to_node(affinity.domain);
			*until = MIN(*until, end);
		} else if (start > frame) {
			*until = MIN(*until, start);
		}
	}
	return node;
}

unsigned node_of_firmware_cpu(uint32_t id)
{
	struct acpi_cpu_affinity affinity;
	size_t cursor = 0;

	while (acpi_cpu_affinity_next(&cursor, &affinity))
		if (affinity.apic_id == id)
			return domain_to_node(affinity.domain);
	return 0;
}

unsigned node_distance(unsigned from, unsigned to)
{
	if (from == to || domain_count == 0)
		return 10;
	return acpi_distance(domains[from], domains[to]);
}
