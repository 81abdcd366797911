// SPDX-License-Identifier: MIT
/*
 * What happened to a virtio balloon since its thread looked last: interrupts, migrations and
 * removal say so here, the thread sleeps until they do. One wait queue, nothing inside its
 * lock.
 */
#include <drivers/balloon/virtio_balloon_internal.h>

void virtio_balloon_wake(struct virtio_balloon *balloon, bool config)
{
	struct irq_state irq = wait_queue_lock(&balloon->news);

	balloon->config_news |= config;
	wait_queue_wake_all(&balloon->news);
	wait_queue_unlock(&balloon->news, irq);
}

static void flag_tell(struct virtio_balloon *balloon, bool *flag)
{
	struct irq_state irq = wait_queue_lock(&balloon->news);

	*flag = true;
	wait_queue_wake_all(&balloon->news);
	wait_queue_unlock(&balloon->news, irq);
}

static bool flag_take(struct virtio_balloon *balloon, bool *flag)
{
	struct irq_state irq = wait_queue_lock(&balloon->news);
	bool told = *flag;

	*flag = false;
	wait_queue_unlock(&balloon->news, irq);
	return told;
}

void virtio_balloon_tell_broken(struct virtio_balloon *balloon)
{
	flag_tell(balloon, &balloon->broken);
}

void virtio_balloon_tell_stats(struct virtio_balloon *balloon)
{
	flag_tell(balloon, &balloon->stats_news);
}

bool virtio_balloon_take_config_news(struct virtio_balloon *balloon)
{
	return flag_take(balloon, &balloon->config_news);
}

bool virtio_balloon_take_stats_news(struct virtio_balloon *balloon)
{
	return flag_take(balloon, &balloon->stats_news);
}

bool virtio_balloon_take_broken(struct virtio_balloon *balloon)
{
	return flag_take(balloon, &balloon->broken);
}

void virtio_balloon_forget_news(struct virtio_balloon *balloon)
{
	(void)virtio_balloon_take_config_news(balloon);
	(void)virtio_balloon_take_stats_news(balloon);
	(void)virtio_balloon_take_broken(balloon);
}

bool virtio_balloon_is_stopping(struct virtio_balloon *balloon)
{
	struct irq_state irq = wait_queue_lock(&balloon->news);
	bool stopping = balloon->stopping;

	wait_queue_unlock(&balloon->news, irq);
	return stopping;
}

static bool has_news(const struct virtio_balloon *balloon)
{
	return balloon->stopping || balloon->config_news || balloon->stats_news ||
	       balloon->broken;
}

bool virtio_balloon_wait(struct virtio_balloon *balloon, uint64_t deadline)
{
	struct irq_state irq = wait_queue_lock(&balloon->news);
	int error = 0;
	bool go_on;

	while (!has_news(balloon) && !error)
		error = wait_queue_sleep(&balloon->news, &irq, deadline);
	go_on = !balloon->stopping;
	wait_queue_unlock(&balloon->news, irq);
	return go_on;
}
