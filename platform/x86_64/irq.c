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
#include <kernel/bits.h>
#include <kernel/halt_account.h>
#include <kernel/hook.h>
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

static bool run_is_free(const struct vector_slot *table, unsigned first, unsigned count)
{
	for (unsigned i = first; i < first + count; i++) {
		if (table[i].handler)
			return false;
	}
	return true;
}

/* First free run that starts at a multiple of its length, as vectors; -1 when there is none. */
static int find_run(const struct vector_slot *table, unsigned count)
{
	unsigned vector = (unsigned)align_up(VECTOR_DEVICE_FIRST, count);

	for (; vector + count <= VECTOR_DEVICE_LAST + 1; vector += count) {
		if (run_is_free(table, vector - VECTOR_DEVICE_FIRST, count))
			return (int)(vector - VECTOR_DEVICE_FIRST);
	}
	return -1;
}

int irq_vectors_alloc(unsigned cpu, unsigned count, irq_handler_fn *handler, void *arg,
		      size_t step, struct irq_vector *vector)
{
	uint32_t id = smp_apic_id(cpu);
	struct irq_state state;
	int first;

	/* A message has room for eight bits. */
	if (id > MSI_ID_MAX)
		return -ENOSPC;
	state = spin_lock_irqsave(&vectors_lock);
	first = find_run(slots[cpu], count);
	for (unsigned i = 0; first >= 0 && i < count; i++) {
		struct vector_slot *slot = &slots[cpu][(unsigned)first + i];

		slot->arg = (void *)((uintptr_t)arg + i * step);
		__atomic_store_n(&slot->handler, handler, __ATOMIC_RELEASE);
	}
	spin_unlock_irqrestore(&vectors_lock, state);
	if (first < 0)
		return -ENOSPC;
	*vector = (struct irq_vector){
		.number = NUMBER(cpu, (unsigned)first),
		.msi_address = MSI_ADDRESS | (uint64_t)id << MSI_ID_SHIFT,
		.msi_data = VECTOR_DEVICE_FIRST + (uint32_t)first,
	};
	return 0;
}

static void wait_for_handlers(void *arg UNUSED)
{
}

/* What a slot calls while it is given back: nobody's any more, and not free yet. */
static void given_back(void *arg UNUSED)
{
}

void irq_vector_free(const struct irq_vector *vector)
{
	unsigned cpu = vector->number / VECTORS;
	struct vector_slot *slot = &slots[cpu][vector->number % VECTORS - VECTOR_DEVICE_FIRST];

	ASSERT(!in_interrupt());
	preempt_disable();
	__atomic_store_n(&slot->handler, given_back, __ATOMIC_RELEASE);
	HOOK(irq_vector_free);
	/* Handlers run with interrupts off: a call that got through came after them. Free
	 * before, and one that is about to start would find the argument of the slot's next
	 * owner. */
	if (cpu != cpu_current())
		ipi_call(cpu, wait_for_handlers, NULL, true);
	__atomic_store_n(&slot->handler, NULL, __ATOMIC_RELEASE);
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
