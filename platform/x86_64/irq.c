// SPDX-License-Identifier: MIT
/*
 * Device vectors and the interrupts between CPUs: what happens behind entry vectors 32 to 255.
 * Each CPU has its own 192 device vectors; a message to a CPU's APIC id with a vector number is
 * all a device needs.
 */
#include <platform/irq.h>

#include <platform/cpu.h>
#include <platform/x86_64/interrupts.h>
#include <platform/x86_64/trap.h>
#include <kernel/assert.h>
#include <kernel/halt_account.h>
#include <kernel/interrupt.h>
#include <kernel/ipi.h>
#include <kernel/kmem.h>
#include <kernel/lock.h>
#include <kernel/log.h>
#include <kernel/thread.h>
#include <errno.h>

#define MSI_ADDRESS        UINT64_C(0xfee00000)
#define MSI_ID_SHIFT       12
#define MSI_ID_MAX         0xff
#define DEVICE_VECTORS     (VECTOR_DEVICE_LAST - VECTOR_DEVICE_FIRST + 1)
#define NUMBER(cpu, index) ((cpu)*VECTORS + VECTOR_DEVICE_FIRST + (index))

struct vector_slot {
	irq_handler_fn *handler; /* NULL: free */
	void *arg;
};

static struct lock_class vectors_class = {.name = "interrupt vectors"};
static struct spin_lock vectors_lock = SPIN_LOCK_INIT(&vectors_class);
/* Made before the CPU starts, constant then. */
static struct vector_slot *slots[CPUS_MAX];
static uint64_t unexpected[VECTORS];

uint64_t interrupts_unexpected(unsigned vector)
{
	return vector < VECTORS ? __atomic_load_n(&unexpected[vector], __ATOMIC_RELAXED) : 0;
}

static void count_unexpected(unsigned vector)
{
	/* Once in words; a device that never stops must not fill the log. */
	if (__atomic_fetch_add(&unexpected[vector], 1, __ATOMIC_RELAXED) == 0)
		log_warn("irq: vector %u on cpu %u has no handler; further ones are only "
			 "counted",
			 vector, cpu_current());
}

static void device_interrupt(unsigned vector)
{
	struct vector_slot *slot = &slots[cpu_current()][vector - VECTOR_DEVICE_FIRST];
	irq_handler_fn *handler = __atomic_load_n(&slot->handler, __ATOMIC_ACQUIRE);

	if (handler)
		handler(slot->arg);
	else
		count_unexpected(vector);
	/* After the handler: a level-triggered line would come back at once. */
	apic_end_of_interrupt(&local_apic);
}

static void local_interrupt(unsigned vector)
{
	if (vector != VECTOR_SPURIOUS)
		apic_end_of_interrupt(&local_apic);
	switch (vector) {
	case VECTOR_TIMER:
		clock_timer_interrupt();
		break;
	case VECTOR_IPI:
		kernel_ipi_interrupt();
		break;
	case VECTOR_ERROR:
		log_warn("apic: error bits %#x on cpu %u", apic_errors(&local_apic),
			 cpu_current());
		break;
	default:
		count_unexpected(vector);
		break;
	}
}

void interrupt_dispatch(unsigned vector)
{
	halt_ended();
	if (vector == VECTOR_CALIBRATE) {
		/* Before there are threads. */
		apic_end_of_interrupt(&local_apic);
		clock_calibration_interrupt();
		return;
	}
	interrupt_enter();
	if (vector >= VECTOR_DEVICE_FIRST && vector <= VECTOR_DEVICE_LAST)
		device_interrupt(vector);
	else
		local_interrupt(vector);
	interrupt_exit();
}

bool irq_vectors_init(unsigned cpu)
{
	if (!slots[cpu])
		slots[cpu] = kmem_alloc(DEVICE_VECTORS * sizeof(struct vector_slot));
	return slots[cpu] != NULL;
}

/* First free slot, now taken; -1 when there is none. */
static int slot_take(struct vector_slot *table, irq_handler_fn *handler, void *arg)
{
	struct irq_state state = spin_lock_irqsave(&vectors_lock);
	int found = -1;

	for (unsigned i = 0; i < DEVICE_VECTORS && found < 0; i++) {
		if (table[i].handler)
			continue;
		table[i].arg = arg;
		__atomic_store_n(&table[i].handler, handler, __ATOMIC_RELEASE);
		found = (int)i;
	}
	spin_unlock_irqrestore(&vectors_lock, state);
	return found;
}

int irq_vector_alloc(unsigned cpu, irq_handler_fn *handler, void *arg,
		     struct irq_vector *vector)
{
	uint32_t id = smp_apic_id(cpu);
	int index;

	/* A message has room for eight bits. */
	if (id > MSI_ID_MAX)
		return -ENOSPC;
	index = slot_take(slots[cpu], handler, arg);
	if (index < 0)
		return -ENOSPC;
	*vector = (struct irq_vector){
		.number = NUMBER(cpu, (unsigned)index),
		.msi_address = MSI_ADDRESS | (uint64_t)id << MSI_ID_SHIFT,
		.msi_data = VECTOR_DEVICE_FIRST + (uint32_t)index,
	};
	return 0;
}

static void wait_for_handlers(void *arg UNUSED)
{
}

void irq_vector_free(const struct irq_vector *vector)
{
	unsigned cpu = vector->number / VECTORS;
	struct vector_slot *slot = &slots[cpu][vector->number % VECTORS - VECTOR_DEVICE_FIRST];

	ASSERT(!in_interrupt());
	preempt_disable();
	__atomic_store_n(&slot->handler, NULL, __ATOMIC_RELEASE);
	/* Handlers run with interrupts off: a call that got through came after them. */
	if (cpu != cpu_current())
		ipi_call(cpu, wait_for_handlers, NULL, true);
	preempt_enable();
}

void irq_send_ipi(unsigned cpu)
{
	struct irq_state state = irq_save();

	apic_send_vector(&local_apic, smp_apic_id(cpu), VECTOR_IPI);
	irq_restore(state);
}

void irq_send_nmi_others(void)
{
	struct irq_state state = irq_save();

	for (unsigned cpu = 0; cpu < cpu_count(); cpu++)
		if (cpu != cpu_current())
			apic_send_nmi(&local_apic, smp_apic_id(cpu));
	irq_restore(state);
}
