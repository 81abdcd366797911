// SPDX-License-Identifier: MIT
/*
 * The `slab` command: small objects by cache, and what they cost in memory.
 */
#include <mm/slab.h>
#include <kernel/json.h>
#include <kernel/log.h>
#include <kernel/shell.h>
#include <platform/types.h>
#include <errno.h>
#include <string.h>

/* Bytes of the cache's slabs that no object's owner may use: rests, rounding, guards. */
static uint64_t waste_of(const struct slab_cache_statistics *cache)
{
	return cache->pages * PAGE_SIZE - cache->objects * cache->object_size;
}

static void print_caches(void)
{
	struct slab_cache_statistics cache;
	uint64_t empty = 0;

	print("%-15s %6s %6s %8s %8s %8s %8s %9s\n", "cache", "size", "stride", "in use",
	      "magazine", "room", "KiB", "waste KiB");
	for (unsigned i = 0; slab_statistics(i, &cache); i++) {
		empty += cache.empty;
		if (!cache.pages)
			continue;
		print("%-15s %6zu %6zu %8llu %8llu %8llu %8llu %9llu\n", cache.name,
		      cache.object_size, cache.stride,
		      (unsigned long long)(cache.in_use - cache.cached),
		      (unsigned long long)cache.cached, (unsigned long long)cache.objects,
		      (unsigned long long)(cache.pages * PAGE_SIZE >> 10),
		      (unsigned long long)(waste_of(&cache) >> 10));
	}
	print("%llu KiB in slabs without an object: `slab -s` gives them back\n",
	      (unsigned long long)(empty * PAGE_SIZE >> 10));
}

static void json_caches(struct json *json)
{
	struct slab_cache_statistics cache;

	json_array(json, "caches");
	for (unsigned i = 0; slab_statistics(i, &cache); i++) {
		json_object(json, NULL);
		json_string(json, "name", cache.name);
		json_number(json, "size", cache.object_size);
		json_number(json, "stride", cache.stride);
		json_number(json, "slab_objects", cache.slab_objects);
		json_number(json, "slab_pages", UINT64_C(1) << cache.slab_order);
		json_bool(json, "rcu", cache.flags & SLAB_RCU);
		json_bool(json, "groups", cache.flags & SLAB_GROUPS);
		json_number(json, "pages", cache.pages);
		json_number(json, "empty_pages", cache.empty);
		json_number(json, "waiting_pages", cache.waiting);
		json_number(json, "objects", cache.objects);
		json_number(json, "in_use", cache.in_use);
		json_number(json, "cached", cache.cached);
		json_number(json, "waste_bytes", waste_of(&cache));
		json_end(json);
	}
	json_end(json);
}

static void report(bool as_json, bool shrunk, uint64_t pages)
{
	struct json json;

	if (!as_json) {
		if (shrunk)
			print("slab: %llu KiB given back\n",
			      (unsigned long long)(pages * PAGE_SIZE >> 10));
		print_caches();
		return;
	}
	json_start(&json);
	json_object(&json, NULL);
	if (shrunk)
		json_number(&json, "given_back_pages", pages);
	json_caches(&json);
	json_finish(&json);
}

static int slab_run(int argc, char **argv)
{
	bool as_json = false;
	bool shrink = false;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "-j") == 0) {
			as_json = true;
		} else if (strcmp(argv[i], "-s") == 0) {
			shrink = true;
		} else {
			print("slab: unknown argument %s: `help slab` says what there is\n",
			      argv[i]);
			return -EINVAL;
		}
	}
	report(as_json, shrink, shrink ? slab_shrink() : 0);
	return 0;
}

SHELL_COMMAND(slab, "[-j] [-s]",
	      "small objects by cache\n"
	      "-s  give slabs without an object back first\n"
	      "-j  one line of JSON",
	      slab_run);
