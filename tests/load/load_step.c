// SPDX-License-Identifier: MIT
/*
 * One worker's operations. A worker wishes to hold so many pages, another number every now and
 * then, at times more than there are: most of its steps lead there.
 */
#include <tests/load/load.h>
#include <kernel/bits.h>
#include <mm/compaction.h>
#include <mm/folio_split.h>
#include <mm/mm.h>
#include <mm/slab.h>
#include <mm/zone.h>
#include <tests/mm/page_stamp.h>

#define WISH_STEPS  1024u /* between two wishes */
#define CHECK_STEPS 8192u /* between two looks at everything */
#define EXACT_MAX   64u
#define BULK_MAX    16u
#define OBJECT_MAX  KIB(64)

typedef bool load_operation_fn(struct load_worker *worker);

/* ---- getting ---- */

static bool has_room(const struct load_worker *worker, unsigned items)
{
	return worker->nr_items + items <= LOAD_ITEMS;
}

/* Half of all of order 0, a quarter of order 1 and so on; now and then any. */
static unsigned random_order(struct load_worker *worker)
{
	unsigned most = worker->load->order_max;
	uint64_t bits = load_random(worker);

	if (bits >> 60 == 0)
		return (unsigned)load_random_below(worker, most + 1);
	return MIN((unsigned)__builtin_ctzll(bits | BIT64(FOLIO_ORDER_MAX)), most);
}

static unsigned random_flags(struct load_worker *worker)
{
	static const unsigned rare[] = {FOLIO_MAY_SLEEP, FOLIO_ATOMIC, FOLIO_DMA32, FOLIO_ZERO,
					FOLIO_NORETRY};
	unsigned flags = FOLIO_NOWARN;

	if (load_random_below(worker, 16) == 0)
		flags |= rare[load_random_below(worker, ARRAY_SIZE(rare))];
	return flags;
}

static bool is_zero(const char *memory, uint64_t size)
{
	for (uint64_t i = 0; i < size; i += sizeof(uint64_t))
		if (*(const uint64_t *)(const void *)(memory + i) != 0)
			return false;
	return true;
}

static void take_over(struct load_worker *worker, enum load_kind kind, void *memory,
		      uint64_t size, unsigned order)
{
	struct load_item item = {.kind = kind, .order = order, .memory = memory, .size = size};

	load_item_stamp(worker, &item);
	load_item_add(worker, &item);
}

static bool folio_take(struct load_worker *worker, unsigned order, unsigned flags)
{
	struct folio *folio = folio_alloc(NODE_ANY, order, flags, NULL);

	if (!folio)
		return false;
	if (flags & FOLIO_ZERO && !is_zero(folio_address(folio), folio_size(folio)))
		worker->counts.wrong++;
	load_ledger_got(worker, order, 1);
	take_over(worker, LOAD_FOLIO, folio_address(folio), folio_size(folio), order);
	return true;
}

static bool get_folio(struct load_worker *worker)
{
	return has_room(worker, 1) &&
	       folio_take(worker, random_order(worker), random_flags(worker));
}

/* Caches shrink, pages move together, balloons give back: whatever helps. */
static bool get_compacted(struct load_worker *worker)
{
	unsigned most = worker->load->order_max;
	unsigned order = most - (unsigned)load_random_below(worker, MIN(most, 4u));

	return has_room(worker, 1) && folio_take(worker, order, FOLIO_MAY_SLEEP | FOLIO_NOWARN);
}

static bool get_raw(struct load_worker *worker)
{
	unsigned order = random_order(worker);
	struct page *page;

	if (!has_room(worker, 1))
		return false;
	page = page_alloc(NODE_ANY, order, random_flags(worker));
	if (!page)
		return false;
	load_ledger_got(worker, order, 1);
	take_over(worker, LOAD_RAW, page_to_virt(page), PAGE_SIZE << order, order);
	return true;
}

void load_take_singles(struct load_worker *worker, struct page *page, uint64_t count)
{
	load_ledger_got(worker, 0, count);
	take_over(worker, LOAD_SINGLES, page_to_virt(page), count << PAGE_SHIFT, 0);
}

static bool get_exact(struct load_worker *worker)
{
	unsigned count = 1 + (unsigned)load_random_below(worker, EXACT_MAX);
	struct page *page;

	if (!has_room(worker, 1))
		return false;
	page = page_alloc_exact(NODE_ANY, count, random_flags(worker));
	if (page)
		load_take_singles(worker, page, count);
	return page != NULL;
}

static bool get_bulk(struct load_worker *worker)
{
	unsigned wanted = 1 + (unsigned)load_random_below(worker, BULK_MAX);
	struct page *pages[BULK_MAX];
	unsigned got;

	if (!has_room(worker, wanted))
		return false;
	got = page_alloc_bulk(NODE_ANY, FOLIO_NOWARN, pages, wanted);
	for (unsigned i = 0; i < got; i++)
		load_take_singles(worker, pages[i], 1);
	return got > 0;
}

static bool get_object(struct load_worker *worker)
{
	uint64_t most = PAGE_STAMP_MIN << load_random_below(worker, 12);
	uint64_t size = PAGE_STAMP_MIN + load_random_below(worker, most);
	void *object;

	if (!has_room(worker, 1))
		return false;
	size = MIN(align_down(size, sizeof(uint64_t)), OBJECT_MAX);
	object = kmalloc(size, FOLIO_NOWARN);
	if (object)
		take_over(worker, LOAD_OBJECT, object, size, 0);
	return object != NULL;
}

/* Frames of a zone, from its start, that were ever used. */
static uint64_t used_frames(const struct zone *zone)
{
	uint64_t open = zone->base.nr + atomic_load(&zone->frames.frontier) * BLOCK_FRAMES;

	return MIN(open, zone->end.nr) - MIN(zone->start.nr, open);
}

/* Exactly these frames, wherever they are: free, or pages that move. */
static bool evacuate(struct load_worker *worker)
{
	const struct zone *zone = zones[load_random_below(worker, zone_count)];
	uint64_t count = UINT64_C(1) << load_random_below(worker, worker->load->order_max);
	uint64_t span = used_frames(zone);
	struct pfn start, busy;

	if (!has_room(worker, 1) || span <= count)
		return false;
	start = pfn(zone->start.nr + load_random_below(worker, span - count));
	if (page_alloc_evacuated(start, count, &busy))
		return false;
	load_take_singles(worker, pfn_to_page(start), count);
	return true;
}

/* ---- with what is held ---- */

static struct load_item *random_item(struct load_worker *worker)
{
	if (worker->nr_items == 0)
		return NULL;
	return &worker->items[load_random_below(worker, worker->nr_items)];
}

static bool put(struct load_worker *worker)
{
	struct load_item item;

	if (worker->nr_items == 0)
		return false;
	item = load_item_remove(worker, (unsigned)load_random_below(worker, worker->nr_items));
	load_item_put(worker, &item);
	return true;
}

static bool check(struct load_worker *worker)
{
	const struct load_item *item = random_item(worker);

	if (item)
		load_item_check(worker, item);
	return item != NULL;
}

/* The pieces take the place of the whole; stamps stay what they are. */
static void take_pieces(struct load_worker *worker, const struct load_item *whole)
{
	struct folio *first = page_folio(virt_to_page(whole->memory));
	struct folio *piece = first;

	worker->counts.ledger.cut[whole->order]++;
	while (piece) {
		struct load_item item = *whole;

		item.order = folio_order(piece);
		item.memory = folio_address(piece);
		item.size = folio_size(piece);
		worker->counts.ledger.made[item.order]++;
		load_item_add(worker, &item);
		piece = folio_split_next(first, whole->order, piece);
	}
}

static bool split(struct load_worker *worker)
{
	const struct load_item *item = random_item(worker);
	enum folio_split_mode mode =
		load_random(worker) & 1 ? FOLIO_SPLIT_UNIFORM : FOLIO_SPLIT_HALVES;
	struct load_item whole;
	const struct page *at;
	unsigned order;

	if (!item || item->kind != LOAD_FOLIO || item->order == 0)
		return false;
	order = (unsigned)load_random_below(worker, item->order);
	if (!has_room(worker, 1u << (item->order - order)))
		return false;
	at = virt_to_page(item->memory) + load_random_below(worker, item->size >> PAGE_SHIFT);
	whole = load_item_remove(worker, (unsigned)(item - worker->items));
	if (folio_split(page_folio(at), order, at, mode)) {
		load_item_add(worker, &whole);
		return false;
	}
	take_pieces(worker, &whole);
	return true;
}

static bool explode(struct load_worker *worker)
{
	struct load_item *item = random_item(worker);

	if (!item || item->kind != LOAD_RAW ||
	    page_explode(virt_to_page(item->memory), item->order))
		return false;
	worker->counts.ledger.cut[item->order]++;
	worker->counts.ledger.made[0] += item->size >> PAGE_SHIFT;
	item->kind = LOAD_SINGLES;
	item->order = 0;
	return true;
}

/* One more reference through any page, one less through any other. */
static bool reference(struct load_worker *worker)
{
	const struct load_item *item = random_item(worker);
	uint64_t pages;
	struct page *page;

	if (!item || item->kind != LOAD_FOLIO)
		return false;
	pages = item->size >> PAGE_SHIFT;
	page = virt_to_page(item->memory);
	page_get(page + load_random_below(worker, pages));
	page_put(page + load_random_below(worker, pages));
	return true;
}

/* Leave one for another CPU, and take what lies there. */
static bool pass_on(struct load_worker *worker)
{
	struct load *load = worker->load;
	struct load_item *place = &load->exchange[load_random_below(worker, LOAD_EXCHANGE)];
	struct load_item mine, theirs;
	struct irq_state irq;

	if (worker->nr_items == 0)
		return false;
	mine = load_item_remove(worker, (unsigned)load_random_below(worker, worker->nr_items));
	irq = spin_lock_irqsave(&load->lock);
	theirs = *place;
	*place = mine;
	spin_unlock_irqrestore(&load->lock, irq);
	if (theirs.kind != LOAD_NOTHING)
		load_item_add(worker, &theirs);
	return true;
}

/* ---- which ---- */

/* Of 2,000 steps, while it wishes for more, and while for less. */
static const struct {
	const char *name;
	load_operation_fn *run;
	unsigned more;
	unsigned less;
} operations[LOAD_OPERATIONS] = {
	[LOAD_GET_FOLIO] = {"get_folio", get_folio, 560, 80},
	[LOAD_GET_RAW] = {"get_raw", get_raw, 110, 20},
	[LOAD_GET_EXACT] = {"get_exact", get_exact, 80, 10},
	[LOAD_GET_BULK] = {"get_bulk", get_bulk, 60, 10},
	[LOAD_GET_OBJECT] = {"get_object", get_object, 320, 80},
	[LOAD_PUT] = {"put", put, 300, 1200},
	[LOAD_CHECK] = {"check", check, 160, 200},
	[LOAD_SPLIT] = {"split", split, 80, 80},
	[LOAD_EXPLODE] = {"explode", explode, 60, 60},
	[LOAD_REFERENCE] = {"reference", reference, 130, 130},
	[LOAD_PASS_ON] = {"pass_on", pass_on, 130, 120},
	[LOAD_EVACUATE] = {"evacuate", evacuate, 9, 9},
	[LOAD_COMPACT] = {"compact", get_compacted, 1, 1},
};

const char *load_operation_name(enum load_operation operation)
{
	return operations[operation].name;
}

/* From nothing to twice a fair share of what there is. */
static void make_wish(struct load_worker *worker)
{
	uint64_t share, part = load_random_below(worker, 9);
	struct mm_statistics now;

	mm_statistics(&now);
	share = now.free / worker->load->nr_workers + worker->held_pages;
	worker->wish = MIN(share, worker->load->pages_max) * part / 4;
}

static void look_at_all(struct load_worker *worker)
{
	for (unsigned i = 0; i < worker->nr_items; i++)
		load_item_check(worker, &worker->items[i]);
}

void load_step(struct load_worker *worker)
{
	bool more = worker->held_pages < worker->wish;
	uint64_t number = load_random(worker);
	unsigned chance = (unsigned)(number >> 8) % 2000;
	enum load_operation which = 0;

	if (number % WISH_STEPS == 0)
		make_wish(worker);
	if (number % CHECK_STEPS == 1)
		look_at_all(worker);
	for (;; which++) {
		unsigned weight = more ? operations[which].more : operations[which].less;

		if (chance < weight)
			break;
		chance -= weight;
	}
	if (operations[which].run(worker))
		worker->counts.done[which]++;
	else
		worker->counts.refused[which]++;
}
