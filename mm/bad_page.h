// SPDX-License-Identifier: MIT
/*
 * Page records that are not as they must be when a block is freed or handed out (spec-folio
 * section 5): finding it, and the report. A bad page is withheld; the kernel is tainted then.
 */
#ifndef MM_BAD_PAGE_H
#define MM_BAD_PAGE_H

#include <mm/page.h>

/* These mean that somebody still uses the page. */
#define PAGE_FLAGS_CHECKED_AT_FREE                                                     \
	(BIT(PAGE_LOCKED) | BIT(PAGE_LRU) | BIT(PAGE_ACTIVE) | BIT(PAGE_UNEVICTABLE) | \
	 BIT(PAGE_WRITEBACK) | BIT(PAGE_OWNER_PRIVATE) | BIT(PAGE_RESERVED) |          \
	 BIT(PAGE_MOVABLE_OPS_ISOLATED))

/* No owner, list or group: all words but the first two. */
static inline bool page_is_nobodys(const struct page *page)
{
	const uint64_t *word = page_words(page);

	return !(word[2] | word[3] | word[4] | word[5] | word[6] | word[7]);
}

/* Nothing left of anybody: what a record must be when its block is handed out. */
static inline bool page_is_zero(const struct page *page)
{
	return !(page_shared_word(page, PAGE_WORD_COUNTED) |
		 page_shared_word(page, PAGE_WORD_SHAPE)) &&
	       page_is_nobodys(page);
}

/* The same but for what the allocator itself wrote: nothing to check or to clear at free. */
static inline bool page_is_plain(const struct page *page)
{
	uint64_t written = page_shape_word(UINT16_MAX, UINT8_MAX);

	return !(page_shared_word(page, PAGE_WORD_COUNTED) |
		 (page_shared_word(page, PAGE_WORD_SHAPE) & ~written)) &&
	       page_is_nobodys(page);
}

/* page_check_free() has nothing to say of a first page: the same in few words, for who frees
 * many. */
static inline bool page_is_freeable(const struct page *page)
{
	static const union {
		struct {
			uint32_t flags;
			int32_t refcount;
		};
		uint64_t word;
	} counted = {.flags = PAGE_FLAGS_CHECKED_AT_FREE, .refcount = -1};

	return !(page_shared_word(page, PAGE_WORD_COUNTED) & counted.word) &&
	       !atomic_load_explicit(&page->mapcount, memory_order_relaxed) && !page->mapping &&
	       !page->memcg && page->type != PAGE_TYPE_SLAB &&
	       page->type != PAGE_TYPE_RESERVED &&
	       (!page->list.next || page->list.next == &page->list);
}

/* What is wrong with a page about to be freed, or NULL. `later` for all but the first page of
 * the block. References must be 0. */
const char *page_check_free(const struct page *page, bool later);
/* The same for one about to be handed out: nothing may be left over. */
const char *page_check_alloc(const struct page *page);

/* All-zero again, after page_check_free() or page_is_plain(). */
static inline void page_clear_plain(struct page *page)
{
	atomic_store_explicit((_Atomic uint64_t *)(void *)page + PAGE_WORD_SHAPE, 0,
			      memory_order_release);
}
static inline void page_clear(struct page *page)
{
	atomic_store_explicit(&page->flags, 0, memory_order_relaxed);
	page->type = PAGE_TYPE_NONE;
	page->index = 0;
	page->list.next = NULL;
	page->list.prev = NULL;
	page->private = 0;
	page_clear_plain(page);
}

/* Report; operation "free", "alloc", "get", "put". pages: how many are withheld for good. */
void bad_page(struct page *page, const char *operation, const char *reason, uint64_t pages);

/* Say how many reports were suppressed, and begin a new minute. */
void bad_page_flush(void);

#define BAD_PAGE_REPORTS_PER_MINUTE 60

/* At most so many per minute; pure but for *limit. suppressed is what the window before held
 * back, when a new one begins. */
struct report_limit {
	uint64_t start_ns;
	unsigned passed;
	unsigned suppressed;
};
bool report_limit_pass(struct report_limit *limit, uint64_t now_ns, unsigned *suppressed);

#endif
