// SPDX-License-Identifier: MIT
/*
 * Red zones, patterns and the names of callers: how debug builds find whoever writes where he
 * must not. Release builds have the reports only; their objects have no guard.
 */
#include <mm/slab_internal.h>
#include <kernel/format.h>
#include <kernel/log.h>
#include <kernel/symbols.h>

/* Behind the red zone of each object. */
struct slab_guard {
	uint32_t state; /* tells free from taken */
	uint32_t asked; /* bytes the owner may use */
	uintptr_t allocated_by;
	uintptr_t freed_by;
};

#define STATE_FREE  0xf1eef1eeu
#define STATE_TAKEN 0x7a4e7a4eu
#define POISON      0x6b /* a free object */
#define RED_ZONE    0xcc /* around every object */
#define ZONE_SIZE   sizeof(uint64_t)

size_t slab_debug_layout(struct slab_cache *cache)
{
	cache->guard = (unsigned)(align_up(cache->size, sizeof(uint64_t)) + ZONE_SIZE);
	return cache->guard + sizeof(struct slab_guard) + ZONE_SIZE;
}

static struct slab_guard *guard_of(const struct slab_cache *cache, const void *object)
{
	return (struct slab_guard *)(uintptr_t)((const char *)object + cache->guard);
}

static bool is_filled(const void *start, size_t size, unsigned char with)
{
	const unsigned char *byte = start;

	for (size_t i = 0; i < size; i++)
		if (byte[i] != with)
			return false;
	return true;
}

static void append_caller(char *text, size_t size, const char *what, uintptr_t caller)
{
	uintptr_t offset = 0;
	const char *name = caller ? symbol_find(caller - 1, &offset) : NULL;

	if (!caller)
		format_append(text, size, ", never %s", what);
	else
		format_append(text, size, ", %s by %#lx %s+%#lx", what, (unsigned long)caller,
			      name ? name : "?", name ? (unsigned long)offset + 1 : 0);
}

void slab_report(const struct slab_cache *cache, const void *object, const char *what,
		 uintptr_t caller)
{
	char history[240] = "";

	if (SLAB_DEBUG) {
		const struct slab_guard *guard = guard_of(cache, object);

		append_caller(history, sizeof(history), "allocated", guard->allocated_by);
		append_caller(history, sizeof(history), "freed", guard->freed_by);
		append_caller(history, sizeof(history), "found", caller);
	}
	log_error("slab: %s: object %p: %s%s", cache->name, object, what, history);
}

/* The zones around an object of which `used` bytes belong to its owner. */
static void zones_fill(const struct slab_cache *cache, void *object, size_t used)
{
	memset((char *)object - ZONE_SIZE, RED_ZONE, ZONE_SIZE);
	memset((char *)object + used, RED_ZONE, cache->guard - used);
}

static void contents_fill(const struct slab_cache *cache, void *object)
{
	if (!slab_keeps_contents(cache))
		memset(object, POISON, cache->size);
}

/* Reports a zone that was written to. */
static void zones_check(const struct slab_cache *cache, void *object, size_t used,
			uintptr_t caller)
{
	const char *at = object;
	bool before = is_filled(at - ZONE_SIZE, ZONE_SIZE, RED_ZONE);
	bool behind = is_filled(at + used, cache->guard - used, RED_ZONE);

	if (!before)
		slab_report(cache, object, "written before its start", caller);
	if (!behind)
		slab_report(cache, object, "written beyond its end", caller);
	if (!before || !behind)
		zones_fill(cache, object, used);
}

void slab_debug_fresh(const struct slab_cache *cache, void *object)
{
	zones_fill(cache, object, cache->size);
	contents_fill(cache, object);
	*guard_of(cache, object) = (struct slab_guard){.state = STATE_FREE};
}

void slab_debug_taken(const struct slab_cache *cache, void *object, size_t asked,
		      uintptr_t caller)
{
	struct slab_guard *guard = guard_of(cache, object);

	zones_check(cache, object, cache->size, caller);
	if (guard->state != STATE_FREE)
		slab_report(cache, object, "its guard was overwritten", caller);
	if (!slab_keeps_contents(cache) && !is_filled(object, cache->size, POISON))
		slab_report(cache, object, "written after it was freed", caller);
	*guard = (struct slab_guard){STATE_TAKEN, (uint32_t)asked, caller, guard->freed_by};
	zones_fill(cache, object, asked);
}

bool slab_debug_freed(const struct slab_cache *cache, void *object, uintptr_t caller)
{
	struct slab_guard *guard = guard_of(cache, object);

	if (guard->state == STATE_FREE) {
		slab_report(cache, object, "freed twice", caller);
		return false;
	}
	if (guard->state != STATE_TAKEN || guard->asked > cache->size) {
		slab_report(cache, object, "its guard was overwritten", caller);
		guard->asked = (uint32_t)cache->size;
	} else {
		zones_check(cache, object, guard->asked, caller);
	}
	guard->state = STATE_FREE;
	guard->freed_by = caller;
	contents_fill(cache, object);
	zones_fill(cache, object, cache->size);
	return true;
}

size_t slab_debug_asked(const struct slab_cache *cache, const void *object)
{
	return guard_of(cache, object)->asked;
}
