// SPDX-License-Identifier: MIT
/*
 * A driver for one command: an NVMe controller is started with its admin queues and asked who
 * it is, first by looking for the answer, then by the interrupt. That needs everything pci/
 * gives a driver: a BAR that decodes, bus mastering through all bridges, a message. Bound by
 * tests only: in the table of drivers it would take the disk of every machine the image starts
 * on.
 */
#ifndef TESTS_TARGET_NVME_DRIVER_H
#define TESTS_TARGET_NVME_DRIVER_H

#include <drivers/driver.h>
#include <mm/dma.h>

#define NVME_SERIAL_MAX 20

/* Behind pci_device.driver_data while bound. */
struct nvme {
	struct pci_device *pci;
	volatile uint8_t *registers;
	struct dma_device dma;
	uint8_t *memory; /* NVME_PAGES pages: commands, completions, data */
	uint64_t bus;
	uint64_t limit_ns; /* what the controller asks for to start or stop */
	unsigned stride;   /* bytes between doorbells */
	unsigned sent;     /* commands, all of which completed but the one in work */
	unsigned polled;   /* of them, completed before there was an interrupt */
	uint32_t version;  /* register VS */
	unsigned entries;  /* of MSI-X */
	_Atomic unsigned interrupts;
	char serial[NVME_SERIAL_MAX + 1]; /* without the spaces at its end */
};

/* The probe identifies twice: by polling, then by the interrupt. */
extern const struct pci_driver nvme_driver;

/* Identify Controller once more and wait for its interrupt; fills in the serial number. 0;
 * -ETIMEDOUT without interrupt or completion, -EIO when the controller refuses. Thread context.
 */
int nvme_identify(struct nvme *nvme) MUST_CHECK;

#endif
