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

bool virtio_balloon_is_stopping(struct virtio_balloon *balloon)
{
	struct irq_state irq = wait_queue_lock(&balloon->news);
	bool stopping = balloon->stopping;

	wait_queue_unlock(&balloon->news, irq);
	return stopping;
}

bool virtio_balloon_take_config_news(struct virtio_balloon *balloon)
{
	struct irq_state irq = wait_queue_lock(&balloon->news);
	bool news = balloon->config_news;

	balloon->config_news = false;
	wait_queue_unlock(&balloon->news, irq);
	return news;
}

bool virtio_balloon_wait(struct virtio_balloon *balloon, uint64_t deadline)
{
	struct irq_state irq = wait_queue_lock(&balloon->news);
	int error = 0;
	bool go_on;

	while (!balloon->stopping && !balloon->config_news && !balloon->broken && !error)
		error = wait_queue_sleep(&balloon->news, &irq, deadline);
	go_on = !balloon->stopping;
	wait_queue_unlock(&balloon->news, irq);
	return go_on;
}

void virtio_balloon_tell_broken(struct virtio_balloon *balloon)
{
	struct irq_state irq = wait_queue_lock(&balloon->news);

	balloon->broken = true;
	wait_queue_wake_all(&balloon->news);
	wait_queue_unlock(&balloon->news, irq);
}

bool virtio_balloon_take_broken(struct virtio_balloon *balloon)
{
	struct irq_state irq = wait_queue_lock(&balloon->news);
	bool broken = balloon->broken;

	balloon->broken = false;
	wait_queue_unlock(&balloon->news, irq);
	return broken;
}
