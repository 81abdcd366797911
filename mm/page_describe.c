// SPDX-License-Identifier: MIT
/*
 * See page_describe.h.
 */
#include <mm/page_describe.h>
#include <kernel/format.h>

static const char *const flag_names[PAGE_FLAG_COUNT] = {
	"locked",     "referenced", "uptodate",    "dirty",
	"lru",        "active",     "unevictable", "mlocked",
	"swapbacked", "swapcache",  "writeback",   "private",
	"reserved",   "poison",     "movable",     "movable-isolated",
};
static const char *const type_names[] = {
	[PAGE_TYPE_NONE] = "none",   [PAGE_TYPE_TABLE] = "table",
	[PAGE_TYPE_SLAB] = "slab",   [PAGE_TYPE_KMALLOC] = "kmalloc",
	[PAGE_TYPE_STACK] = "stack", [PAGE_TYPE_OFFLINE] = "offline",
	[PAGE_TYPE_DMA] = "dma",     [PAGE_TYPE_RESERVED] = "reserved",
};
static const char *const kind_names[] = {
	[PAGE_KIND_NONE] = "free, tail or later page of a raw block",
	[PAGE_KIND_SINGLE] = "single",
	[PAGE_KIND_HEAD] = "head of a folio",
	[PAGE_KIND_RAW] = "first page of a raw block",
};

const char *page_kind_name(unsigned kind)
{
	return kind < ARRAY_SIZE(kind_names) ? kind_names[kind] : "corrupted kind";
}

const char *page_type_name(unsigned type)
{
	return type < ARRAY_SIZE(type_names) ? type_names[type] : "corrupted type";
}

const char *page_flags_text(uint32_t flags, uint32_t marked, char *text, size_t size)
{
	format(text, size, "%#x", flags);
	for (unsigned flag = 0; flag < PAGE_FLAG_COUNT; flag++)
		if (flags & BIT(flag))
			format_append(text, size, " %s%s", BIT(flag) & marked ? "!" : "",
				      flag_names[flag]);
	if (flags >> PAGE_FLAG_COUNT)
		format_append(text, size, " !unknown");
	return text;
}
