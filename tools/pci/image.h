// SPDX-License-Identifier: MIT
/*
 * Configuration space in memory: a table built in code, a dump, or a fuzzer's bytes. Registers
 * are read-only unless told otherwise; bits may be writable or cleared by writing one; a
 * function may answer all ones from the start, from the n-th read on, or be not ready for a
 * while. Every access is recorded. Functions below a bridge are reached through its bus numbers
 * as they stand, so renumbering works as on hardware. Not thread safe.
 */
#ifndef TOOLS_PCI_IMAGE_H
#define TOOLS_PCI_IMAGE_H

#include <pci/config.h>
#include <stddef.h>

#define PCI_IMAGE_NEVER UINT64_MAX

struct pci_image_write {
	unsigned offset;
	unsigned width;
	uint32_t value;
};

struct pci_image_function {
	struct pci_address address;        /* as added; a routed one moves with its bridge */
	struct pci_image_function *bridge; /* NULL: fixed at its address */
	unsigned size;                     /* bytes readable */
	bool dead;                         /* all ones, writes are lost */
	uint64_t reads_until_dead;         /* PCI_IMAGE_NEVER: lives for ever */
	uint64_t ready_ns; /* clock of the image when it stops saying not ready */
	uint64_t reads;
	uint64_t writes;
	struct pci_image_write last_write;
	uint8_t *value; /* size bytes each */
	uint8_t *writable;
	uint8_t *clear_on_write;
	uint8_t *was_read;
	uint8_t *hidden; /* 1: nobody knows this byte, a read that covers it fails */
};

struct pci_image {
	struct pci_access access; /* give &image.access to a fabric */
	struct pci_bus_range range;
	uint64_t now_ns; /* moved by the delay operation only */
	size_t count;
	size_t capacity;
	struct pci_image_function **functions; /* fixed ones sorted by address, then routed */
	size_t fixed;
};

/* An empty image of segment 0, buses 0 to 255. listed: see pci_access_operations.next. */
void pci_image_init(struct pci_image *image, bool listed);
/* Free all functions. */
void pci_image_destroy(struct pci_image *image);

/*
 * Add a function of `size` bytes (64 to 4096), all zero. NULL when memory is short or the
 * address is taken. A routed function lies on whatever bus its bridge, already in the image,
 * leads to.
 */
struct pci_image_function *pci_image_add(struct pci_image *image, struct pci_address address,
					 unsigned size);
struct pci_image_function *pci_image_add_below(struct pci_image *image,
					       struct pci_image_function *bridge,
					       unsigned devfn, unsigned size);

/* The function that answers at an address now, or NULL. */
struct pci_image_function *pci_image_find(const struct pci_image *image,
					  struct pci_address address);

/* Registers behind the back of the access rules. Offsets must lie inside the function. */
void pci_image_set(struct pci_image_function *function, unsigned offset, unsigned width,
		   uint32_t value);
uint32_t pci_image_get(const struct pci_image_function *function, unsigned offset,
		       unsigned width);
void pci_image_set_writable(struct pci_image_function *function, unsigned offset,
			    unsigned width, uint32_t mask);
void pci_image_set_clear_on_write(struct pci_image_function *function, unsigned offset,
				  unsigned width, uint32_t mask);

/* True if any byte of the range was read through the access. */
bool pci_image_was_read(const struct pci_image_function *function, unsigned offset,
			unsigned length);

#endif
