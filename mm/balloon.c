// SPDX-License-Identifier: MIT
/*
 * Balloon core: lists, counters and accounting. Everything that must agree (list, private,
 * counters, node gauge, managed pages) changes in one section of one lock, so that a reader
 * under the lock sees the invariants of spec-balloon A3. The lock is not in the device record,
 * because who starts from a page could not find it there while the page is being deflated.
 */
#include <mm/balloon_internal.h>

#include <kernel/assert.h>
#include <kernel/hook.h>
#include <mm/folio.h>
#include <mm/mm.h>
#include <mm/zone.h>

#define BALLOON_MAGIC 0x6c6c6162u /* "ball" */
#define BALLOON_FLAGS (FOLIO_NOWARN | FOLIO_NORETRY)
#define FREE_BULK     64

static struct lock_class balloon_lock_class = {.name = "balloon list"};
struct spin_lock balloon_lock = SPIN_LOCK_INIT(&balloon_lock_class);
static struct list_head devices = LIST_INIT(devices); /* balloon_lock */
static struct balloon_events counted;                 /* balloon_lock */
static uint64_t node_pages[NODES_MAX];                /* balloon_lock */

static void check_initialised(const struct balloon_device *device)
{
	if (device->magic != BALLOON_MAGIC)
		panic("balloon: device record used before balloon_device_init()");
}

void balloon_device_init(struct balloon_device *device, const char *name, bool adjust_managed,
			 balloon_migrate_fn *migrate)
{
	struct irq_state irq;

	*device = (struct balloon_device){
		.name = name,
		.migrate = migrate,
		.adjust_managed = adjust_managed,
		.magic = BALLOON_MAGIC,
	};
	list_init(&device->pages);
	irq = spin_lock_irqsave(&balloon_lock);
	list_add_tail(&devices, &device->link);
	spin_unlock_irqrestore(&balloon_lock, irq);
}

void balloon_device_destroy(struct balloon_device *device)
{
	struct irq_state irq;

	check_initialised(device);
	ASSERT(balloon_pages(device) == 0);
	irq = spin_lock_irqsave(&balloon_lock);
	list_del(&device->link);
	device->magic = 0;
	spin_unlock_irqrestore(&balloon_lock, irq);
}

static unsigned alloc_flags(const struct balloon_device *device)
{
	return BALLOON_FLAGS | (device->migrate ? FOLIO_MOVABLE : 0);
}

struct page *balloon_page_alloc(const struct balloon_device *device)
{
	HOOK(balloon_alloc);
	return page_alloc(NODE_ANY, 0, alloc_flags(device));
}

struct page *balloon_block_alloc(const struct balloon_device *device)
{
	HOOK(balloon_alloc);
	return page_alloc(NODE_ANY, BALLOON_BLOCK_ORDER, alloc_flags(device));
}

unsigned balloon_pages_alloc(const struct balloon_device *device, struct page **pages,
			     unsigned count)
{
	HOOK(balloon_alloc);
	return page_alloc_bulk(NODE_ANY, alloc_flags(device), pages, count);
}

/* Pages of the node and zone of `page` enter (positive) or leave the device. */
static void account(struct balloon_device *device, const struct page *page, int64_t pages)
{
	device->listed += (uint64_t)pages;
	node_pages[page_node(page)] += (uint64_t)pages;
	if (device->adjust_managed)
		mm_managed_adjust(page, -pages);
	if (pages > 0)
		counted.inflate += (uint64_t)pages;
	else
		counted.deflate += (uint64_t)-pages;
}

/* Neighbours of one 2 MiB block have node and zone in common: they are accounted at once. */
struct account_run {
	struct balloon_device *device;
	const struct page *page; /* of the block; NULL: none yet */
	uint64_t block;
	int64_t pages;
};

static void account_run_end(struct account_run *run)
{
	if (run->page)
		account(run->device, run->page, run->pages);
}

static inline void account_run_add(struct account_run *run, const struct page *page,
				   int64_t pages)
{
	uint64_t block = page_to_pfn(page).nr >> BALLOON_BLOCK_ORDER;

	if (UNLIKELY(!run->page || run->block != block)) {
		account_run_end(run);
		run->page = page;
		run->block = block;
		run->pages = 0;
	}
	run->pages += pages;
}

void balloon_account_left(struct balloon_device *device, const struct page *source)
{
	device->isolated--;
	device->listed++;
	account(device, source, -1);
}

/* Pages of one zone are of one node, but two zones may have the same. */
void balloon_account_moved(struct balloon_device *device, const struct page *destination,
			   const struct page *source)
{
	device->isolated--;
	device->listed++;
	node_pages[page_node(source)]--;
	node_pages[page_node(destination)]++;
	if (device->adjust_managed && page_zone(source) != page_zone(destination)) {
		mm_managed_adjust(source, 1);
		mm_managed_adjust(destination, -1);
	}
	counted.migrate++;
}

/* Last, because whoever sees the flag may ask for the page, and then waits for the lock. Blocks
 * stay where they are. An entry is a block's own descriptor: nothing to note for B-0. */
static inline void mark_movable(const struct balloon_device *device, struct page *page)
{
	if (device->migrate && balloon_entry_pages(page) == 1)
		atomic_fetch_or_explicit(&page->flags, BIT(PAGE_MOVABLE_OPS),
					 memory_order_acq_rel);
}

static inline void mark(struct balloon_device *device, struct page *page)
{
	ASSERT(page->private == 0);
	/* One that comes back from deflation keeps its type, which others may read just now. */
	if (page->type != PAGE_TYPE_OFFLINE)
		page->type = PAGE_TYPE_OFFLINE;
	page->private = (uintptr_t)device;
	mark_movable(device, page);
}

void balloon_mark(struct balloon_device *device, struct page *page)
{
	mark(device, page);
}

uint64_t balloon_enqueue_list(struct balloon_device *device, struct list_head *entries)
{
	struct account_run run = {.device = device};
	struct irq_state irq;
	uint64_t before, pages;
	struct page *page;

	check_initialised(device);
	irq = spin_lock_irqsave(&balloon_lock);
	before = device->listed;
	list_for_each_entry (page, entries, list) {
		mark(device, page);
		account_run_add(&run, page, (int64_t)balloon_entry_pages(page));
	}
	account_run_end(&run);
	pages = device->listed - before;
	/* All at the head, in their order. */
	list_splice_tail(&device->pages, entries);
	list_splice_tail(entries, &device->pages);
	spin_unlock_irqrestore(&balloon_lock, irq);
	return pages;
}

void balloon_enqueue(struct balloon_device *device, struct page *page)
{
	struct list_head one = LIST_INIT(one);

	list_add_tail(&one, &page->list);
	balloon_enqueue_list(device, &one);
}

/* Turn a block on the list into its pages, in ascending order in its place. */
static void block_explode(struct balloon_device *device, struct page *block)
{
	int error = page_explode(block, BALLOON_BLOCK_ORDER);

	ASSERT(!error);
	mark_movable(device, block);
	for (uint64_t i = BALLOON_BLOCK_PAGES - 1; i > 0; i--) {
		balloon_mark(device, block + i);
		list_add_head(&block->list, &block[i].list);
	}
}

/* The entries at the head, as they come; of the last block only the part that is wanted. */
static uint64_t dequeue_locked(struct balloon_device *device, struct list_head *entries,
			       uint64_t pages)
{
	struct account_run run = {.device = device};
	struct list_head *node = device->pages.next;
	uint64_t taken = 0;

	while (taken < pages && node != &device->pages) {
		struct page *page = list_entry(node, struct page, list);
		uint64_t here = balloon_entry_pages(page);

		if (here > pages - taken) {
			block_explode(device, page);
			here = 1;
		}
		ASSERT(page->private == (uintptr_t)device);
		page->private = 0;
		account_run_add(&run, page, -(int64_t)here);
		taken += here;
		node = node->next;
	}
	account_run_end(&run);
	list_move_before(&device->pages, node, entries);
	return taken;
}

uint64_t balloon_dequeue_list(struct balloon_device *device, struct list_head *entries,
			      uint64_t pages)
{
	struct irq_state irq;
	uint64_t taken;

	check_initialised(device);
	irq = spin_lock_irqsave(&balloon_lock);
	taken = dequeue_locked(device, entries, pages);
	spin_unlock_irqrestore(&balloon_lock, irq);
	return taken;
}

struct page *balloon_dequeue(struct balloon_device *device)
{
	struct list_head one = LIST_INIT(one);
	struct irq_state irq;
	struct page *page;
	bool holds_any;

	check_initialised(device);
	irq = spin_lock_irqsave(&balloon_lock);
	holds_any = dequeue_locked(device, &one, 1) != 0;
	HOOK(balloon_dequeued);
	holds_any = holds_any || device->isolated;
	spin_unlock_irqrestore(&balloon_lock, irq);
	if (!holds_any)
		panic("balloon: %s: asked for a page of an empty balloon: its account is "
		      "broken",
		      device->name);
	if (list_is_empty(&one))
		return NULL;
	page = list_first(&one, struct page, list);
	list_del(&page->list);
	return page;
}

void balloon_free_list(struct list_head *entries)
{
	struct page *bulk[FREE_BULK];
	struct page *page, *next;
	unsigned count = 0;

	list_for_each_entry_safe (page, next, entries, list) {
		list_init(&page->list);
		if (balloon_entry_pages(page) > 1) {
			page_free(page, BALLOON_BLOCK_ORDER);
			continue;
		}
		bulk[count++] = page;
		if (count == FREE_BULK) {
			page_free_bulk(bulk, count);
			count = 0;
		}
	}
	list_init(entries);
	page_free_bulk(bulk, count);
}

uint64_t balloon_pages(struct balloon_device *device)
{
	struct irq_state irq = spin_lock_irqsave(&balloon_lock);
	uint64_t pages = device->listed + device->isolated;

	spin_unlock_irqrestore(&balloon_lock, irq);
	return pages;
}

const char *balloon_name(const struct page *page)
{
	struct irq_state irq = spin_lock_irqsave(&balloon_lock);
	const struct balloon_device *device;
	const char *name = NULL;

	list_for_each_entry (device, &devices, link)
		if (device == balloon_device_of(page))
			name = device->name;
	spin_unlock_irqrestore(&balloon_lock, irq);
	return name;
}

uint64_t balloon_isolated(struct balloon_device *device)
{
	struct irq_state irq = spin_lock_irqsave(&balloon_lock);
	uint64_t pages = device->isolated;

	spin_unlock_irqrestore(&balloon_lock, irq);
	return pages;
}

void balloon_events(struct balloon_events *events)
{
	struct irq_state irq = spin_lock_irqsave(&balloon_lock);

	*events = counted;
	spin_unlock_irqrestore(&balloon_lock, irq);
}

uint64_t balloon_node_pages(unsigned node)
{
	struct irq_state irq;
	uint64_t pages;

	if (node >= NODES_MAX)
		return 0;
	irq = spin_lock_irqsave(&balloon_lock);
	pages = node_pages[node];
	spin_unlock_irqrestore(&balloon_lock, irq);
	return pages;
}

uint64_t balloon_reserve(uint64_t pages)
{
	uint64_t low = MIB(4) >> PAGE_SHIFT, high = MIB(64) >> PAGE_SHIFT;

	return MIN(MAX(pages / 32, low), high);
}

/* B-I1 to B-I3 for one device; adds what it finds to `held`. */
static const char *check_device(const struct balloon_device *device, uint64_t *held)
{
	const struct page *page;
	uint64_t listed = 0;

	list_for_each_entry (page, &device->pages, list) {
		if (page->private != (uintptr_t)device)
			return "balloon: a page on the list belongs to another device";
		if (page->type != PAGE_TYPE_OFFLINE)
			return "balloon: a page on the list is not typed offline";
		if (page_flag_test(page, PAGE_MOVABLE_OPS_ISOLATED))
			return "balloon: a page on the list is isolated";
		if (atomic_load(&page->refcount) < 1)
			return "balloon: a page on the list has no reference";
		listed += balloon_entry_pages(page);
		if (listed > device->listed)
			return "balloon: list longer than its count";
	}
	if (listed != device->listed)
		return "balloon: list shorter than its count";
	*held += listed + device->isolated;
	return NULL;
}

static const char *check_locked(void)
{
	const struct balloon_device *device;
	const char *problem = NULL;
	uint64_t held = 0, gauges = 0;

	list_for_each_entry (device, &devices, link) {
		problem = check_device(device, &held);
		if (problem)
			return problem;
	}
	for (unsigned node = 0; node < NODES_MAX; node++)
		gauges += node_pages[node];
	if (counted.inflate - counted.deflate != held)
		return "balloon: events do not add up to the pages held";
	return gauges == held ? NULL : "balloon: node gauges do not add up to the pages held";
}

const char *balloon_check(void)
{
	struct irq_state irq = spin_lock_irqsave(&balloon_lock);
	const char *problem = check_locked();

	spin_unlock_irqrestore(&balloon_lock, irq);
	return problem;
}
