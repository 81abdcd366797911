// SPDX-License-Identifier: MIT
/*
 * The host's side: an account of frames, and answers from it.
 */
#include <tests/drivers/vmware_model.h>

#include <mm/slab.h>
#include <platform/memory.h>
#include <tests/test.h>

#define STAMP UINT64_C(0x57414d5000000000)

struct vmware_model vmware_model;
static struct vmware_model *const model = &vmware_model;

void vmware_model_create(void)
{
	*model = (struct vmware_model){
		.offers = VMWARE_BASIC | VMWARE_BATCHED | VMWARE_BATCHED_BLOCK |
			  VMWARE_TARGET_64 | VMWARE_WAKEUP,
		.nr_frames = GIB(64) >> PAGE_SHIFT,
	};
	model->held = kzalloc((model->nr_frames + 7) / 8);
	NEED(model->held, "no memory for the host's account");
}

void vmware_model_destroy(void)
{
	kfree(model->held);
	model->held = NULL;
}

static bool is_held(uint64_t frame)
{
	return model->held[frame / 8] >> (frame % 8) & 1;
}

static uint64_t *stamp_of(uint64_t frame)
{
	return phys_to_virt(pfn_to_phys(pfn(frame)));
}

static bool is_stamped(uint64_t frame)
{
	return *stamp_of(frame) == (STAMP | frame);
}

bool vmware_model_holds(const struct page *page)
{
	return is_held(page_to_pfn(page).nr);
}

static void forget_all(void)
{
	memset(model->held, 0, (model->nr_frames + 7) / 8);
	model->nr_held = 0;
	model->started = false;
}

/* The host's memory now: whoever writes it is found out when it goes back. */
static void take(uint64_t frame)
{
	model->held[frame / 8] |= (uint8_t)(1u << (frame % 8));
	model->nr_held++;
	*stamp_of(frame) = STAMP | frame;
}

static void give_back(uint64_t frame)
{
	model->held[frame / 8] &= (uint8_t) ~(1u << (frame % 8));
	model->nr_held--;
	model->errors += !is_stamped(frame);
}

static bool any_held(uint64_t frame, uint64_t count, bool held)
{
	for (uint64_t i = 0; i < count; i++)
		if (is_held(frame + i) == held)
			return true;
	return false;
}

static uint32_t lock_frames(uint64_t frame, uint64_t count)
{
	if (any_held(frame, count, true))
		return VMWARE_ALREADY_LOCKED;
	if (model->nr_held >= model->target)
		return VMWARE_NOT_NEEDED;
	for (uint64_t i = 0; i < count; i++)
		take(frame + i);
	return VMWARE_OK;
}

static uint32_t unlock_frames(uint64_t frame, uint64_t count)
{
	if (any_held(frame, count, false))
		return VMWARE_NOT_LOCKED;
	for (uint64_t i = 0; i < count; i++)
		give_back(frame + i);
	return VMWARE_OK;
}

static bool is_lock(uint32_t command)
{
	return command == VMWARE_LOCK || command == VMWARE_BATCHED_LOCK ||
	       command == VMWARE_BATCHED_BLOCK_LOCK;
}

static uint32_t serve_frame(uint32_t command, unsigned nr, uint64_t frame)
{
	bool blocks =
		command == VMWARE_BATCHED_BLOCK_LOCK || command == VMWARE_BATCHED_BLOCK_UNLOCK;
	uint64_t count = blocks ? BALLOON_BLOCK_PAGES : 1;
	uint32_t status;

	if (frame % count != 0 || frame + count > model->nr_frames) {
		model->errors++;
		return VMWARE_BAD_FRAME;
	}
	status = model->judge ? model->judge(command, nr, frame) : VMWARE_OK;
	if (status != VMWARE_OK)
		return status;
	return is_lock(command) ? lock_frames(frame, count) : unlock_frames(frame, count);
}

static uint32_t serve_batch(uint32_t command, uint64_t batch_frame, uint64_t count)
{
	uint8_t *entries = phys_to_virt(pfn_to_phys(pfn(batch_frame)));

	if (count < 1 || count > VMWARE_BATCH_MAX || !(model->agreed & VMWARE_BATCHED)) {
		model->errors++;
		return VMWARE_BAD_COMMAND;
	}
	model->last_count = (unsigned)count;
	model->largest_batch = MAX(model->largest_batch, (unsigned)count);
	for (unsigned nr = 0; nr < count; nr++) {
		uint64_t entry = le64_load(entries + nr * 8);

		model->errors += (entry & (PAGE_SIZE - 1)) != 0;
		entry |= serve_frame(command, nr, entry >> PAGE_SHIFT) & VMWARE_ENTRY_STATUS;
		le64_store(entries + nr * 8, entry);
	}
	return VMWARE_OK;
}

static uint32_t serve_start(struct vmware_call *call)
{
	forget_all();
	if (model->start_status != VMWARE_OK)
		return model->start_status;
	model->started = true;
	model->agreed = model->offers & (uint32_t)call->arguments[0];
	if (!model->offers)
		return VMWARE_OK;
	call->capabilities = model->agreed;
	return VMWARE_OK_WITH_CAPABILITIES;
}

static uint32_t serve(struct vmware_call *call)
{
	uint32_t status =
		model->judge_call ? model->judge_call(call->command, 0, 0) : VMWARE_OK;

	if (status != VMWARE_OK)
		return status;
	switch (call->command) {
	case VMWARE_GET_TARGET:
		model->total_pages = call->arguments[0];
		return VMWARE_OK;
	case VMWARE_LOCK:
	case VMWARE_UNLOCK:
		return serve_frame(call->command, 0, call->arguments[0]);
	case VMWARE_BATCHED_LOCK:
	case VMWARE_BATCHED_UNLOCK:
	case VMWARE_BATCHED_BLOCK_LOCK:
	case VMWARE_BATCHED_BLOCK_UNLOCK:
		return serve_batch(call->command, call->arguments[0], call->arguments[1]);
	case VMWARE_GUEST_ID:
		model->guest_id = call->arguments[0];
		return VMWARE_OK;
	case VMWARE_SET_DOORBELL:
		model->doorbell[0] = call->arguments[0];
		model->doorbell[1] = call->arguments[1];
		return model->agreed & VMWARE_WAKEUP ? VMWARE_OK : VMWARE_BAD_COMMAND;
	default:
		model->errors++;
		return VMWARE_BAD_COMMAND;
	}
}

void vmware_model_call(struct vmware_call *call)
{
	model->calls++;
	if (call->command < VMWARE_COMMANDS)
		model->calls_of[call->command]++;
	call->result = UINT64_MAX;
	call->capabilities = UINT64_MAX;
	if (model->calls == model->reset_at && call->command != VMWARE_START)
		forget_all();
	if (call->command == VMWARE_START)
		call->status = serve_start(call);
	else
		call->status = model->started ? serve(call) : VMWARE_RESET;
	if (call->status == VMWARE_OK && call->command != VMWARE_START)
		call->result = model->target;
}

static const char *compare_list(struct balloon_device *device)
{
	const struct page *page;

	list_for_each_entry (page, &device->pages, list)
		for (uint64_t i = 0; i < balloon_entry_pages(page); i++)
			if (!vmware_model_holds(page + i))
				return "a page of the balloon is not the host's";
			else if (!is_stamped(page_to_pfn(page + i).nr))
				return "a page of the host was written";
	return NULL;
}

const char *vmware_model_compare(struct vmware_balloon *balloon)
{
	uint64_t pages = balloon_pages(&balloon->pages) + balloon_pages(&balloon->blocks);
	const char *problem = balloon_check();

	if (problem)
		return problem;
	if (model->errors)
		return "the guest did what no guest may do";
	if (pages != balloon->size)
		return "the client's size is not the core's";
	if (balloon->host.reset_required)
		return NULL; /* the host has forgotten, the guest knows and has yet to act */
	if (model->nr_held != pages)
		return "the host has another number of frames";
	problem = compare_list(&balloon->pages);
	return problem ? problem : compare_list(&balloon->blocks);
}
