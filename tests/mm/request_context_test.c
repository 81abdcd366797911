// SPDX-License-Identifier: MIT
/*
 * Who may ask for memory in a way that may sleep. That is checked with each request, whether
 * memory is short or not, in test builds; a request that is short is checked in all.
 */
#include <kernel/kmem.h>
#include <kernel/lock.h>
#include <kernel/scheduler.h>
#include <mm/folio.h>
#include <mm/reclaim.h>
#include <mm/slab.h>
#include <tests/test.h>

#ifdef QUIRE_TEST_HOOKS
TEST_PANICS(request_context, folio_that_may_sleep_with_preemption_off_is_a_bug,
	    "sleeps with preemption off")
{
	struct folio *folio;

	preempt_disable();
	folio = folio_alloc(NODE_ANY, 0, FOLIO_MAY_SLEEP, NULL);
	preempt_enable();
	folio_put(folio);
}

TEST_PANICS(request_context, block_that_may_sleep_with_interrupts_off_is_a_bug,
	    "interrupts off")
{
	struct irq_state irq = irq_save();
	struct page *page = page_alloc(NODE_ANY, 0, FOLIO_MAY_SLEEP);

	irq_restore(irq);
	page_free(page, 0);
}

TEST_PANICS(request_context, kzalloc_with_preemption_off_is_a_bug, "sleeps with preemption off")
{
	void *object;

	preempt_disable();
	object = kzalloc(64);
	preempt_enable();
	kfree(object);
}
#endif

/* kmem, and with it malloc(), serves any context: where it may sleep is looked at each time. */
TEST(request_context, kmem_may_sleep_where_its_caller_may)
{
	struct irq_state irq;
	void *objects[3];

	CHECK_EQ(reclaim_flags_here(), FOLIO_MAY_SLEEP);
	objects[0] = kmem_alloc(100);
	preempt_disable();
	CHECK_EQ(reclaim_flags_here(), 0);
	objects[1] = kmem_alloc(100);
	preempt_enable();
	irq = irq_save();
	CHECK_EQ(reclaim_flags_here(), 0);
	objects[2] = kmem_alloc(100);
	irq_restore(irq);
	for (unsigned i = 0; i < 3; i++) {
		CHECK(objects[i] != NULL);
		kmem_free(objects[i]);
	}
	CHECK_EQ(reclaim_flags_here(), FOLIO_MAY_SLEEP);
}
