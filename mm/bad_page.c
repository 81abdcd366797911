// SPDX-License-Identifier: MIT
/*
 * The checks of spec-folio 5.1 and the report of 5.2: identity, fields, the raw record with its
 * neighbours (which have proved many a diagnosis), and who did it.
 */
#include <mm/bad_page.h>
#include <mm/folio.h>
#include <mm/page_describe.h>
#include <mm/zone.h>
#include <kernel/banner.h>
#include <kernel/lock_order.h>
#include <kernel/log.h>
#include <kernel/panic.h>
#include <kernel/scheduler.h>
#include <platform/clock.h>
#include <platform/context.h>
#include <platform/cpu.h>

static struct lock_class report_class = {.name = "mm.bad_page"};
static struct spin_lock report_lock = SPIN_LOCK_INIT(&report_class);
static struct report_limit limit;
static _Atomic uint64_t bad_pages;

const char *page_check_free(const struct page *page, bool later)
{
	if (atomic_load_explicit(&page->mapcount, memory_order_relaxed))
		return "nonzero mapcount";
	if (page->mapping)
		return "non-null mapping";
	if (atomic_load_explicit(&page->refcount, memory_order_relaxed))
		return "nonzero refcount";
	if (atomic_load_explicit(&page->flags, memory_order_relaxed) &
	    PAGE_FLAGS_CHECKED_AT_FREE)
		return "check-at-free flag set";
	if (page->memcg)
		return "still charged";
	if (page->type == PAGE_TYPE_SLAB || page->type == PAGE_TYPE_RESERVED)
		return "type of a page in use";
	if (page->list.next && page->list.next != &page->list)
		return "still on a list";
	if (later && atomic_load_explicit(&page->shape, memory_order_relaxed))
		return "corrupted tail";
	return NULL;
}

const char *page_check_alloc(const struct page *page)
{
	const char *reason;

	if (page_is_zero(page))
		return NULL;
	reason = page_check_free(page, true);
	return reason ? reason : "field or flag left over";
}

bool report_limit_pass(struct report_limit *state, uint64_t now_ns, unsigned *suppressed)
{
	*suppressed = 0;
	if (state->passed == 0 || now_ns - state->start_ns >= 60 * NSEC_PER_SEC) {
		*suppressed = state->suppressed;
		*state = (struct report_limit){.start_ns = now_ns};
	}
	if (state->passed == BAD_PAGE_REPORTS_PER_MINUTE) {
		state->suppressed++;
		return false;
	}
	state->passed++;
	return true;
}

static void print_record(const struct page *page, const char *mark)
{
	const uint64_t *word = page_words(page);

	log_error("mm:   %s%#llx: %016llx %016llx %016llx %016llx %016llx %016llx %016llx "
		  "%016llx",
		  mark, (unsigned long long)page_to_pfn(page).nr, (unsigned long long)word[0],
		  (unsigned long long)word[1], (unsigned long long)word[2],
		  (unsigned long long)word[3], (unsigned long long)word[4],
		  (unsigned long long)word[5], (unsigned long long)word[6],
		  (unsigned long long)word[7]);
}

/* Which flags are the offending ones: at hand-out all of them. */
static uint32_t offending(const char *operation)
{
	return strcmp(operation, "alloc") == 0 ? UINT32_MAX : PAGE_FLAGS_CHECKED_AT_FREE;
}

static void print_identity(const struct page *page, const char *operation)
{
	const struct folio *folio = page_folio(page);
	char flags[PAGE_FLAGS_TEXT_MAX];

	log_error("mm:   frame %#llx, record %p: %s, order %u",
		  (unsigned long long)page_to_pfn(page).nr, (const void *)page,
		  page_kind_name(page_kind(page)), folio_order((const struct folio *)page));
	if (&folio->page != page)
		log_error("mm:   tail of the folio at frame %#llx, order %u",
			  (unsigned long long)page_to_pfn(&folio->page).nr, folio_order(folio));
	log_error("mm:   flags %s (! must not be set)",
		  page_flags_text(atomic_load(&page->flags), offending(operation), flags,
				  sizeof(flags)));
	log_error("mm:   mapping %p index %#llx mapcount %d refcount %d memcg %p type %s "
		  "private %#llx",
		  page->mapping, (unsigned long long)page->index, atomic_load(&page->mapcount),
		  atomic_load(&page->refcount), (void *)page->memcg, page_type_name(page->type),
		  (unsigned long long)page->private);
}

/* By whom, and under what: a record is often corrupted by who should have held a lock. */
static void print_context(void)
{
	const struct thread *thread = context_thread();
	const struct spin_lock *lock = lock_order_top();

	log_error("mm:   CPU %u, thread \"%s\", preemption %s (count %u, in %u interrupts), "
		  "interrupts %s, innermost lock %s",
		  cpu_current(), thread ? thread->name : "(none yet)",
		  thread && thread->preempt_count == 0 ? "on" : "off",
		  thread ? thread->preempt_count : 0, thread ? thread->interrupt_depth : 0,
		  irq_enabled() ? "on" : "off",
		  !lock ? "none known" : (lock->class ? lock->class->name : "without a class"));
}

static void print_report(const struct page *page, const char *operation, const char *reason)
{
	uintptr_t trace[16];
	size_t depth = context_backtrace(trace, ARRAY_SIZE(trace));

	log_error("mm: bad page state in %s: %s (frame %#llx)", operation, reason,
		  (unsigned long long)page_to_pfn(page).nr);
	print_context();
	print_identity(page, operation);
	if (page_lookup(pfn(page_to_pfn(page).nr - 1)))
		print_record(page - 1, " ");
	print_record(page, "*");
	if (page_lookup(pfn(page_to_pfn(page).nr + 1)))
		print_record(page + 1, " ");
	backtrace_print(trace, depth);
	log_error("mm:   the page is withheld; kernel tainted: %s, report %llu",
		  kernel_tainted(), (unsigned long long)bad_page_count());
}

static void print_suppressed(unsigned suppressed)
{
	if (suppressed)
		log_error("mm: %u more bad page reports suppressed", suppressed);
}

void bad_page(struct page *page, const char *operation, const char *reason, uint64_t pages)
{
	struct zone *zone = page_zone(page);
	unsigned suppressed;
	struct irq_state irq;
	bool pass;

	atomic_fetch_add(&bad_pages, 1);
	kernel_taint("bad page");
	if (zone)
		atomic_fetch_add(&zone->bad, pages);
	irq = spin_lock_irqsave(&report_lock);
	pass = report_limit_pass(&limit, clock_ns(), &suppressed);
	spin_unlock_irqrestore(&report_lock, irq);
	print_suppressed(suppressed);
	if (pass)
		print_report(page, operation, reason);
}

void bad_page_flush(void)
{
	struct irq_state irq = spin_lock_irqsave(&report_lock);
	unsigned suppressed = limit.suppressed;

	limit = (struct report_limit){0};
	spin_unlock_irqrestore(&report_lock, irq);
	print_suppressed(suppressed);
}

uint64_t bad_page_count(void)
{
	return atomic_load(&bad_pages);
}
