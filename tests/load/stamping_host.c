// SPDX-License-Identifier: MIT
/*
 * See the header. A page is the host's from the moment it reads the number until it has used
 * the buffer that asks for it back.
 */
#include <tests/load/stamping_host.h>

#include <drivers/balloon/virtio_balloon.h>
#include <mm/page_reporting.h>
#include <platform/memory.h>
#include <tests/mm/page_stamp.h>

#define GENERATION UINT64_C(0x486f7374) /* no guest gets there */

static struct stamping_host *the_host; /* of the one fake there is */

static void *memory_of(uint32_t unit)
{
	return phys_to_virt(phys((uint64_t)unit << VIRTIO_BALLOON_UNIT_SHIFT));
}

static bool is_stamped(uint32_t unit)
{
	return page_stamp_is(memory_of(unit), PAGE_SIZE, unit, GENERATION);
}

/* The device was reset: it holds nothing any more. */
static void notice_resets(struct stamping_host *host)
{
	if (host->resets == host->fake->resets)
		return;
	host->resets = host->fake->resets;
	host->nr_units = 0;
}

static void unit_take(struct stamping_host *host, uint32_t unit)
{
	if (host->nr_units == STAMPING_UNITS) {
		host->fake->host_errors++;
		return;
	}
	host->taken++;
	host->units[host->nr_units].unit = unit;
	host->units[host->nr_units++].leaving = false;
	page_stamp_write(memory_of(unit), PAGE_SIZE, unit, GENERATION);
}

static void unit_leaves(struct stamping_host *host, uint32_t unit)
{
	for (unsigned i = 0; i < host->nr_units; i++)
		if (host->units[i].unit == unit) {
			host->units[i].leaving = true;
			return;
		}
	host->fake->host_errors++;
}

static void leaving_units_go(struct stamping_host *host)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < host->nr_units; i++) {
		if (host->units[i].leaving)
			host->fake->host_errors += !is_stamped(host->units[i].unit);
		else
			host->units[kept++] = host->units[i];
	}
	host->nr_units = kept;
}

static void releasing(struct fake_virtio *fake)
{
	(void)fake;
	notice_resets(the_host);
	leaving_units_go(the_host);
}

static void take_reported(struct stamping_host *host, const struct fake_chain *chain)
{
	for (unsigned i = 0; i < chain->nr_write; i++) {
		const struct virtqueue_piece *piece = &chain->pieces[chain->nr_read + i];
		uint32_t first = (uint32_t)(piece->start.addr >> VIRTIO_BALLOON_UNIT_SHIFT);

		host->fake->host_errors += piece->length != PAGE_REPORTING_BLOCK;
		for (uint32_t unit = 0; unit < piece->length >> PAGE_SHIFT; unit++)
			page_stamp_write(memory_of(first + unit), PAGE_SIZE, 0, GENERATION);
		host->reported++;
	}
}

static uint32_t serve(struct fake_virtio *fake, unsigned queue, const struct fake_chain *chain)
{
	struct stamping_host *host = the_host;
	const struct ring32 *units = phys_to_virt(chain->pieces[0].start);
	uint32_t count = chain->pieces[0].length / (uint32_t)sizeof(*units);

	notice_resets(host);
	if (queue > VIRTIO_BALLOON_QUEUE_DEFLATE) {
		take_reported(host, chain);
		return 0;
	}
	for (uint32_t i = 0; i < count; i++)
		if (queue == VIRTIO_BALLOON_QUEUE_INFLATE)
			unit_take(host, ring32_load(&units[i]));
		else
			unit_leaves(host, ring32_load(&units[i]));
	if (fake->behaviour != FAKE_HOLD)
		leaving_units_go(host);
	return host->books(fake, queue, chain);
}

bool stamping_host_create(struct stamping_host *host)
{
	*host = (struct stamping_host){.fake = fake_virtio_create()};
	if (!host->fake)
		return false;
	the_host = host;
	host->books = host->fake->serve;
	host->fake->serve = serve;
	host->fake->releasing = releasing;
	return true;
}

void stamping_host_destroy(struct stamping_host *host)
{
	fake_virtio_destroy(host->fake);
	host->fake = NULL;
}

const char *stamping_host_check(struct stamping_host *host)
{
	struct irq_state irq = spin_lock_irqsave(&host->fake->lock);
	const char *problem = NULL;

	notice_resets(host);
	for (unsigned i = 0; i < host->nr_units && !problem; i++)
		if (!is_stamped(host->units[i].unit))
			problem = "a page that the virtio host has was written by the guest";
	if (host->nr_units < host->fake->nr_given)
		problem = "the virtio host has lost pages from its account";
	if (host->fake->host_errors)
		problem = "the guest told the virtio host what cannot be";
	spin_unlock_irqrestore(&host->fake->lock, irq);
	return problem;
}

struct page *stamping_host_page(struct stamping_host *host, uint64_t nr)
{
	struct irq_state irq = spin_lock_irqsave(&host->fake->lock);
	struct page *page = NULL;

	notice_resets(host);
	if (host->nr_units)
		page = phys_to_page(
			virt_to_phys(memory_of(host->units[nr % host->nr_units].unit)));
	spin_unlock_irqrestore(&host->fake->lock, irq);
	return page;
}
