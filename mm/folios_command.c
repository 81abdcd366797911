// SPDX-License-Identifier: MIT
/*
 * The `folios` command: what a frame is, or each block of a range.
 */
#include <mm/folio_split.h>
#include <mm/frame_info.h>
#include <mm/page_describe.h>
#include <mm/zone.h>
#include <kernel/command_line.h>
#include <kernel/format.h>
#include <kernel/json.h>
#include <kernel/log.h>
#include <kernel/shell.h>
#include <errno.h>

/* Lines of one report. */
#define RUNS_MAX 256

#define LINE_MAX 320

static uint64_t last_of(const struct frame_info *info)
{
	return info->first.nr + info->frames - 1;
}

/* One line on a run: frames, state, and what the first record of a block says. */
static const char *run_text(const struct frame_info *info, char *text, size_t size)
{
	char flags[PAGE_FLAGS_TEXT_MAX];

	format(text, size, "%#llx-%#llx: %s", (unsigned long long)info->first.nr,
	       (unsigned long long)last_of(info), frame_state_name(info->state));
	if (info->block)
		format_append(
			text, size, ", %s, order %u, references %d, flags %s, type %s, %s",
			frame_mode_name(info->block),
			folio_order((const struct folio *)info->block),
			folio_references((const struct folio *)info->block),
			page_flags_text(atomic_load(&info->block->flags), 0, flags,
					sizeof(flags)),
			page_type_name(page_type(info->block)), frame_owner_name(info->block));
	return text;
}

static void json_run(struct json *json, const char *key, const struct frame_info *info)
{
	const struct page *block = info->block;
	char flags[PAGE_FLAGS_TEXT_MAX];

	json_object(json, key);
	json_number(json, "frame", info->first.nr);
	json_number(json, "frames", info->frames);
	json_string(json, "state", frame_state_name(info->state));
	if (block) {
		json_string(json, "mode", frame_mode_name(block));
		json_number(json, "order", folio_order((const struct folio *)block));
		json_signed(json, "references", folio_references((const struct folio *)block));
		json_signed(json, "mapcount", atomic_load(&block->mapcount));
		json_string(
			json, "flags",
			page_flags_text(atomic_load(&block->flags), 0, flags, sizeof(flags)));
		json_string(json, "type", page_type_name(page_type(block)));
		json_string(json, "owner", frame_owner_name(block));
	}
	json_end(json);
}

/* The frame's own record, where it has one. */
static void print_record(struct pfn f)
{
	const struct page *page = page_lookup(f);
	char flags[PAGE_FLAGS_TEXT_MAX];

	if (!page)
		return;
	print("  record   %s, flags %s, mapcount %d, refcount %d\n",
	      page_kind_name(page_kind(page)),
	      page_flags_text(atomic_load(&page->flags), 0, flags, sizeof(flags)),
	      atomic_load(&page->mapcount), atomic_load(&page->refcount));
	print("           mapping %p index %#llx private %#llx memcg %p\n", page->mapping,
	      (unsigned long long)page->index, (unsigned long long)page->private,
	      (void *)page->memcg);
}

/* The runs on both sides; false where there is no frame. */
static bool run_before(const struct frame_info *info, struct frame_info *before)
{
	if (info->first.nr == 0)
		return false;
	frame_info_get(pfn(info->first.nr - 1), before);
	return true;
}

static bool run_after(const struct frame_info *info, struct frame_info *after)
{
	if (last_of(info) + 1 >= FRAMES_NAMED)
		return false;
	frame_info_get(pfn(last_of(info) + 1), after);
	return true;
}

static void explain(struct pfn f)
{
	const struct zone *zone = zone_of(f);
	struct frame_info info;
	struct frame_info other;
	char text[LINE_MAX];

	frame_info_get(f, &info);
	print("frame %#llx at %#llx, node %u, zone %s\n", (unsigned long long)f.nr,
	      (unsigned long long)pfn_to_phys(f).addr, zone ? zone->node : 0,
	      zone ? zone_type_name(zone->type) : "none");
	print("  is in    %s\n", run_text(&info, text, sizeof(text)));
	print_record(f);
	if (run_before(&info, &other))
		print("  before   %s\n", run_text(&other, text, sizeof(text)));
	if (run_after(&info, &other))
		print("  after    %s\n", run_text(&other, text, sizeof(text)));
}

static void explain_json(struct pfn f)
{
	const struct zone *zone = zone_of(f);
	const struct page *page = page_lookup(f);
	struct frame_info info;
	struct frame_info other;
	struct json json;

	frame_info_get(f, &info);
	json_start(&json);
	json_object(&json, NULL);
	json_number(&json, "frame", f.nr);
	json_number(&json, "address", pfn_to_phys(f).addr);
	json_number(&json, "node", zone ? zone->node : 0);
	json_string(&json, "zone", zone ? zone_type_name(zone->type) : NULL);
	if (page) {
		json_string(&json, "kind", page_kind_name(page_kind(page)));
		json_number(&json, "flags", atomic_load(&page->flags));
		json_signed(&json, "mapcount", atomic_load(&page->mapcount));
		json_signed(&json, "refcount", atomic_load(&page->refcount));
		json_number(&json, "private", page->private);
	}
	json_run(&json, "in", &info);
	if (run_before(&info, &other))
		json_run(&json, "before", &other);
	if (run_after(&info, &other))
		json_run(&json, "after", &other);
	json_finish(&json);
}

static void list(uint64_t first, uint64_t end)
{
	char text[LINE_MAX];
	struct frame_info info;
	unsigned runs = 0;

	for (uint64_t f = first; f < end; f = last_of(&info) + 1) {
		if (runs++ == RUNS_MAX) {
			print("%llu more frames: ask again from %#llx\n",
			      (unsigned long long)(end - f), (unsigned long long)f);
			return;
		}
		frame_info_get_run(pfn(f), pfn(end), &info);
		print("%s\n", run_text(&info, text, sizeof(text)));
	}
}

static void list_json(uint64_t first, uint64_t end)
{
	struct frame_info info;
	unsigned runs = 0;
	struct json json;
	uint64_t f = first;

	json_start(&json);
	json_object(&json, NULL);
	json_array(&json, "runs");
	for (; f < end && runs < RUNS_MAX; f = last_of(&info) + 1, runs++) {
		frame_info_get_run(pfn(f), pfn(end), &info);
		json_run(&json, NULL, &info);
	}
	json_end(&json);
	json_number(&json, "frames_left", f < end ? end - f : 0);
	json_finish(&json);
}

static void print_splits(void)
{
	print("order  splits done  failed\n");
	for (unsigned order = 1; order <= FOLIO_ORDER_MAX; order++)
		print("%5u %12llu %7llu\n", order,
		      (unsigned long long)atomic_load(&folio_split_counts.done[order]),
		      (unsigned long long)atomic_load(&folio_split_counts.failed[order]));
}

static void json_splits(void)
{
	struct json json;

	json_start(&json);
	json_object(&json, NULL);
	json_array(&json, "splits");
	for (unsigned order = 1; order <= FOLIO_ORDER_MAX; order++) {
		json_object(&json, NULL);
		json_number(&json, "order", order);
		json_number(&json, "done", atomic_load(&folio_split_counts.done[order]));
		json_number(&json, "failed", atomic_load(&folio_split_counts.failed[order]));
		json_end(&json);
	}
	json_finish(&json);
}

/* FRAME, and COUNT if there is one (0 otherwise); -EINVAL after a message. */
static int parse_range(int argc, char **argv, uint64_t *first, uint64_t *count)
{
	*count = 0;
	if (argc > 2 || !command_line_parse_number(argv[0], first) ||
	    (argc == 2 && (!command_line_parse_number(argv[1], count) || *count == 0))) {
		(void)shell_usage("folios");
		return -EINVAL;
	}
	if (*first >= FRAMES_NAMED || *count > FRAMES_NAMED - *first) {
		print("folios: frame numbers end at %#llx\n",
		      (unsigned long long)FRAMES_NAMED - 1);
		return -EINVAL;
	}
	return 0;
}

static int folios_run(int argc, char **argv)
{
	bool as_json = json_wanted(argc, argv);
	int skip = as_json ? 2 : 1;
	uint64_t first;
	uint64_t count;

	if (argc == skip) {
		(as_json ? json_splits : print_splits)();
		return 0;
	}
	if (parse_range(argc - skip, argv + skip, &first, &count) != 0)
		return -EINVAL;
	if (count)
		(as_json ? list_json : list)(first, first + count);
	else
		(as_json ? explain_json : explain)(pfn(first));
	return 0;
}

SHELL_COMMAND(folios, "[-j] [FRAME [COUNT]]",
	      "what a frame of memory is, or each block of COUNT frames; alone: splits\n"
	      "FRAME is a frame number (address / 4096): state, mode, references, flags,\n"
	      "type, owner, and what lies before and after it\n"
	      "-j  one line of JSON",
	      folios_run);
