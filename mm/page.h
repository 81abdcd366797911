// SPDX-License-Identifier: MIT
/*
 * The page record: 64 bytes for each frame of RAM, in one virtually contiguous array indexed by
 * frame number. All-zero means free and never used; a freed page's record is all-zero again.
 * Node and zone follow from the range table (mm/zone.h); a block in use says where to look.
 *
 * A record exists only for frames the allocator has handed out at least once (and those that
 * share a 2 MiB block with one); page_lookup() tells, everything else trusts its argument.
 */
#ifndef MM_PAGE_H
#define MM_PAGE_H

#include <kernel/attributes.h>
#include <kernel/list.h>
#include <platform/memory.h>
#include <platform/types.h>
#include <stdatomic.h>

struct memcg;
struct slab_cache;

/* Flags of a page or of the whole folio (then on the head). Bits of page.flags. */
enum page_flag {
	PAGE_LOCKED,
	PAGE_REFERENCED,
	PAGE_UPTODATE,
	PAGE_DIRTY,
	PAGE_LRU,
	PAGE_ACTIVE,
	PAGE_UNEVICTABLE,
	PAGE_MLOCKED,
	PAGE_SWAPBACKED,
	PAGE_SWAPCACHE,
	PAGE_WRITEBACK,
	PAGE_OWNER_PRIVATE, /* owner metadata attached, counts as a reference */
	PAGE_RESERVED,      /* must never reach the allocator */
	PAGE_POISON,
	PAGE_MOVABLE_OPS,
	PAGE_MOVABLE_OPS_ISOLATED,
	PAGE_FLAG_COUNT
};

/* What a page is used for. A typed page has no mapcount; the type stays until the page is back
 * in the allocator. */
enum page_type {
	PAGE_TYPE_NONE,
	PAGE_TYPE_TABLE,    /* page table */
	PAGE_TYPE_SLAB,     /* objects of a slab cache */
	PAGE_TYPE_KMALLOC,  /* one large kmalloc object */
	PAGE_TYPE_STACK,    /* kernel stack */
	PAGE_TYPE_OFFLINE,  /* in a balloon: the host has the memory */
	PAGE_TYPE_DMA,      /* coherent buffer of a device */
	PAGE_TYPE_RESERVED, /* not the allocator's: kernel image, boot memory, hole */
	PAGE_TYPE_COUNT
};

/* How the block that starts at this page was allocated (spec-folio section 2). */
enum page_kind {
	PAGE_KIND_NONE, /* free, a tail, or a later page of a raw block */
	PAGE_KIND_SINGLE,
	PAGE_KIND_HEAD, /* compound, order >= 1 */
	PAGE_KIND_RAW   /* first page of a raw block, order >= 1 */
};

/*
 * Who may write: fields marked o, the owner of the block; a, anybody, atomically; f, the
 * allocator or whoever froze the folio at 0 references.
 */
struct page {
	_Atomic uint32_t flags; /* a: BIT(enum page_flag) */
	_Atomic int32_t
		refcount; /* a: 0 in the allocator, released or frozen; tails always 0 */
	_Atomic int32_t mapcount; /* a: page-table entries of base size, not biased */
	_Atomic uint16_t shape;   /* f: kind << 8 | order */
	uint8_t type;             /* o: enum page_type */
	uint8_t zone;             /* f: number of its zone, a hint for page_zone() */
	union {
		void *mapping;            /* o: owner's mapping */
		struct slab_cache *cache; /* slab: whose objects lie here */
	};
	union {
		uint64_t index;     /* o: offset in mapping */
		void *free_objects; /* slab: first free object */
	};
	struct list_head list; /* o: for the owner's list; zero or self-linked when on none */
	union {
		uint64_t private; /* o: owner's word */
		uint64_t in_use;  /* slab: objects handed out */
	};
	struct memcg *memcg; /* f: charged group; head only */
};

#define PAGE_WORDS 8

_Static_assert(sizeof(struct page) == PAGE_WORDS * sizeof(uint64_t),
	       "page records are 1/64 of memory");
_Static_assert(offsetof(struct page, mapcount) == 8 && offsetof(struct page, shape) == 12 &&
		       offsetof(struct page, type) == 14 && offsetof(struct page, zone) == 15,
	       "page_shape_word() lays out the same");

/* The record as words, for checks of all fields at once and for dumps. The first two hold the
 * fields that others may change at any time. */
#define PAGE_WORD_COUNTED 0 /* flags, refcount */
#define PAGE_WORD_SHAPE   1 /* mapcount, shape, type, zone */

static inline uint64_t page_shared_word(const struct page *page, unsigned word)
{
	return atomic_load_explicit((const _Atomic uint64_t *)(const void *)page + word,
				    memory_order_relaxed);
}

static inline const uint64_t *page_words(const struct page *page)
{
	return (const uint64_t *)(const void *)page;
}

/* Record of frame 0; set once by mm_init(). */
extern struct page *page_array;

static inline struct page *pfn_to_page(struct pfn f)
{
	return page_array + f.nr;
}

static inline struct pfn page_to_pfn(const struct page *page)
{
	return pfn((uint64_t)(page - page_array));
}

static inline struct phys page_to_phys(const struct page *page)
{
	return pfn_to_phys(page_to_pfn(page));
}

static inline struct page *phys_to_page(struct phys p)
{
	return pfn_to_page(phys_to_pfn(p));
}

/* Address of the page in the direct map. */
static inline void *page_to_virt(const struct page *page)
{
	return phys_to_virt(page_to_phys(page));
}

/* Page behind a direct-map address. */
static inline struct page *virt_to_page(const void *virt)
{
	return phys_to_page(virt_to_phys(virt));
}

/* Record of a frame that anybody named; NULL when it is no RAM of ours or was never used. */
struct page *page_lookup(struct pfn f);

/* Node and zone of a frame in RAM; 0 and ZONE_NORMAL for anything else. */
unsigned page_node(const struct page *page);
unsigned page_zone_type(const struct page *page);

static inline uint16_t page_shape_of(enum page_kind kind, unsigned order)
{
	return (uint16_t)(kind << 8 | order);
}

/* PAGE_WORD_SHAPE of a block that nobody maps and that has no type. */
static inline uint64_t page_shape_word(uint16_t shape, uint8_t zone)
{
	const union {
		struct {
			int32_t mapcount;
			uint16_t shape;
			uint8_t type;
			uint8_t zone;
		};
		uint64_t word;
	} fields = {.shape = shape, .zone = zone};

	return fields.word;
}

static inline enum page_kind page_kind(const struct page *page)
{
	return atomic_load_explicit(&page->shape, memory_order_acquire) >> 8;
}

static inline bool page_flag_test(const struct page *page, enum page_flag flag)
{
	return atomic_load_explicit(&page->flags, memory_order_acquire) >> flag & 1;
}

/*
 * Writers that also serve tails, later pages of raw blocks and free pages: they note in the
 * 2 MiB block that some record in it was written on its own, so that freeing and allocating
 * walk it (B-0). Any context.
 */
void page_note_later_written(struct page *page);
static inline void page_note_written(struct page *page)
{
	if (UNLIKELY(page_kind(page) == PAGE_KIND_NONE))
		page_note_later_written(page); /* others are the block's own descriptor */
}
void page_flag_set(struct page *page, enum page_flag flag);
void page_flag_clear(struct page *page, enum page_flag flag);
/* Set, and tell whether it was set before. */
bool page_flag_test_and_set(struct page *page, enum page_flag flag);
/* The page lock: of whoever moves the page or changes how it may be moved. Holding a reference.
 * Nobody waits for it; any context. */
bool page_trylock(struct page *page) MUST_CHECK;
void page_unlock(struct page *page);
void page_set_mapping(struct page *page, void *mapping, uint64_t index);
void page_set_private(struct page *page, uint64_t value);
void page_set_type(struct page *page, enum page_type type);
/* Page-table entries that map this page alone: one more, one less. */
void page_map_add(struct page *page);
void page_map_remove(struct page *page);

static inline enum page_type page_type(const struct page *page)
{
	return page->type;
}

#endif
