// SPDX-License-Identifier: MIT
/*
 * Mailboxes: a ring, and two semaphores that count its room and its messages.
 */
#include <kernel/mailbox.h>
#include <kernel/assert.h>
#include <kernel/kmem.h>
#include <errno.h>

static struct lock_class mailbox_class = {.name = "mailbox"};

int mailbox_init(struct mailbox *mailbox, unsigned capacity)
{
	ASSERT(capacity > 0);
	*mailbox = (struct mailbox){.capacity = capacity};
	mailbox->messages = kmem_alloc(capacity * sizeof(*mailbox->messages));
	if (!mailbox->messages)
		return -ENOMEM;
	spin_lock_init(&mailbox->lock, &mailbox_class);
	semaphore_init(&mailbox->room, capacity);
	semaphore_init(&mailbox->filled, 0);
	return 0;
}

void mailbox_destroy(struct mailbox *mailbox)
{
	kmem_free(mailbox->messages);
	mailbox->messages = NULL;
}

static void store(struct mailbox *mailbox, void *message)
{
	struct irq_state irq = spin_lock_irqsave(&mailbox->lock);

	mailbox->messages[mailbox->put] = message;
	mailbox->put = (mailbox->put + 1) % mailbox->capacity;
	spin_unlock_irqrestore(&mailbox->lock, irq);
	semaphore_up(&mailbox->filled);
}

static void *fetch(struct mailbox *mailbox)
{
	struct irq_state irq = spin_lock_irqsave(&mailbox->lock);
	void *message = mailbox->messages[mailbox->get];

	mailbox->get = (mailbox->get + 1) % mailbox->capacity;
	spin_unlock_irqrestore(&mailbox->lock, irq);
	semaphore_up(&mailbox->room);
	return message;
}

int mailbox_put(struct mailbox *mailbox, void *message, uint64_t timeout_ns)
{
	int error = semaphore_down_timeout(&mailbox->room, timeout_ns);

	if (error == 0)
		store(mailbox, message);
	return error;
}

int mailbox_get(struct mailbox *mailbox, void **message, uint64_t timeout_ns)
{
	int error = semaphore_down_timeout(&mailbox->filled, timeout_ns);

	if (error == 0)
		*message = fetch(mailbox);
	return error;
}

bool mailbox_tryput(struct mailbox *mailbox, void *message)
{
	bool room = semaphore_trydown(&mailbox->room);

	if (room)
		store(mailbox, message);
	return room;
}

bool mailbox_tryget(struct mailbox *mailbox, void **message)
{
	bool filled = semaphore_trydown(&mailbox->filled);

	if (filled)
		*message = fetch(mailbox);
	return filled;
}
