// SPDX-License-Identifier: MIT
/*
 * Line interrupts. What firmware wrote into the Interrupt Line register is believed: the true
 * routing stands in AML, which nobody here runs. One vector per line, on CPU 0, and a list of
 * those who share it. Lock order: a line's lock is taken before whatever a handler takes.
 */
#include <pci/intx.h>
#include <errno.h>
#include <kernel/kmem.h>
#include <kernel/lock.h>
#include <pci/regs.h>

#define LINES_MAX 24

struct pci_intx {
	struct list_head link; /* line.users */
	irq_handler_fn *handler;
	void *arg;
	struct intx_line *line;
};

struct intx_line {
	struct spin_lock lock;
	struct list_head users; /* lock */
	bool routed;
	struct irq_vector vector;
};

static struct lock_class line_class = {.name = "PCI interrupt line"};
static struct intx_line lines[LINES_MAX];

static void line_interrupt(void *arg)
{
	struct intx_line *line = arg;
	struct irq_state state = spin_lock_irqsave(&line->lock);
	struct pci_intx *user;

	list_for_each_entry (user, &line->users, link)
		user->handler(user->arg);
	spin_unlock_irqrestore(&line->lock, state);
}

/* Active low as PCI has it, unless the firmware's tables say otherwise. */
static int route_line(unsigned number)
{
	struct intx_line *line = &lines[number];
	int error;

	if (line->routed)
		return 0;
	spin_lock_init(&line->lock, &line_class);
	list_init(&line->users);
	error = irq_vector_alloc(0, line_interrupt, line, &line->vector);
	if (error != 0)
		return error;
	error = irq_line_route(number, true, true, &line->vector);
	if (error != 0)
		irq_vector_free(&line->vector);
	line->routed = error == 0;
	return error;
}

/* The line of a device that has a pin, or -ENODEV. */
static int line_of(const struct pci_device *device)
{
	uint32_t line = pci_get(device, PCI_REG_INTERRUPT, 1);
	uint32_t pin = pci_get(device, PCI_REG_INTERRUPT + 1, 1);

	return pin >= 1 && pin <= 4 && line > 0 && line < LINES_MAX ? (int)line : -ENODEV;
}

int pci_intx_connect(struct pci_device *device, irq_handler_fn *handler, void *arg)
{
	int number = device->intx ? -EBUSY : line_of(device);
	int error = number < 0 ? number : route_line((unsigned)number);
	struct pci_intx *user;
	struct irq_state state;

	if (error != 0)
		return error;
	user = kmem_alloc(sizeof(*user));
	if (!user)
		return -ENOMEM;
	*user = (struct pci_intx){.handler = handler, .arg = arg, .line = &lines[number]};
	device->intx = user;
	state = spin_lock_irqsave(&user->line->lock);
	list_add_tail(&user->line->users, &user->link);
	spin_unlock_irqrestore(&user->line->lock, state);
	error = pci_command_change(device, PCI_COMMAND_NO_INTX, 0);
	if (error != 0)
		pci_intx_disconnect(device);
	return error;
}

void pci_intx_disconnect(struct pci_device *device)
{
	struct pci_intx *user = device->intx;
	struct irq_state state;

	if (!user)
		return;
	/* A function that does not take this is gone and holds no line. */
	(void)!pci_command_change(device, 0, PCI_COMMAND_NO_INTX);
	state = spin_lock_irqsave(&user->line->lock);
	list_del(&user->link);
	spin_unlock_irqrestore(&user->line->lock, state);
	device->intx = NULL;
	kmem_free(user);
}
