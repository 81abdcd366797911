// SPDX-License-Identifier: MIT
/*
 * The `mem` command.
 */
#include <mm/bad_page.h>
#include <mm/folio.h>
#include <mm/map.h>
#include <mm/mm.h>
#include <mm/reclaim.h>
#include <mm/slab.h>
#include <mm/touch.h>
#include <mm/zone.h>
#include <kernel/bits.h>
#include <kernel/json.h>
#include <kernel/log.h>
#include <kernel/percpu.h>
#include <kernel/shell.h>
#include <platform/console.h>
#include <errno.h>
#include <string.h>

static uint64_t kib(uint64_t pages)
{
	return pages << (PAGE_SHIFT - 10);
}

static void print_total(const char *what, uint64_t pages, const char *meaning)
{
	print("%-10s%12llu KiB  %s\n", what, (unsigned long long)kib(pages), meaning);
}

static void print_totals(void)
{
	struct mm_statistics total;

	mm_statistics(&total);
	print_total("managed", total.managed, "handed out by the allocator, balloons apart");
	print_total("free", total.free, "of it in nobody's hands");
	print_total("pristine", total.pristine, "of that never touched since boot");
	print_total("reserved", total.reserved, "kernel image, page records, firmware");
	if (total.bad)
		print_total("withheld", total.bad, "after a bad page report: see `log`");
}

/* Free blocks of each order a request could get. */
static void print_zones(void)
{
	print("\nnode zone    start         managed KiB     free KiB  free blocks of 4K 8K ... "
	      "4M\n");
	for (unsigned i = 0; i < zone_count; i++) {
		const struct zone *zone = zones[i];

		print("%4u %-7s %#12llx %12llu %12llu ", zone->node, zone_type_name(zone->type),
		      (unsigned long long)pfn_to_phys(zone->start).addr,
		      (unsigned long long)kib((uint64_t)atomic_load(&zone->managed)),
		      (unsigned long long)kib(frames_free(&zone->frames)));
		for (unsigned order = 0; order <= FOLIO_ORDER_MAX; order++)
			print(" %llu", (unsigned long long)zone_available(zone, order));
		print("\n");
	}
}

/* Frames that requests on this CPU got, and that were put from it, of all zones. */
static void cpu_counts(unsigned cpu, uint64_t *got, uint64_t *put)
{
	*got = 0;
	*put = 0;
	for (unsigned i = 0; i < zone_count; i++) {
		*got += frames_cpu_got(&zones[i]->frames, cpu);
		*put += frames_cpu_put(&zones[i]->frames, cpu);
	}
}

/* What requests that are not atomic leave, and between which the reclaim thread works. */
static void print_watermarks(void)
{
	struct reclaim_statistics reclaim;

	print("\nnode zone           min KiB      low KiB     high KiB\n");
	for (unsigned i = 0; i < zone_count; i++)
		print("%4u %-7s %12llu %12llu %12llu\n", zones[i]->node,
		      zone_type_name(zones[i]->type),
		      (unsigned long long)kib(zones[i]->reserve[zones[i]->type]),
		      (unsigned long long)kib(zones[i]->low),
		      (unsigned long long)kib(zones[i]->high));
	reclaim_statistics(&reclaim);
	print("requests that were short %llu: helped by caches %llu, by moving pages %llu, by "
	      "balloons %llu, failed %llu; rounds ahead of need %llu\n",
	      (unsigned long long)reclaim.requests, (unsigned long long)reclaim.by_shrinkers,
	      (unsigned long long)reclaim.by_compaction, (unsigned long long)reclaim.by_hooks,
	      (unsigned long long)reclaim.failed, (unsigned long long)reclaim.rounds);
}

static void json_reclaim(struct json *json)
{
	struct reclaim_statistics reclaim;

	reclaim_statistics(&reclaim);
	json_object(json, "reclaim");
	json_number(json, "requests", reclaim.requests);
	json_number(json, "by_shrinkers", reclaim.by_shrinkers);
	json_number(json, "by_compaction", reclaim.by_compaction);
	json_number(json, "by_hooks", reclaim.by_hooks);
	json_number(json, "failed", reclaim.failed);
	json_number(json, "rounds_ahead", reclaim.rounds);
	json_number(json, "freed_ahead", reclaim.freed_ahead);
	json_end(json);
}

static void print_cpus(void)
{
	print("\n cpu node        pages got        pages put\n");
	cpu_for_each (cpu) {
		uint64_t got;
		uint64_t put;

		cpu_counts(cpu, &got, &put);
		if (got | put)
			print("%4u %4u %16llu %16llu\n", cpu, zone_cpu_node(cpu),
			      (unsigned long long)got, (unsigned long long)put);
	}
}

static void print_slabs(void)
{
	struct slab_cache_statistics cache;

	print("\nobjects           size  stride   in use     room      KiB\n");
	for (unsigned i = 0; slab_statistics(i, &cache); i++)
		if (cache.pages)
			print("%-15s %6zu %7zu %8llu %8llu %8llu\n", cache.name,
			      cache.object_size, cache.stride, (unsigned long long)cache.in_use,
			      (unsigned long long)cache.objects,
			      (unsigned long long)kib(cache.pages));
}

static void json_zones(struct json *json)
{
	json_array(json, "zones");
	for (unsigned i = 0; i < zone_count; i++) {
		const struct zone *zone = zones[i];

		json_object(json, NULL);
		json_number(json, "node", zone->node);
		json_string(json, "type", zone_type_name(zone->type));
		json_number(json, "start", pfn_to_phys(zone->start).addr);
		json_number(json, "end", pfn_to_phys(zone->end).addr);
		json_number(json, "managed_pages", (uint64_t)atomic_load(&zone->managed));
		json_number(json, "free_pages", frames_free(&zone->frames));
		json_number(json, "pristine_pages", atomic_load(&zone->pristine));
		json_number(json, "min_pages", zone->reserve[zone->type]);
		json_number(json, "low_pages", zone->low);
		json_number(json, "high_pages", zone->high);
		json_array(json, "free_blocks");
		for (unsigned order = 0; order <= FOLIO_ORDER_MAX; order++)
			json_number(json, NULL, zone_available(zone, order));
		json_end(json);
		json_end(json);
	}
	json_end(json);
}

static void json_cpus(struct json *json)
{
	json_array(json, "cpus");
	cpu_for_each (cpu) {
		uint64_t got;
		uint64_t put;

		cpu_counts(cpu, &got, &put);
		json_object(json, NULL);
		json_number(json, "pages_got", got);
		json_number(json, "pages_put", put);
		json_number(json, "node", zone_cpu_node(cpu));
		json_end(json);
	}
	json_end(json);
}

static void json_slabs(struct json *json)
{
	struct slab_cache_statistics cache;

	json_array(json, "slab");
	for (unsigned i = 0; slab_statistics(i, &cache); i++) {
		json_object(json, NULL);
		json_string(json, "name", cache.name);
		json_number(json, "size", cache.object_size);
		json_number(json, "stride", cache.stride);
		json_number(json, "pages", cache.pages);
		json_number(json, "objects", cache.objects);
		json_number(json, "in_use", cache.in_use);
		json_end(json);
	}
	json_end(json);
}

static void print_json(void)
{
	struct mm_statistics total;
	struct json json;

	mm_statistics(&total);
	json_start(&json);
	json_object(&json, NULL);
	json_number(&json, "page_size", PAGE_SIZE);
	json_number(&json, "managed_pages", total.managed);
	json_number(&json, "free_pages", total.free);
	json_number(&json, "pristine_pages", total.pristine);
	json_number(&json, "reserved_pages", total.reserved);
	json_number(&json, "withheld_pages", total.bad);
	json_number(&json, "bad_page_reports", bad_page_count());
	json_zones(&json);
	json_reclaim(&json);
	json_cpus(&json);
	json_slabs(&json);
	json_finish(&json);
}

static int touch(bool as_json)
{
	struct touch_result result;

	memory_touch(&result);
	if (as_json) {
		struct json json;

		json_start(&json);
		json_object(&json, NULL);
		json_number(&json, "touched_bytes", result.pages << PAGE_SHIFT);
		json_number(&json, "wrong_pages", result.wrong);
		json_number(&json, "generation", result.generation);
		json_finish(&json);
	} else {
		print("mem: %llu bytes touched, %llu pages wrong, generation %llu\n",
		      (unsigned long long)result.pages << PAGE_SHIFT,
		      (unsigned long long)result.wrong, (unsigned long long)result.generation);
	}
	return result.wrong ? -EIO : 0;
}

static void report_all(bool as_json)
{
	bad_page_flush();
	if (as_json) {
		print_json();
		return;
	}
	print_totals();
	print_zones();
	print_watermarks();
	print_cpus();
	print_slabs();
}

struct request {
	bool as_json, map, watch, plain, touch;
};

static bool take_option(struct request *request, const char *option)
{
	struct {
		const char *name;
		bool *wanted;
	} options[] = {{"-j", &request->as_json},
		       {"-m", &request->map},
		       {"-w", &request->watch},
		       {"-p", &request->plain},
		       {"-t", &request->touch}};

	for (unsigned i = 0; i < ARRAY_SIZE(options); i++)
		if (strcmp(option, options[i].name) == 0)
			return *options[i].wanted = true;
	print("mem: unknown argument %s: `help mem` says what there is\n", option);
	return false;
}

/* Which options go together. */
static bool makes_sense(const struct request *request)
{
	if (request->touch)
		return !request->map && !request->watch && !request->plain;
	if (request->watch)
		return request->map && !request->as_json;
	return !request->plain;
}

static int watch(bool plain)
{
	if (!console_has_input()) {
		print("mem: -w ends when a key is pressed, and this machine has none\n");
		return -EOPNOTSUPP;
	}
	memory_map_watch(console_read, plain);
	return 0;
}

static int mem_run(int argc, char **argv)
{
	struct request request = {0};

	for (int i = 1; i < argc; i++)
		if (!take_option(&request, argv[i]))
			return -EINVAL;
	if (!makes_sense(&request))
		return shell_usage("mem");
	if (request.touch)
		return touch(request.as_json);
	if (request.watch)
		return watch(request.plain);
	if (request.map)
		memory_map_print(request.as_json);
	else
		report_all(request.as_json);
	return 0;
}

SHELL_COMMAND(mem, "[-j] [-m [-w [-p]] | -t]",
	      "how memory is used\n"
	      "-m  a map: a character for each stretch of physical memory\n"
	      "-w  draw the map again and again until a key is pressed\n"
	      "-p  without escape sequences, for a log: one map below the other\n"
	      "-t  take all of it once, stamp every page, read it back, give it back\n"
	      "-j  one line of JSON",
	      mem_run);
