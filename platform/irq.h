// SPDX-License-Identifier: MIT
/*
 * Interrupts: masking on this CPU, vectors for devices, and interrupts between CPUs.
 * The port calls up into kernel/interrupt.h; on the hosted port an "interrupt" is delivered at
 * the points where the simulated mask opens.
 */
#ifndef PLATFORM_IRQ_H
#define PLATFORM_IRQ_H

#include <platform/types.h>

/* Saved mask of this CPU. */
struct irq_state {
	uint64_t flags;
};

/* Mask interrupts on this CPU, return what was before. Nests. */
static inline struct irq_state irq_save(void);
static inline void irq_restore(struct irq_state state);
static inline bool irq_enabled(void);
static inline void irq_enable(void);
static inline void irq_disable(void);

/* Runs with interrupts off on the CPU that took the vector; may wake threads, must not sleep.
 */
typedef void irq_handler_fn(void *arg);

/*
 * A device vector, composed by the port: what to program into MSI or MSI-X. `number` is the
 * port's own name of it.
 */
struct irq_vector {
	unsigned number;
	uint64_t msi_address;
	uint32_t msi_data;
};

/*
 * Allocate `count` vectors on `cpu`, a power of two, for a device whose messages differ only in
 * the low bits of their data (MSI): message n calls handler(arg + n * step), its number and its
 * data are those of *vector plus n. 0, or -ENOSPC when there is no such run.
 */
int irq_vectors_alloc(unsigned cpu, unsigned count, irq_handler_fn *handler, void *arg,
		      size_t step, struct irq_vector *vector);

/* One vector, which calls handler(arg). */
static inline int irq_vector_alloc(unsigned cpu, irq_handler_fn *handler, void *arg,
				   struct irq_vector *vector)
{
	return irq_vectors_alloc(cpu, 1, handler, arg, 0, vector);
}

/* Give one vector back, also one of several. Returns after no CPU runs the handler any more;
 * not from interrupt context. */
void irq_vector_free(const struct irq_vector *vector);

/*
 * A line of the platform's interrupt controller (virtio-mmio, i8042) delivered to `vector` on
 * its CPU. `active_low` and `level` as the firmware tables say. -ENODEV without a controller.
 */
int irq_line_route(unsigned line, bool level, bool active_low, const struct irq_vector *vector);

/* Raise the kernel's one IPI on another CPU: kernel/ipi.h demultiplexes. Any context. */
void irq_send_ipi(unsigned cpu);

/* Raise a non-maskable request on all other CPUs: panic and back traces. They run
 * kernel_nmi_interrupt(). Best effort: returns at once. */
void irq_send_nmi_others(void);

#include "irq_impl.h"

#endif
