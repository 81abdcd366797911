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
 * Allocate a vector that calls handler(arg) on `cpu`. 0, or -ENOSPC when none is left.
 * irq_vector_free() returns after no CPU runs the handler any more; not from interrupt context.
 */
int irq_vector_alloc(unsigned cpu, irq_handler_fn *handler, void *arg,
		     struct irq_vector *vector);
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
