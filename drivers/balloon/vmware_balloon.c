// SPDX-License-Identifier: MIT
/*
 * VMware balloon: the look at the target every second or when the doorbell rings, reset, pause
 * after a shortage, and the end. A reset means that the host has forgotten all it had: pages
 * come back without a word, then both begin again. While one is under way, and until the host
 * has begun, migrations and shrinks are turned away.
 *
 * The doorbell needs the host's VMCI device, for which there is no driver: the balloon is made
 * without one then, does not offer to be woken, and looks every second.
 */
#include <drivers/balloon/vmware_balloon.h>

#include <drivers/balloon/vmware_move.h>
#include <errno.h>
#include <kernel/hook.h>
#include <kernel/log.h>
#include <kernel/thread.h>
#include <mm/mm.h>
#include <mm/slab.h>
#include <platform/clock.h>

#define CAPABILITIES (VMWARE_BASIC | VMWARE_BATCHED | VMWARE_BATCHED_BLOCK | VMWARE_TARGET_64)

/* ---- who may move pages ---- */

/* False while the host has no account with us. */
static bool mover_enter(struct vmware_balloon *balloon)
{
	struct irq_state irq = wait_queue_lock(&balloon->news);
	bool may = !balloon->resetting && !balloon->host.reset_required;

	balloon->movers += may;
	wait_queue_unlock(&balloon->news, irq);
	return may;
}

static void mover_leave(struct vmware_balloon *balloon)
{
	struct irq_state irq = wait_queue_lock(&balloon->news);

	balloon->movers--;
	wait_queue_wake_all(&balloon->news);
	wait_queue_unlock(&balloon->news, irq);
}

/* Nobody comes in any more; wait for those who are in. Each ends after one command or two, or a
 * bounded number of batches. */
static void movers_keep_out(struct vmware_balloon *balloon)
{
	struct irq_state irq = wait_queue_lock(&balloon->news);
	int error = 0;

	balloon->resetting = true;
	while (balloon->movers > 0 && !error)
		error = wait_queue_sleep(&balloon->news, &irq, CLOCK_NEVER);
	wait_queue_unlock(&balloon->news, irq);
}

static void movers_let_in(struct vmware_balloon *balloon)
{
	struct irq_state irq = wait_queue_lock(&balloon->news);

	balloon->resetting = false;
	wait_queue_unlock(&balloon->news, irq);
}

static int migrate(struct balloon_device *device, struct page *destination, struct page *source)
{
	struct vmware_balloon *balloon = container_of(device, struct vmware_balloon, pages);
	int error;

	if (!mover_enter(balloon))
		return -EAGAIN;
	error = vmware_exchange(balloon, destination, source);
	mover_leave(balloon);
	return error;
}

uint64_t vmware_balloon_shrink(struct vmware_balloon *balloon, uint64_t pages)
{
	uint64_t freed = 0;

	if (!mover_enter(balloon))
		return 0;
	if (mutex_trylock(&balloon->lock)) {
		freed = vmware_deflate(balloon, pages);
		balloon->paused_until = clock_ns() + VMWARE_PAUSE_NS;
		mutex_unlock(&balloon->lock);
	}
	mover_leave(balloon);
	return freed;
}

static uint64_t give(struct oom_hook *hook, uint64_t pages)
{
	return vmware_balloon_shrink(container_of(hook, struct vmware_balloon, oom),
				     MAX(pages, VMWARE_GIVE_PAGES));
}

/* ---- reset ---- */

/* Everything back; false while some pages stay isolated longer than is worth waiting. */
static bool pop_all(struct vmware_balloon *balloon)
{
	uint64_t end = wait_deadline(VMWARE_PATIENT_NS);

	for (;;) {
		/* Before the look: who did not run for so long looks once more. */
		bool late = clock_ns() >= end;

		vmware_pop(balloon);
		if (balloon->size == 0 || late)
			return balloon->size == 0;
		HOOK(vmware_isolated);
		thread_sleep_ns(NSEC_PER_MSEC);
	}
}

static bool has_doorbell(const struct vmware_balloon *balloon)
{
	return balloon->doorbell.context != VMWARE_NO_DOORBELL.context;
}

static void begin(struct vmware_balloon *balloon)
{
	uint32_t wanted = CAPABILITIES | (has_doorbell(balloon) ? VMWARE_WAKEUP : 0);
	int error = vmware_host_begin(&balloon->host, wanted);

	if (error == -ENOMEM)
		log_warn("balloon: vmware: no page for batches: trying again in a second");
	if (error)
		return;
	if (balloon->host.capabilities & VMWARE_WAKEUP)
		vmware_host_set_doorbell(&balloon->host, balloon->doorbell);
	vmware_host_tell_guest_id(&balloon->host);
}

static void reset(struct vmware_balloon *balloon)
{
	movers_keep_out(balloon);
	HOOK(vmware_reset);
	if (balloon->host.capabilities & VMWARE_WAKEUP)
		vmware_host_set_doorbell(&balloon->host, VMWARE_NO_DOORBELL);
	balloon->resets++;
	if (pop_all(balloon))
		begin(balloon);
	movers_let_in(balloon);
}

/* ---- the target ---- */

int64_t vmware_balloon_change(const struct vmware_balloon *balloon)
{
	uint64_t size = balloon->size, target = balloon->host.target;

	if (balloon->host.reset_required)
		return 0;
	if (target < size && target != 0 && size - target < BALLOON_BLOCK_PAGES)
		return 0; /* a few too many are not worth the way */
	if (target > size && clock_ns() < balloon->paused_until)
		return 0;
	return (int64_t)(MIN(target, (uint64_t)INT64_MAX) - size);
}

void vmware_balloon_step(struct vmware_balloon *balloon)
{
	struct mm_statistics now;
	int64_t change;

	if (balloon->host.reset_required)
		reset(balloon);
	mm_statistics(&now);
	if (balloon->host.reset_required ||
	    vmware_host_get_target(&balloon->host, now.managed) != 0)
		return;
	HOOK(vmware_targeted);
	mutex_lock(&balloon->lock);
	change = vmware_balloon_change(balloon);
	if (change > 0)
		vmware_inflate(balloon, (uint64_t)change);
	if (change < 0)
		vmware_deflate(balloon, (uint64_t)-change);
	mutex_unlock(&balloon->lock);
}

/* ---- thread, start and end ---- */

static void news_wake(struct vmware_balloon *balloon, bool stopping)
{
	struct irq_state irq = wait_queue_lock(&balloon->news);

	balloon->rung = true;
	balloon->stopping |= stopping;
	wait_queue_wake_all(&balloon->news);
	wait_queue_unlock(&balloon->news, irq);
}

void vmware_balloon_ring(struct vmware_balloon *balloon)
{
	news_wake(balloon, false);
}

/* Until a second has passed or somebody rang; false at the end. */
static bool news_wait(struct vmware_balloon *balloon)
{
	uint64_t deadline = wait_deadline(VMWARE_POLL_NS);
	struct irq_state irq = wait_queue_lock(&balloon->news);
	int error = 0;
	bool go_on;

	while (!balloon->rung && !error)
		error = wait_queue_sleep(&balloon->news, &irq, deadline);
	balloon->rung = false;
	go_on = !balloon->stopping;
	wait_queue_unlock(&balloon->news, irq);
	return go_on;
}

static int vmware_thread(void *arg)
{
	struct vmware_balloon *balloon = arg;

	do
		vmware_balloon_step(balloon);
	while (news_wait(balloon));
	return 0;
}

static void report(struct balloon_client *client, struct balloon_client_report *report)
{
	struct vmware_balloon *balloon = container_of(client, struct vmware_balloon, client);
	int64_t change = vmware_balloon_change(balloon);

	report->state = balloon->host.reset_required ? "resetting"
			: change > 0                 ? "inflating"
			: change < 0                 ? "deflating"
						     : "idle";
	report->target = balloon->host.target;
	report->actual = balloon->size;
	report->isolated = balloon_isolated(&balloon->pages);
	report->counters[0] = (struct balloon_client_counter){"resets", balloon->resets};
	report->counters[1] = (struct balloon_client_counter){"refused", balloon->refused};
	report->counters[2] = (struct balloon_client_counter){"shortages", balloon->shortages};
	report->counters[3] =
		(struct balloon_client_counter){"last_status", balloon->host.last_status};
}

struct vmware_balloon *vmware_balloon_create(vmware_call_fn *call,
					     struct vmware_doorbell doorbell)
{
	struct vmware_balloon *balloon = kzalloc(sizeof(*balloon));
	struct vmware_entry *entries = kzalloc(VMWARE_BATCH_MAX * sizeof(*entries));

	if (!balloon || !entries) {
		kfree(balloon);
		kfree(entries);
		return NULL;
	}
	vmware_host_init(&balloon->host, call);
	balloon_device_init(&balloon->pages, "vmware", false, migrate);
	balloon_device_init(&balloon->blocks, "vmware blocks", false, NULL);
	mutex_init(&balloon->lock);
	wait_queue_init(&balloon->news);
	balloon->entries = entries;
	balloon->doorbell = doorbell;
	balloon->client = (struct balloon_client){.name = "vmware", .report = report};
	balloon->oom = (struct oom_hook){.name = "vmware balloon", .give = give};
	return balloon;
}

static void thread_stop(struct vmware_balloon *balloon)
{
	if (!balloon->thread)
		return;
	oom_hook_unregister(&balloon->oom);
	balloon_client_remove(&balloon->client);
	news_wake(balloon, true);
	thread_join(balloon->thread);
	balloon->thread = NULL;
}

/* The last word to the host, which forgets us with all that it had. Nobody moves a page any
 * more. */
static void part(struct vmware_balloon *balloon)
{
	thread_stop(balloon);
	movers_keep_out(balloon);
	if (balloon->host.capabilities & VMWARE_WAKEUP)
		vmware_host_set_doorbell(&balloon->host, VMWARE_NO_DOORBELL);
	vmware_host_end(&balloon->host);
}

/* Who has the machine's memory next knows of no page that the host holds. The pages stay where
 * they are: nobody here will use them. */
static int run_shutdown(struct shutdown_hook *hook)
{
	part(container_of(hook, struct vmware_balloon, shutdown));
	return 0;
}

int vmware_balloon_run(struct vmware_balloon *balloon)
{
	struct thread_attributes attributes = {
		.name = "vmware balloon",
		.cpu = THREAD_ANY_CPU,
		.priority = THREAD_NORMAL,
	};

	balloon->thread = thread_create(&attributes, vmware_thread, balloon);
	if (!balloon->thread)
		return -ENOMEM;
	balloon_client_add(&balloon->client);
	oom_hook_register(&balloon->oom);
	balloon->shutdown = (struct shutdown_hook){
		.name = "vmware balloon", .stage = SHUTDOWN_CLIENTS, .run = run_shutdown};
	shutdown_hook_register(&shutdown_hooks, &balloon->shutdown);
	return 0;
}

/* The host must forget us before the pages are free, or it resets us in the middle. */
void vmware_balloon_destroy(struct vmware_balloon *balloon)
{
	if (balloon->shutdown.run) /* it ran once, and may have stopped */
		shutdown_hook_unregister(&shutdown_hooks, &balloon->shutdown);
	part(balloon);
	while (!pop_all(balloon))
		log_warn("balloon: vmware: %llu pages are isolated: waiting for who holds them",
			 (unsigned long long)balloon->size);
	balloon_device_destroy(&balloon->blocks);
	balloon_device_destroy(&balloon->pages);
	kfree(balloon->entries);
	kfree(balloon);
}

void vmware_balloon_probe(vmware_call_fn *call)
{
	struct vmware_balloon *balloon;

	if (!call)
		return;
	balloon = vmware_balloon_create(call, VMWARE_NO_DOORBELL);
	if (balloon && vmware_balloon_run(balloon) == 0)
		return;
	log_error("balloon: vmware: no memory for the balloon: the host cannot ask for any");
	if (balloon)
		vmware_balloon_destroy(balloon);
}
