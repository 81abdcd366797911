// SPDX-License-Identifier: MIT
/*
 * The hypervisor's side: an account by frame in a table of its own.
 */
#include <tests/drivers/cmm_model.h>

#include <errno.h>
#include <mm/slab.h>
#include <platform/memory.h>
#include <tests/test.h>

#define ENTRIES 65536u
#define STAMP   UINT64_C(0x434d4d0000000000)

/* mask: parts on loan. */
struct account {
	uint64_t frame; /* + 1; 0 free */
	uint32_t mask;
	bool stray;
};

struct cmm_model cmm_model;
static struct cmm_model *const model = &cmm_model;
static struct account *accounts;
static struct cmm_host host;

/* The entry of a frame, made when there is none. */
static struct account *account_of(uint64_t frame)
{
	for (unsigned i = 0; i < ENTRIES; i++) {
		struct account *at = &accounts[(frame * 0x9e3779b1u + i) % ENTRIES];

		if (at->frame == 0)
			at->frame = frame + 1;
		if (at->frame == frame + 1)
			return at;
	}
	ERROR("the model's table is full");
}

static uint32_t all_parts(void)
{
	return (uint32_t)((UINT64_C(1) << (1u << (PAGE_SHIFT - host.page_shift))) - 1);
}

static void change(struct account *account, uint64_t *stamp, uint32_t part, bool loaned)
{
	uint64_t value = STAMP | account->frame;
	bool was = account->mask != 0;

	if (loaned) {
		account->mask |= part;
		if (part == 1)
			*stamp = value;
		model->loans++;
	} else {
		if (part == 1 && !account->stray && *stamp != value)
			model->errors++; /* the guest wrote what it had lent */
		model->errors += !(account->mask & part);
		account->mask &= ~part;
		model->activations++;
	}
	model->nr_loaned += (account->mask != 0) - (uint64_t)was;
}

static bool must_fail(bool loaned)
{
	return (model->fail_from && model->calls >= model->fail_from &&
		model->calls <= model->fail_to) ||
	       (model->fails && model->fails(loaned));
}

static int page_init(struct phys address, bool loaned)
{
	struct account *account = account_of(phys_to_pfn(address).nr);
	uint32_t part = 1u << ((address.addr & (PAGE_SIZE - 1)) >> host.page_shift);
	bool was_stray = account->stray;

	bool failed;

	model->calls++;
	failed = must_fail(loaned);
	model->errors += !is_aligned(address.addr, UINT64_C(1) << host.page_shift);
	if (failed)
		account->stray |= !loaned && account->mask != 0;
	else
		change(account, phys_to_virt(pfn_to_phys(phys_to_pfn(address))), part, loaned);
	if (!account->mask)
		account->stray = false;
	model->nr_stray += account->stray - (uint64_t)was_stray;
	return failed ? -EIO : 0;
}

static int performance(int64_t *request)
{
	if (model->performance_error)
		return model->performance_error;
	*request = model->request_is_fixed
			   ? model->request
			   : (int64_t)(model->wanted - (model->nr_loaned - model->nr_stray)) *
				     (int64_t)PAGE_SIZE;
	return 0;
}

const struct cmm_host *cmm_model_create(unsigned page_shift)
{
	*model = (struct cmm_model){0};
	accounts = kzalloc(ENTRIES * sizeof(*accounts));
	NEED(accounts, "no memory for the hypervisor's account");
	host = (struct cmm_host){
		.page_shift = page_shift, .page_init = page_init, .performance = performance};
	return &host;
}

void cmm_model_destroy(void)
{
	kfree(accounts);
	accounts = NULL;
}

bool cmm_model_holds(const struct page *page)
{
	return account_of(page_to_pfn(page).nr)->mask == all_parts();
}

static bool is_stamped(const struct page *page)
{
	return *(const uint64_t *)page_to_virt(page) == (STAMP | (page_to_pfn(page).nr + 1));
}

/* It was lent again: the guest knows that it is away. */
static void not_stray(struct account *account)
{
	model->nr_stray -= account->stray;
	account->stray = false;
}

const char *cmm_model_compare(struct cmm_balloon *balloon)
{
	const char *problem = balloon_check();
	const struct page *page;

	list_for_each_entry (page, &balloon->core.pages, list)
		not_stray(account_of(page_to_pfn(page).nr));
	if (problem)
		return problem;
	if (model->errors)
		return "the guest did what no guest may do";
	if (balloon_pages(&balloon->core) != balloon->loaned)
		return "the client's count is not the core's";
	if (model->nr_loaned - model->nr_stray != balloon->loaned)
		return "the hypervisor has another number of pages";
	list_for_each_entry (page, &balloon->core.pages, list)
		if (!cmm_model_holds(page))
			return "a page on loan is not the hypervisor's";
		else if (!is_stamped(page))
			return "a page on loan was written";
	return NULL;
}
