// SPDX-License-Identifier: MIT
/*
 * How ballooned pages move (spec-balloon A4): the operations of page type "offline". Migration
 * core found the page by its number and holds it, so the page exists; whose it is, `private`
 * says under the list lock. An isolated page is on no list, so nobody deflates it and its
 * device stays.
 */
#include <mm/balloon_internal.h>

#include <errno.h>
#include <kernel/assert.h>
#include <kernel/hook.h>
#include <kernel/log.h>
#include <mm/folio.h>
#include <mm/migrate.h>

static _Atomic bool complained;

static void complain(const char *what, const struct page *page)
{
	if (!atomic_exchange(&complained, true))
		log_warn("balloon: %s of frame %#llx, which belongs to no balloon: a client "
			 "freed "
			 "an isolated page",
			 what, (unsigned long long)page_to_pfn(page).nr);
}

static bool isolate(struct page *page)
{
	struct balloon_device *device;
	struct irq_state irq;

	HOOK(balloon_isolate);
	irq = spin_lock_irqsave(&balloon_lock);
	device = balloon_device_of(page);
	if (device) {
		list_del(&page->list);
		device->listed--;
		device->isolated++;
	}
	spin_unlock_irqrestore(&balloon_lock, irq);
	return device != NULL;
}

static void putback(struct page *page)
{
	struct irq_state irq = spin_lock_irqsave(&balloon_lock);
	struct balloon_device *device = balloon_device_of(page);

	if (device) {
		list_add_head(&device->pages, &page->list);
		device->listed++;
		device->isolated--;
	}
	spin_unlock_irqrestore(&balloon_lock, irq);
	if (!device)
		complain("putback", page);
}

/* The client has deflated source, and inflated destination unless it says ENOENT. */
static void vacate(struct balloon_device *device, struct page *destination, struct page *source,
		   bool inflated)
{
	struct irq_state irq;

	HOOK(balloon_vacate);
	irq = spin_lock_irqsave(&balloon_lock);
	if (inflated) {
		folio_get((struct folio *)destination);
		balloon_mark(device, destination);
		list_add_head(&device->pages, &destination->list);
		balloon_account_moved(device, destination, source);
	} else {
		balloon_account_left(device, source);
	}
	source->private = 0;
	spin_unlock_irqrestore(&balloon_lock, irq);
	page_put(source); /* the list's */
}

static int migrate(struct page *destination, struct page *source)
{
	struct irq_state irq = spin_lock_irqsave(&balloon_lock);
	struct balloon_device *device = balloon_device_of(source);
	int error;

	spin_unlock_irqrestore(&balloon_lock, irq);
	if (!device) {
		complain("migration", source);
		return -EAGAIN;
	}
	error = device->migrate(device, destination, source);
	ASSERT(error <= 0);
	if (error && error != -ENOENT)
		return error;
	vacate(device, destination, source, error == 0);
	return 0;
}

static const struct movable_ops movable_ops = {
	.isolate = isolate,
	.migrate = migrate,
	.putback = putback,
};

void balloon_init(void)
{
	if (movable_ops_register(PAGE_TYPE_OFFLINE, &movable_ops))
		panic("balloon: ballooned pages have operations already");
}
