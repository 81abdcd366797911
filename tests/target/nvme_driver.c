// SPDX-License-Identifier: MIT
/*
 * See the header. Registers and commands after NVM Express Base 1.4, sections 3 and 5.15. Every
 * wait is bounded, a register of all ones means that the controller is gone, and its memory is
 * given back only after it stopped or can master the bus no more.
 */
#include <tests/target/nvme_driver.h>

#include <errno.h>
#include <kernel/bits.h>
#include <kernel/thread.h>
#include <mm/slab.h>
#include <pci/bar.h>
#include <pci/msix.h>
#include <pci/regs.h>
#include <platform/barrier.h>
#include <platform/clock.h>
#include <tests/wait.h>
#include <stdatomic.h>
#include <string.h>

#define NVME_CLASS 0x010802

#define REGISTER_CAPABILITIES 0x00
#define REGISTER_VERSION      0x08
#define REGISTER_MASK_SET     0x0c
#define REGISTER_CONTROL      0x14
#define REGISTER_STATUS       0x1c
#define REGISTER_QUEUE_SIZES  0x24
#define REGISTER_COMMANDS     0x28
#define REGISTER_COMPLETIONS  0x30
#define REGISTER_DOORBELLS    0x1000
#define REGISTERS_SIZE        0x2000

#define CONTROL_ENABLE      0x1u
#define CONTROL_ENTRY_SIZES 0x460000u /* 64 bytes a command, 16 a completion */
#define STATUS_READY        0x1u
#define STATUS_FATAL        0x2u
#define GONE                0xffffffffu

#define COMMAND_SIZE    64u
#define COMPLETION_SIZE 16u
#define DEPTH           4u /* small, so that the phase changes in a test */
#define NVME_PAGES      3u
#define COMMAND_LIMIT   WAIT_LIMIT_NS
#define UNIT_NS         (500 * NSEC_PER_MSEC) /* of the time limit in the capabilities */
#define NAP_NS          (NSEC_PER_MSEC / 10)

#define IDENTIFY            0x06u
#define IDENTIFY_CONTROLLER 1u
#define IDENTIFY_SERIAL     4u /* offset in the data */

static uint32_t read32(const struct nvme *nvme, unsigned offset)
{
	return mmio_read32(nvme->registers + offset);
}

static void write32(const struct nvme *nvme, unsigned offset, uint32_t value)
{
	mmio_write32(nvme->registers + offset, value);
}

static void write64(const struct nvme *nvme, unsigned offset, uint64_t value)
{
	write32(nvme, offset, (uint32_t)value);
	write32(nvme, offset + 4, (uint32_t)(value >> 32));
}

/* Until the ready bit is as wanted. */
static int wait_ready(const struct nvme *nvme, bool ready)
{
	uint64_t end = clock_ns() + nvme->limit_ns;
	uint32_t status;

	while (!!((status = read32(nvme, REGISTER_STATUS)) & STATUS_READY) != ready ||
	       status == GONE) {
		if (status == GONE || status & STATUS_FATAL)
			return -EIO;
		if (clock_ns() > end)
			return -ETIMEDOUT;
		thread_sleep_ns(NAP_NS);
	}
	return 0;
}

static int stop(const struct nvme *nvme)
{
	write32(nvme, REGISTER_CONTROL, 0);
	return wait_ready(nvme, false);
}

/* With empty queues. */
static int start(struct nvme *nvme)
{
	memset(nvme->memory, 0, NVME_PAGES * PAGE_SIZE);
	nvme->sent = 0;
	/* No line interrupt while nobody listens to it. */
	write32(nvme, REGISTER_MASK_SET, UINT32_MAX);
	write32(nvme, REGISTER_QUEUE_SIZES, (DEPTH - 1) << 16 | (DEPTH - 1));
	write64(nvme, REGISTER_COMMANDS, nvme->bus);
	write64(nvme, REGISTER_COMPLETIONS, nvme->bus + PAGE_SIZE);
	write32(nvme, REGISTER_CONTROL, CONTROL_ENTRY_SIZES | CONTROL_ENABLE);
	return wait_ready(nvme, true);
}

/* What the controller says, checked for what this driver can do. */
static int read_capabilities(struct nvme *nvme)
{
	uint32_t low = read32(nvme, REGISTER_CAPABILITIES);
	uint32_t high = read32(nvme, REGISTER_CAPABILITIES + 4);

	nvme->version = read32(nvme, REGISTER_VERSION);
	if (low == GONE || high == GONE || nvme->version == GONE)
		return -EIO;
	nvme->limit_ns = MAX(low >> 24, 1) * UNIT_NS;
	nvme->stride = 4u << (high & 0xf);
	/* Pages of 4 KiB must be allowed, and two doorbells lie in what is mapped. */
	if ((high >> 16 & 0xf) != 0 || nvme->stride > REGISTERS_SIZE - REGISTER_DOORBELLS - 4)
		return -EOPNOTSUPP;
	return 0;
}

static void message(void *arg)
{
	struct nvme *nvme = arg;

	atomic_fetch_add(&nvme->interrupts, 1);
}

static void submit(struct nvme *nvme)
{
	uint8_t *command = nvme->memory + nvme->sent % DEPTH * COMMAND_SIZE;

	memset(command, 0, COMMAND_SIZE);
	le32_store(command, IDENTIFY | nvme->sent << 16);
	le64_store(command + 24, nvme->bus + 2 * PAGE_SIZE);
	le32_store(command + 40, IDENTIFY_CONTROLLER);
	dma_write_barrier();
	write32(nvme, REGISTER_DOORBELLS, (nvme->sent + 1) % DEPTH);
}

/* Take the completion of the command sent last: 0, -EAGAIN when it is not there yet. The phase
 * bit is 1 in the first round of the queue and changes with each. */
static int take(struct nvme *nvme)
{
	const uint8_t *completion =
		nvme->memory + PAGE_SIZE + nvme->sent % DEPTH * COMPLETION_SIZE;
	uint32_t word = __atomic_load_n((const uint32_t *)(completion + 12), __ATOMIC_ACQUIRE);

	if ((word >> 16 & 1) == (nvme->sent / DEPTH & 1))
		return -EAGAIN;
	dma_read_barrier();
	if ((word & 0xffff) != (nvme->sent & 0xffff) || word >> 17 != 0)
		return -EIO;
	nvme->sent++;
	write32(nvme, REGISTER_DOORBELLS + nvme->stride, nvme->sent % DEPTH);
	return 0;
}

static void keep_serial(struct nvme *nvme)
{
	size_t length = NVME_SERIAL_MAX;

	memcpy(nvme->serial, nvme->memory + 2 * PAGE_SIZE + IDENTIFY_SERIAL, length);
	while (length > 0 && nvme->serial[length - 1] == ' ')
		length--;
	nvme->serial[length] = '\0';
}

static void ask(struct nvme *nvme)
{
	memset(nvme->memory + 2 * PAGE_SIZE, 0, PAGE_SIZE);
	submit(nvme);
}

static int identify_by_polling(struct nvme *nvme)
{
	uint64_t end = clock_ns() + COMMAND_LIMIT;
	int error;

	ask(nvme);
	while ((error = take(nvme)) == -EAGAIN && clock_ns() < end)
		thread_sleep_ns(NAP_NS);
	if (error != 0)
		return error == -EAGAIN ? -ETIMEDOUT : error;
	nvme->polled++;
	keep_serial(nvme);
	return 0;
}

int nvme_identify(struct nvme *nvme)
{
	uint64_t end = clock_ns() + COMMAND_LIMIT;
	unsigned before = atomic_load(&nvme->interrupts);
	int error;

	ask(nvme);
	while (atomic_load(&nvme->interrupts) == before && clock_ns() < end)
		thread_sleep_ns(NAP_NS);
	/* The completion is there before its interrupt, and nobody looks for it without one. */
	error = atomic_load(&nvme->interrupts) == before ? -EAGAIN : take(nvme);
	if (error != 0)
		return error == -EAGAIN ? -ETIMEDOUT : error;
	keep_serial(nvme);
	return 0;
}

static void release(struct nvme *nvme)
{
	/* Either is enough: a controller that is gone does not take the second. */
	bool quiet = nvme->registers && stop(nvme) == 0;

	quiet |= pci_command_change(nvme->pci, PCI_COMMAND_MASTER, 0) == 0;
	quiet |= pci_get(nvme->pci, PCI_REG_VENDOR, 4) == GONE;
	pci_msix_disable(nvme->pci);
	if (quiet && nvme->memory)
		dma_free(&nvme->dma, NVME_PAGES * PAGE_SIZE, nvme->memory, nvme->bus);
	kfree(nvme);
}

static int use_without_interrupts(struct nvme *nvme)
{
	int error = stop(nvme);

	if (error != 0)
		return error;
	nvme->memory = dma_alloc(&nvme->dma, NVME_PAGES * PAGE_SIZE, 0, &nvme->bus);
	if (!nvme->memory)
		return -ENOMEM;
	error = start(nvme);
	if (error == 0)
		error = identify_by_polling(nvme);
	return error != 0 ? error : stop(nvme);
}

/* Messages are on before the queues are made: QEMU's controller looks only then. */
static int use_with_interrupts(struct nvme *nvme)
{
	int error = pci_msix_enable(nvme->pci);

	if (error < 0)
		return error;
	nvme->entries = (unsigned)error;
	error = pci_msix_connect(nvme->pci, 0, 0, message, nvme);
	if (error == 0)
		error = start(nvme);
	return error != 0 ? error : nvme_identify(nvme);
}

static int set_up(struct nvme *nvme)
{
	int error;

	nvme->registers = pci_bar_map(nvme->pci, 0, 0, REGISTERS_SIZE);
	if (!nvme->registers)
		return -EIO;
	error = read_capabilities(nvme);
	if (error == 0)
		error = pci_path_enable(nvme->pci, PCI_COMMAND_MASTER);
	if (error == 0)
		error = use_without_interrupts(nvme);
	return error != 0 ? error : use_with_interrupts(nvme);
}

static int probe(struct pci_device *pci)
{
	struct nvme *nvme = kzalloc(sizeof(*nvme));
	int error;

	if (!nvme)
		return -ENOMEM;
	nvme->pci = pci;
	nvme->dma = (struct dma_device){.name = "nvme", .mask = UINT64_MAX, .node = NODE_ANY};
	error = set_up(nvme);
	if (error != 0)
		release(nvme);
	else
		pci->driver_data = nvme;
	return error;
}

static void remove(struct pci_device *pci)
{
	release(pci->driver_data);
}

static const struct pci_id ids[] = {
	{PCI_ANY_ID, PCI_ANY_ID, NVME_CLASS, 0xffffff},
	{0, 0, 0, 0},
};
const struct pci_driver nvme_driver = {"nvme", ids, probe, remove};
