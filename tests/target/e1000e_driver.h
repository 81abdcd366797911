// SPDX-License-Identifier: MIT
/*
 * A driver that asks a network card of Intel's 82574 family who it is and makes it interrupt:
 * registers behind an assigned BAR, the station address from the card's own memory, a message
 * by MSI-X or MSI, or without either by the line. It sends and receives nothing. Bound by tests
 * only.
 */
#ifndef TESTS_TARGET_E1000E_DRIVER_H
#define TESTS_TARGET_E1000E_DRIVER_H

#include <drivers/driver.h>

#define E1000E_STATUS_LINK 0x2u

/* Behind pci_device.driver_data while bound. */
struct e1000e {
	struct pci_device *pci;
	volatile uint8_t *registers;
	uint32_t status; /* register STATUS after the reset */
	uint8_t address[6];
	unsigned messages; /* that pci_msix_enable() gave: 1 with MSI, 0: the line interrupts */
	_Atomic unsigned interrupts;
};

/* The probe makes the card interrupt once. */
extern const struct pci_driver e1000e_driver;

/* One interrupt, made by the card when told so; 0 or -ETIMEDOUT. Thread context. */
int e1000e_interrupt(struct e1000e *card) MUST_CHECK;

#endif
