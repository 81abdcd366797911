// SPDX-License-Identifier: MIT
/*
 * Commands to a VMware host. The page of a batch is shared memory: frame numbers are written
 * into it and only the status is read back, so that what the host writes beside it decides
 * nothing.
 */
#include <drivers/balloon/vmware_host.h>

#include <errno.h>
#include <kernel/assert.h>
#include <kernel/hook.h>
#include <mm/folio.h>

/* The family that hosts know and that is nearest: they choose defaults by it, nothing else. */
#define GUEST_ID_LINUX 1

static struct lock_class vmware_lock_class = {.name = "vmware balloon host"};

void vmware_host_init(struct vmware_host *host, vmware_call_fn *call)
{
	*host = (struct vmware_host){.call = call, .reset_required = true};
	spin_lock_init(&host->lock, &vmware_lock_class);
}

static bool returns_target(enum vmware_command command)
{
	return command != VMWARE_START && command != VMWARE_GUEST_ID &&
	       command != VMWARE_SET_DOORBELL;
}

/* Lock held, or nobody else knows the host. */
static struct vmware_call command(struct vmware_host *host, enum vmware_command number,
				  uint64_t first, uint64_t second)
{
	struct vmware_call call = {.command = number, .arguments = {first, second}};

	host->call(&call);
	host->last_status = call.status;
	if (call.status == VMWARE_RESET)
		host->reset_required = true;
	if (call.status == VMWARE_OK && returns_target(number))
		host->target = call.result;
	return call;
}

static struct vmware_call command_locked(struct vmware_host *host, enum vmware_command number,
					 uint64_t first, uint64_t second)
{
	struct vmware_call call;

	spin_lock(&host->lock);
	call = command(host, number, first, second);
	spin_unlock(&host->lock);
	return call;
}

static void batch_free(struct vmware_host *host)
{
	if (host->batch)
		page_free(virt_to_page(host->batch), 0);
	host->batch = NULL;
}

static int start(struct vmware_host *host, uint32_t wanted)
{
	struct vmware_call call = command_locked(host, VMWARE_START, wanted, 0);

	host->capabilities = 0;
	if (call.status == VMWARE_OK_WITH_CAPABILITIES)
		host->capabilities = (uint32_t)call.capabilities & wanted;
	else if (call.status == VMWARE_OK)
		host->capabilities = VMWARE_BASIC & wanted;
	else
		return -EIO;
	return 0;
}

int vmware_host_begin(struct vmware_host *host, uint32_t wanted)
{
	int error = start(host, wanted);
	struct page *page;

	batch_free(host);
	if (error)
		return error;
	if (host->capabilities & VMWARE_BATCHED) {
		HOOK(vmware_batch_alloc);
		page = page_alloc(NODE_ANY, 0, FOLIO_ZERO | FOLIO_NOWARN);
		if (!page)
			return start(host, 0) ? -EIO : -ENOMEM;
		host->batch = page_to_virt(page);
	}
	host->reset_required = false;
	return 0;
}

void vmware_host_end(struct vmware_host *host)
{
	command_locked(host, VMWARE_START, 0, 0);
	host->capabilities = 0;
	batch_free(host);
}

int vmware_host_get_target(struct vmware_host *host, uint64_t total_pages)
{
	if (total_pages > UINT32_MAX && !(host->capabilities & VMWARE_TARGET_64))
		return -EINVAL;
	if (command_locked(host, VMWARE_GET_TARGET, total_pages, 0).status != VMWARE_OK)
		return -EIO;
	return 0;
}

unsigned vmware_host_capacity(const struct vmware_host *host)
{
	return host->batch ? VMWARE_BATCH_MAX : 1;
}

bool vmware_host_takes_blocks(const struct vmware_host *host)
{
	return host->batch && host->capabilities & VMWARE_BATCHED_BLOCK;
}

/* These speak of the frame, all others of the call. */
static bool concerns_the_frame(uint32_t status)
{
	return status >= VMWARE_BAD_FRAME && status <= VMWARE_PINNED;
}

/* The command carries a frame in 32 bits, or does not carry it. */
static uint32_t move_one(struct vmware_host *host, bool lock, struct vmware_entry *entry)
{
	enum vmware_command number = lock ? VMWARE_LOCK : VMWARE_UNLOCK;

	entry->status = VMWARE_BAD_FRAME;
	if (entry->frame <= UINT32_MAX)
		entry->status = command(host, number, entry->frame, 0).status;
	return concerns_the_frame(entry->status) ? VMWARE_OK : entry->status;
}

static uint32_t entry_status(struct vmware_host *host, unsigned nr)
{
	uint64_t word = le64_load(host->batch + nr * sizeof(uint64_t));
	uint32_t status = (uint32_t)(word & VMWARE_ENTRY_STATUS);

	if (status == VMWARE_RESET)
		host->reset_required = true;
	return status;
}

static uint32_t move_batch(struct vmware_host *host, enum vmware_command number,
			   struct vmware_entry *entries, unsigned count)
{
	struct vmware_call call;

	for (unsigned i = 0; i < count; i++)
		le64_store(host->batch + i * sizeof(uint64_t), entries[i].frame << PAGE_SHIFT);
	call = command(host, number, virt_to_phys(host->batch).addr >> PAGE_SHIFT, count);
	for (unsigned i = 0; i < count; i++)
		entries[i].status =
			call.status == VMWARE_OK ? entry_status(host, i) : call.status;
	return call.status;
}

uint32_t vmware_host_move(struct vmware_host *host, bool lock, bool blocks,
			  struct vmware_entry *entries, unsigned count)
{
	enum vmware_command number = blocks ? VMWARE_BATCHED_BLOCK_LOCK : VMWARE_BATCHED_LOCK;
	uint32_t status;

	ASSERT(count >= 1 && count <= vmware_host_capacity(host));
	spin_lock(&host->lock);
	status = host->batch ? move_batch(host, lock ? number : number + 1, entries, count)
			     : move_one(host, lock, entries);
	spin_unlock(&host->lock);
	return status;
}

void vmware_host_set_doorbell(struct vmware_host *host, struct vmware_doorbell doorbell)
{
	command_locked(host, VMWARE_SET_DOORBELL, doorbell.context, doorbell.resource);
}

void vmware_host_tell_guest_id(struct vmware_host *host)
{
	command_locked(host, VMWARE_GUEST_ID, GUEST_ID_LINUX, 0);
}
