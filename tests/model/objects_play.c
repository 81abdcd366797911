// SPDX-License-Identifier: MIT
/*
 * See objects_play.h. One byte per operation, with arguments.
 */
#include <tests/model/objects_play.h>
#include <mm/dma.h>
#include <mm/folio_split.h>
#include <mm/memcg.h>
#include <mm/mm.h>
#include <mm/shrinker.h>
#include <mm/slab.h>
#include <errno.h>
#include <string.h>

#define HELD_MAX    96
#define GROUP_PAGES 600
#define CACHES      3

enum kind { FOLIO, RAW, EXACT, OBJECT, BUFFER };

/* One thing that the program has. */
struct held {
	enum kind kind;
	unsigned char mark; /* at both ends */
	unsigned order;
	unsigned references; /* FOLIO */
	bool written;        /* a record says what a split cannot pass on */
	char *start;
	size_t size;              /* bytes that are ours */
	struct slab_cache *cache; /* OBJECT; NULL: of kmalloc() */
	uint64_t bus;             /* BUFFER */
};

static struct held all[HELD_MAX];
static unsigned count;
static unsigned char next_mark;
static struct memcg group;
static struct slab_cache *caches[CACHES]; /* plain, of groups, with a constructor */
static struct dma_device device = {.name = "play", .mask = UINT64_MAX, .node = NODE_ANY};

static void construct(void *object)
{
	memset(object, 0x5c, 24);
}

static const struct slab_attributes attributes[CACHES] = {
	{.name = "play", .size = 200},
	{.name = "play groups", .size = 200, .flags = SLAB_GROUPS},
	{.name = "play constructed", .size = 24, .constructor = construct},
};

static size_t mark_size(const struct held *held)
{
	return held->size < 8 ? held->size : 8;
}

/* Constructed objects keep their contents. */
static void mark(struct held *held)
{
	held->mark = held->cache && held->cache == caches[2] ? 0x5c : next_mark++;
	memset(held->start, held->mark, mark_size(held));
	memset(held->start + held->size - mark_size(held), held->mark, mark_size(held));
}

static bool is_marked(const struct held *held)
{
	const char *end = held->start + held->size - mark_size(held);

	for (size_t i = 0; i < mark_size(held); i++)
		if ((unsigned char)held->start[i] != held->mark ||
		    (unsigned char)end[i] != held->mark)
			return false;
	return true;
}

static bool overlaps(const struct held *held)
{
	for (unsigned i = 0; i < count; i++)
		if (held->start < all[i].start + all[i].size &&
		    all[i].start < held->start + held->size)
			return true;
	return false;
}

/* Each byte equals the one before it: megabytes in one call, which a fuzzer does not trace. */
static bool is_zero(const char *bytes, size_t size)
{
	return size == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0);
}

/* A new thing, zero if it was asked to be. */
static const char *hold(struct held held, bool zero)
{
	if (overlaps(&held))
		return "what was allocated is somebody's";
	if (zero && !is_zero(held.start, held.size))
		return "what was to be zero is not";
	mark(&held);
	all[count++] = held;
	return NULL;
}

static const char *folio_new(struct bytes *program)
{
	uint8_t choice = bytes_8(program);
	unsigned order = choice % (FOLIO_ORDER_MAX + 1);
	unsigned flags = FOLIO_NOWARN | (choice & 0x80 ? FOLIO_ZERO : 0);
	uint64_t charged = group.pages;
	struct folio *folio =
		folio_alloc(NODE_ANY, order, flags, choice & 0x40 ? &group : NULL);

	if (!folio)
		return group.pages == charged ? NULL : "a failed request was charged";
	if (folio_order(folio) != order || folio_references(folio) != 1)
		return "a new folio has not its order or not one reference";
	return hold((struct held){.kind = FOLIO,
				  .order = order,
				  .references = 1,
				  .start = folio_address(folio),
				  .size = folio_size(folio)},
		    flags & FOLIO_ZERO);
}

static const char *block_new(struct bytes *program)
{
	uint8_t choice = bytes_8(program);
	unsigned order = choice % (FOLIO_ORDER_MAX + 1);
	unsigned pages = choice % 70 + 1;
	bool exact = choice & 0x80;
	bool compound = choice & 0x40 && !exact; /* F-T6 is about both */
	unsigned flags = FOLIO_NOWARN | (compound ? FOLIO_COMPOUND : 0);
	struct page *page = exact ? page_alloc_exact(NODE_ANY, pages, flags)
				  : page_alloc(NODE_ANY, order, flags);

	if (!page)
		return NULL;
	return hold((struct held){.kind = exact      ? EXACT
					  : compound ? FOLIO
						     : RAW,
				  .order = order,
				  .references = 1,
				  .start = page_to_virt(page),
				  .size = exact ? pages << PAGE_SHIFT : PAGE_SIZE << order},
		    false);
}

static const char *buffer_new(struct bytes *program)
{
	size_t size = bytes_16(program) * 8u;
	struct held held = {.kind = BUFFER, .size = size};

	held.start = dma_alloc(&device, size, FOLIO_NOWARN, &held.bus);
	if (!held.start)
		return NULL;
	if (!is_zero(held.start, align_up(size, PAGE_SIZE)))
		return "a buffer is not zero to the end of its page";
	return hold(held, true);
}

static const char *object_new(struct bytes *program)
{
	uint8_t choice = bytes_8(program);
	bool zero = choice & 0x80;
	struct held held = {.kind = OBJECT};

	if (choice % 4 == CACHES) {
		held.size = bytes_16(program) % 20000 + 1;
		held.start = kmalloc(held.size, FOLIO_NOWARN | (zero ? FOLIO_ZERO : 0));
	} else {
		held.cache = caches[choice % 4];
		held.size = choice % 4 == 2 ? 24 : 200;
		zero = zero && choice % 4 != 2;
		held.start =
			slab_alloc_node(held.cache, choice & 0x20 ? 0 : NODE_ANY,
					zero ? FOLIO_ZERO : 0, choice % 4 == 1 ? &group : NULL);
	}
	if (!held.start)
		return NULL;
	if (held.cache && held.cache == caches[2] && held.start[23] != 0x5c)
		return "a constructed object lost its state";
	return hold(held, zero);
}

static const char *object_end(struct held *held)
{
	if (!held->cache && kmalloc_usable_size(held->start) < held->size)
		return "an object is smaller than was asked for";
	if (held->cache == caches[1] && slab_object_memcg(held->start) != &group)
		return "the group of an object is not found from it";
	if (held->cache)
		slab_free(held->cache, held->start);
	else
		kfree(held->start);
	return NULL;
}

/* Callers who are wrong, and one whose first page somebody else holds too. */
static const char *raw_end(struct page *page, unsigned order, uint8_t choice)
{
	struct folio *first = page_folio(page);

	switch (choice % 4) {
	case 0:
		page_free(page, order);
		return NULL;
	case 1:
		page_free(page, (order + 1) % FOLIO_ORDER_MAX);
		return NULL;
	case 2:
		page_free(page, order);
		page_free(page, order);
		return NULL;
	default:
		folio_get(first);
		page_free(page, order);
		if (folio_order(first) != 0 || folio_references(first) != 1)
			return "the first page of a block is not what its holder has left";
		folio_put(first);
		return NULL;
	}
}

/* The last of it goes. */
static const char *end(unsigned at, uint8_t choice)
{
	struct held held = all[at];
	struct page *page = virt_to_page(held.start);

	all[at] = all[--count];
	if (!is_marked(&held))
		return "somebody wrote into what was held";
	switch (held.kind) {
	case FOLIO:
		while (--held.references)
			folio_put(page_folio(page));
		if (choice & 1)
			page_free(page, held.order);
		else
			folio_put(page_folio(page));
		return NULL;
	case RAW:
		return raw_end(page, held.order, choice);
	case EXACT:
		page_free_exact(page, (unsigned)(held.size >> PAGE_SHIFT));
		return NULL;
	case BUFFER:
		dma_free(&device, held.size, held.start, held.bus);
		return NULL;
	default:
		return object_end(&held);
	}
}

static const char *folio_references_play(struct held *held, uint8_t choice)
{
	struct page *page = virt_to_page(held->start + choice * 4096u % held->size);
	struct folio *folio = page_folio(page);

	if (&folio->page != virt_to_page(held->start))
		return "a page does not know its folio";
	if (choice & 1 && held->references > 1) {
		page_put(page);
		held->references--;
	} else if (choice & 2) {
		if (page_try_get(page) != folio)
			return "a live folio cannot be got";
		held->references++;
	} else if (folio_freeze(folio, (int)held->references)) {
		if (folio_try_get(folio))
			return "a frozen folio was got";
		folio_unfreeze(folio, (int)held->references);
	} else {
		return "a folio has other references than ours";
	}
	return NULL;
}

/* The pieces of a split that the program may keep; the others go at once. */
static const char *pieces_hold(struct folio *first, unsigned old_order)
{
	const char *wrong = NULL;

	for (struct folio *piece = first; piece && !wrong;) {
		struct folio *next = folio_split_next(first, old_order, piece);

		if (count < HELD_MAX)
			wrong = hold((struct held){.kind = FOLIO,
						   .order = folio_order(piece),
						   .references = 1,
						   .start = folio_address(piece),
						   .size = folio_size(piece)},
				     false);
		else
			folio_put(piece);
		piece = next;
	}
	return wrong;
}

static const char *folio_split_play(struct held *held, uint8_t choice)
{
	struct folio *first = page_folio(virt_to_page(held->start));
	enum folio_split_mode mode = choice & 0x80 ? FOLIO_SPLIT_HALVES : FOLIO_SPLIT_UNIFORM;
	unsigned old_order = held->order;
	uint64_t offset = choice * 7u % folio_pages(first);
	int error;

	if (old_order == 0)
		return NULL;
	error = folio_split(first, choice % old_order, folio_page(first, offset), mode);
	if ((error == 0) != (held->references == 1 && !held->written))
		return "a split did what it should not";
	if (error)
		return NULL;
	if (!is_marked(held))
		return "a split changed memory";
	*held = all[--count];
	return pieces_hold(first, old_order);
}

/* What an owner writes into the record of any of its pages; the allocator finds it at free. */
static const char *record_play(struct held *held, uint8_t choice)
{
	uint64_t pages = held->size >> PAGE_SHIFT;
	struct page *page = virt_to_page(held->start) + choice * 37u % pages;

	switch (choice >> 3 & 3) {
	case 0:
		page_flag_set(page, PAGE_REFERENCED);
		held->written |= page != virt_to_page(held->start);
		return NULL;
	case 1:
		page_set_private(page, choice);
		held->written = true;
		return NULL;
	case 2:
		page_map_add(page);
		page_map_remove(page);
		return NULL;
	default:
		if (!page_trylock(page) || page_trylock(page))
			return "a page's lock is not had exactly once";
		page_unlock(page);
		return NULL;
	}
}

static const char *change(struct bytes *program)
{
	struct held *held = &all[bytes_8(program) % count];
	uint8_t choice = bytes_8(program);

	if (held->kind <= EXACT && (choice & 0xe0) == 0xe0)
		return record_play(held, choice);
	if (held->kind == FOLIO)
		return choice & 4 ? folio_split_play(held, choice)
				  : folio_references_play(held, choice);
	if (held->kind != RAW)
		return NULL;
	if (page_explode(virt_to_page(held->start), held->order) != 0)
		return "a raw block does not explode";
	held->kind = EXACT;
	return NULL;
}

/* A cache that is in use stays; magazines go; the statistics know what is ours. */
static const char *caches_play(uint8_t choice)
{
	struct slab_cache *cache = caches[choice % CACHES];
	struct slab_cache_statistics statistics;
	uint64_t objects = 0;

	for (unsigned i = 0; i < count; i++)
		objects += all[i].kind == OBJECT && all[i].cache == cache;
	if (choice & 0x80)
		slab_drain();
	if ((choice & 0x7c) == 0x7c && objects && slab_cache_destroy(cache) != -EBUSY)
		return "a cache that is in use was destroyed";
	for (unsigned i = 0; slab_statistics(i, &statistics); i++)
		if (strcmp(statistics.name, attributes[choice % CACHES].name) == 0 &&
		    statistics.in_use - statistics.cached != objects)
			return "a cache counts other objects than ours";
	return NULL;
}

/* Empty slabs go, at once or as much as the pressure wants. */
static void shrink_play(uint8_t choice)
{
	if (choice & 1)
		(void)slab_shrink();
	else
		(void)shrink_node(0, choice >> 1 & 15);
}

/* Exactly the pages of something that was just freed, or others' that are refused. */
static const char *range_play(struct bytes *program)
{
	unsigned pages = bytes_8(program) % 200 + 1;
	struct page *block = page_alloc(NODE_ANY, 8, FOLIO_NOWARN);
	struct page *list[64];
	unsigned got = page_alloc_bulk(NODE_ANY, FOLIO_NOWARN, list, pages % 64);
	const char *wrong = NULL;
	struct pfn busy;
	int error;

	page_free_bulk(list, got);
	if (!block)
		return NULL;
	error = page_alloc_range(page_to_pfn(block), pages, 0, &busy);
	if (error == 0 || (error == -EBUSY && busy.nr != page_to_pfn(block).nr))
		wrong = "pages in use were taken";
	page_free(block, 8);
	if (!wrong && page_alloc_range(page_to_pfn(block), pages, 0, &busy) == 0)
		page_free_exact(block, pages);
	return wrong;
}

static const char *end_any(struct bytes *program)
{
	unsigned at = bytes_8(program) % count;

	return end(at, bytes_8(program));
}

static const char *operation(struct bytes *program)
{
	uint8_t choice = bytes_8(program) % 14;

	if (choice < 6 && count == HELD_MAX)
		return NULL;
	if (choice >= 6 && choice < 11 && count == 0)
		return NULL;
	switch (choice) {
	case 0:
	case 1:
		return folio_new(program);
	case 2:
		return block_new(program);
	case 3:
		return buffer_new(program);
	case 4:
	case 5:
		return object_new(program);
	case 6:
	case 7:
		return change(program);
	case 8:
	case 9:
	case 10:
		return end_any(program);
	case 11:
		shrink_play(bytes_8(program));
		return NULL;
	case 12:
		return caches_play(bytes_8(program));
	default:
		return range_play(program);
	}
}

static uint64_t free_now(void)
{
	struct mm_statistics statistics;

	mm_drain();
	mm_statistics(&statistics);
	return statistics.free;
}

static bool caches_create(void)
{
	for (unsigned i = 0; i < CACHES; i++) {
		caches[i] = slab_cache_create(&attributes[i]);
		if (caches[i])
			continue;
		while (i-- > 0)
			(void)!slab_cache_destroy(caches[i]);
		return false;
	}
	return true;
}

static const char *play_out(struct bytes *program)
{
	const char *wrong = NULL;

	while (!wrong && program->length)
		wrong = operation(program);
	if (!wrong)
		wrong = mm_check_all();
	while (count) {
		const char *at_end = end(count - 1, 0);

		wrong = wrong ? wrong : at_end;
	}
	for (unsigned i = 0; i < CACHES; i++)
		if (slab_cache_destroy(caches[i]) != 0 && !wrong)
			wrong = "a cache keeps an object";
	return wrong;
}

const char *objects_play(struct bytes program)
{
	uint64_t before = free_now();
	const char *wrong;

	count = 0;
	next_mark = 0;
	group = (struct memcg){.limit = GROUP_PAGES};
	if (!caches_create())
		return NULL; /* no memory to play with */
	wrong = play_out(&program);
	if (!wrong && (group.pages || group.object_bytes))
		wrong = "a charge was not returned";
	if (!wrong)
		wrong = mm_check_all();
	if (!wrong && free_now() != before)
		wrong = "free memory is not what it was";
	return wrong;
}
