// SPDX-License-Identifier: MIT
/*
 * See the header. Registers after Intel's 82574 data sheet, section 10. Every wait is bounded,
 * and a register of all ones means that the card is gone.
 */
#include <tests/target/e1000e_driver.h>

#include <errno.h>
#include <kernel/thread.h>
#include <mm/slab.h>
#include <pci/bar.h>
#include <pci/intx.h>
#include <pci/msix.h>
#include <pci/regs.h>
#include <platform/barrier.h>
#include <platform/clock.h>
#include <tests/wait.h>
#include <stdatomic.h>

#define VENDOR_INTEL 0x8086
#define DEVICE_82574 0x10d3

#define REGISTER_CONTROL       0x0000
#define REGISTER_STATUS        0x0008
#define REGISTER_CAUSE         0x00c0 /* cleared by reading */
#define REGISTER_CAUSE_SET     0x00c8
#define REGISTER_MASK_SET      0x00d0
#define REGISTER_MASK_CLEAR    0x00d8
#define REGISTER_VECTORS       0x00e4 /* which MSI-X message for which cause */
#define REGISTER_ADDRESS_LOW   0x5400
#define REGISTER_ADDRESS_HIGH  0x5404
#define REGISTERS_SIZE         0x6000
#define CONTROL_RESET          0x04000000u
#define ADDRESS_VALID          0x80000000u
#define CAUSE_RECEIVE_QUEUE_0  0x00100000u
#define VECTOR_0_FOR_RECEIVE_0 0x8u /* message 0, valid */
#define GONE                   0xffffffffu
#define LIMIT_NS               WAIT_LIMIT_NS
#define NAP_NS                 (NSEC_PER_MSEC / 10)

static uint32_t read32(const struct e1000e *card, unsigned offset)
{
	return mmio_read32(card->registers + offset);
}

static void write32(const struct e1000e *card, unsigned offset, uint32_t value)
{
	mmio_write32(card->registers + offset, value);
}

/* Afterwards the card knows its address, and interrupts nobody. */
static int reset(struct e1000e *card)
{
	uint64_t end = clock_ns() + LIMIT_NS;
	uint32_t control;

	write32(card, REGISTER_MASK_CLEAR, UINT32_MAX);
	write32(card, REGISTER_CONTROL, CONTROL_RESET);
	do {
		thread_sleep_ns(NAP_NS);
		control = read32(card, REGISTER_CONTROL);
	} while (control != GONE && control & CONTROL_RESET && clock_ns() < end);
	if (control == GONE)
		return -EIO;
	write32(card, REGISTER_MASK_CLEAR, UINT32_MAX);
	(void)read32(card, REGISTER_CAUSE);
	return control & CONTROL_RESET ? -ETIMEDOUT : 0;
}

static int read_identity(struct e1000e *card)
{
	uint32_t low = read32(card, REGISTER_ADDRESS_LOW);
	uint32_t high = read32(card, REGISTER_ADDRESS_HIGH);

	card->status = read32(card, REGISTER_STATUS);
	if (card->status == GONE || low == GONE || high == GONE || !(high & ADDRESS_VALID))
		return -EIO;
	for (unsigned i = 0; i < 6; i++)
		card->address[i] = (uint8_t)(i < 4 ? low >> 8 * i : high >> 8 * (i - 4));
	return 0;
}

static void message(void *arg)
{
	struct e1000e *card = arg;

	atomic_fetch_add(&card->interrupts, 1);
}

/* Reading the cause makes the card let go of the line, which may be a neighbour's. */
static void line(void *arg)
{
	struct e1000e *card = arg;
	uint32_t cause = read32(card, REGISTER_CAUSE);

	if (cause != GONE && cause & CAUSE_RECEIVE_QUEUE_0)
		atomic_fetch_add(&card->interrupts, 1);
}

int e1000e_interrupt(struct e1000e *card)
{
	uint64_t end = clock_ns() + LIMIT_NS;
	unsigned before = atomic_load(&card->interrupts);

	(void)read32(card, REGISTER_CAUSE); /* a cause that is set already would be no news */
	write32(card, REGISTER_MASK_SET, CAUSE_RECEIVE_QUEUE_0);
	write32(card, REGISTER_CAUSE_SET, CAUSE_RECEIVE_QUEUE_0);
	while (atomic_load(&card->interrupts) == before && clock_ns() < end)
		thread_sleep_ns(NAP_NS);
	write32(card, REGISTER_MASK_CLEAR, UINT32_MAX);
	return atomic_load(&card->interrupts) == before ? -ETIMEDOUT : 0;
}

static int set_up(struct e1000e *card)
{
	int error;

	card->registers = pci_bar_map(card->pci, 0, 0, REGISTERS_SIZE);
	if (!card->registers)
		return -EIO;
	error = reset(card);
	if (error == 0)
		error = read_identity(card);
	if (error == 0)
		error = pci_path_enable(card->pci, PCI_COMMAND_MASTER);
	if (error != 0)
		return error;
	write32(card, REGISTER_VECTORS, VECTOR_0_FOR_RECEIVE_0);
	error = pci_msix_enable(card->pci);
	if (error > 0) {
		card->messages = (unsigned)error;
		error = pci_msix_connect(card->pci, 0, 0, message, card);
	} else if (error == -ENODEV) {
		error = pci_intx_connect(card->pci, line, card);
	}
	return error != 0 ? error : e1000e_interrupt(card);
}

/* No message is on its way when messages end, and the handler is gone before what it counts in.
 */
static void release(struct e1000e *card)
{
	if (card->registers)
		(void)!reset(card); /* one that is gone interrupts nobody */
	pci_msix_disable(card->pci);
	pci_intx_disconnect(card->pci);
	kfree(card);
}

static int probe(struct pci_device *pci)
{
	struct e1000e *card = kzalloc(sizeof(*card));
	int error;

	if (!card)
		return -ENOMEM;
	card->pci = pci;
	error = set_up(card);
	if (error != 0)
		release(card);
	else
		pci->driver_data = card;
	return error;
}

static void remove(struct pci_device *pci)
{
	release(pci->driver_data);
}

static const struct pci_id ids[] = {
	{VENDOR_INTEL, DEVICE_82574, 0, 0},
	{0, 0, 0, 0},
};
const struct pci_driver e1000e_driver = {"e1000e", ids, probe, remove};
