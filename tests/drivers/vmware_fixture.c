// SPDX-License-Identifier: MIT
/*
 * The balloon that the tests of the VMware client share, and its steps.
 */
#include <tests/drivers/vmware_fixture.h>

#include <mm/folio.h>
#include <tests/test.h>

struct vmware_balloon *vmware_tested;

void vmware_create(uint32_t offers)
{
	vmware_model_create();
	vmware_model.offers = offers;
	vmware_tested = vmware_balloon_create(vmware_model_call, VMWARE_NO_DOORBELL);
	NEED(vmware_tested, "no memory for the balloon");
}

void vmware_compare(void)
{
	const char *problem = vmware_model_compare(vmware_tested);

	CHECK_STR(problem ? problem : "equal", "equal");
}

void vmware_step(void)
{
	vmware_balloon_step(vmware_tested);
	vmware_compare();
}

void vmware_resize(uint64_t target)
{
	vmware_model.target = target;
	vmware_step();
}

void vmware_destroy(void)
{
	struct balloon_events before, after;
	uint64_t held = vmware_tested->size;

	balloon_events(&before);
	vmware_balloon_destroy(vmware_tested);
	balloon_events(&after);
	CHECK_EQ(after.deflate - before.deflate, held);
	CHECK_EQ(vmware_model.nr_held, 0);
	CHECK_EQ(vmware_model.errors, 0);
	CHECK(balloon_check() == NULL);
	vmware_model_destroy();
}

struct page *vmware_first_page(void)
{
	return list_first(&vmware_tested->pages.pages, struct page, list);
}

struct page *vmware_fresh_page(void)
{
	struct page *page = page_alloc(NODE_ANY, 0, 0);

	NEED(page, "no page");
	return page;
}

uint32_t vmware_answer;
uint32_t vmware_answered;

uint32_t vmware_answer_call(uint32_t command, unsigned nr, uint64_t frame)
{
	(void)nr;
	(void)frame;
	return command == vmware_answered ? vmware_answer : VMWARE_OK;
}
