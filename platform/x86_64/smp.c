// SPDX-License-Identifier: MIT
/*
 * Which CPUs there are, and starting them. Every CPU has a record; all are sent INIT and
 * STARTUP together and check in by changing their record's state from WAITING to ARRIVED. One
 * that has not when patience ends is marked ABANDONED and will never run, however late it
 * comes. Only then are the numbers given, so that they are dense, and GO releases all.
 */
#include <platform/x86_64/smp.h>

#include <platform/clock.h>
#include <platform/cpu.h>
#include <platform/irq.h>
#include <platform/memory.h>
#include <platform/mmu.h>
#include <platform/x86_64/address_space.h>
#include <platform/x86_64/descriptors.h>
#include <platform/x86_64/features.h>
#include <platform/x86_64/interrupts.h>
#include <platform/x86_64/private.h>
#include <platform/x86_64/smp_trampoline.h>
#include <platform/x86_64/trap.h>
#include <platform/x86_64/x86.h>
#include <kernel/acpi.h>
#include <kernel/command_line.h>
#include <kernel/kmem.h>
#include <kernel/log.h>
#include <stdatomic.h>

/* A second; virtual CPUs may not get a processor for longer. */
#define PATIENCE_NS            NSEC_PER_SEC
#define PATIENCE_HYPERVISOR_NS (10 * NSEC_PER_SEC)
#define INIT_DELAY_NS          (10 * NSEC_PER_MSEC)
#define STARTUP_DELAY_NS       (200 * NSEC_PER_USEC)

enum smp_state { SMP_ABSENT, SMP_WAITING, SMP_ARRIVED, SMP_ABANDONED, SMP_GO };

/* Record 0 is the boot CPU's. Read by smp_start.S. */
struct smp_record smp_records[CPUS_MAX];
uint32_t smp_record_count;

static _Atomic unsigned running = 1;
static uint32_t apic_ids[CPUS_MAX];
static void (*secondary_entry)(void);
static uint64_t go_cycles;

unsigned cpu_count(void)
{
	return atomic_load_explicit(&running, memory_order_acquire);
}

unsigned cpu_possible(void)
{
	return smp_record_count;
}

uint32_t smp_apic_id(unsigned cpu)
{
	ASSERT(cpu < cpu_count());
	return apic_ids[cpu];
}

uint32_t cpu_firmware_id(unsigned cpu)
{
	return smp_apic_id(cpu);
}

static void record_add(const struct acpi_cpu *cpu)
{
	for (uint32_t i = 0; i < smp_record_count; i++)
		if (smp_records[i].apic_id == cpu->apic_id) {
			smp_records[i].uid = cpu->uid;
			return;
		}
	smp_records[smp_record_count++] =
		(struct smp_record){.apic_id = cpu->apic_id, .uid = cpu->uid};
}

void smp_enumerate(void)
{
	uint64_t wanted = command_line_number("cpus", CPUS_MAX);
	unsigned limit = (unsigned)MIN(MAX(wanted, 1u), private_pool_cpus());
	struct acpi_cpu cpu = {.apic_id = apic_id(&local_apic)};
	unsigned left_out = 0;
	size_t cursor = 0;

	private_area()->apic_id = cpu.apic_id;
	apic_ids[0] = cpu.apic_id;
	record_add(&cpu);
	while (acpi_cpu_next(&cursor, &cpu)) {
		if (!cpu.enabled)
			continue;
		if (smp_record_count < limit || cpu.apic_id == apic_ids[0])
			record_add(&cpu);
		else
			left_out++;
	}
	if (left_out)
		log_info("smp: %u CPUs are left out by the limit of %u", left_out, limit);
}

/* number: one that it will not exceed. */
static bool record_prepare(unsigned index, unsigned number)
{
	struct smp_record *record = &smp_records[index];
	char *stack = kmem_stack_alloc(KERNEL_STACK_SIZE);

	if (!stack || !irq_vectors_init(number)) {
		log_warn("smp: no memory to start the CPU with APIC id %u; it stays off",
			 record->apic_id);
		if (stack)
			kmem_stack_free(stack, KERNEL_STACK_SIZE);
		return false;
	}
	/* In the shared half; it becomes the CPU's idle thread's. */
	record->root =
		private_build_other(index, record->apic_id, stack, KERNEL_STACK_SIZE).addr;
	record->stack_top = (uint64_t)(stack + KERNEL_STACK_SIZE);
	atomic_store(&record->state, SMP_WAITING);
	return true;
}

static bool all_arrived(void)
{
	for (uint32_t i = 1; i < smp_record_count; i++)
		if (atomic_load(&smp_records[i].state) == SMP_WAITING)
			return false;
	return true;
}

static bool wait_for_all(uint64_t ns)
{
	uint64_t end = clock_ns() + ns;

	while (!all_arrived()) {
		if (clock_ns() >= end)
			return false;
		cpu_relax();
	}
	return true;
}

static void send_to_waiting(void (*send)(uint32_t id))
{
	struct irq_state state = irq_save();

	for (uint32_t i = 1; i < smp_record_count; i++)
		if (atomic_load(&smp_records[i].state) == SMP_WAITING)
			send(smp_records[i].apic_id);
	irq_restore(state);
}

static void send_init(uint32_t id)
{
	apic_send_init(&local_apic, id);
}

static void send_startup(uint32_t id)
{
	apic_send_startup(&local_apic, id, smp_trampoline_page());
}

/* SDM volume 3, 8.4.4.1. The second STARTUP is for those that missed the first. */
static void wake_all(void)
{
	send_to_waiting(send_init);
	if (!cpu_features.hypervisor)
		clock_delay_ns(INIT_DELAY_NS);
	send_to_waiting(send_startup);
	if (wait_for_all(STARTUP_DELAY_NS))
		return;
	send_to_waiting(send_startup);
	wait_for_all(cpu_features.hypervisor ? PATIENCE_HYPERVISOR_NS : PATIENCE_NS);
}

/* Number those that came; the others can never come any more. */
static unsigned release_all(bool *someone_is_late)
{
	unsigned count = 1;

	*someone_is_late = false;
	for (uint32_t i = 1; i < smp_record_count; i++) {
		uint32_t expected = SMP_WAITING;

		if (atomic_load(&smp_records[i].state) == SMP_ABSENT)
			continue;
		if (atomic_compare_exchange_strong(&smp_records[i].state, &expected,
						   SMP_ABANDONED)) {
			log_warn("smp: the CPU with APIC id %u does not answer; it is left out",
				 smp_records[i].apic_id);
			*someone_is_late = true;
			continue;
		}
		smp_records[i].number = count;
		apic_ids[count++] = smp_records[i].apic_id;
	}
	atomic_store_explicit(&running, count, memory_order_release);
	go_cycles = tsc_read();
	for (uint32_t i = 1; i < smp_record_count; i++)
		if (atomic_load(&smp_records[i].state) == SMP_ARRIVED)
			atomic_store(&smp_records[i].state, SMP_GO);
	return count;
}

unsigned cpu_start_all(void (*entry)(void))
{
	unsigned prepared = 0;
	bool someone_is_late = false;

	if (smp_record_count <= 1)
		return 1;
	if (!smp_trampoline_open()) {
		log_warn("smp: no memory below 1 MiB for the start code; running on one CPU");
		return 1;
	}
	secondary_entry = entry;
	for (unsigned i = 1; i < smp_record_count; i++)
		prepared += record_prepare(i, prepared + 1);
	if (prepared) {
		wake_all();
		prepared = release_all(&someone_is_late);
	}
	/* One that comes later must still find its way to the end of smp_secondary(). */
	if (!someone_is_late)
		smp_trampoline_close();
	return MAX(prepared, 1u);
}

void smp_secondary(struct smp_record *record)
{
	uint32_t expected = SMP_WAITING;

	cpu_features_enable();
	descriptors_init();
	trap_load();
	local_apic_enable(record->uid);
	clock_init_secondary();
	if (!atomic_compare_exchange_strong(&record->state, &expected, SMP_ARRIVED))
		cpu_halt_forever();
	while (atomic_load(&record->state) != SMP_GO)
		cpu_relax();
	private_area()->cpu = record->number;
	if (tsc_read() < go_cycles)
		log_warn("smp: the time stamp of cpu %u runs %lu cycles behind; times may go "
			 "back between CPUs",
			 record->number, go_cycles - tsc_read());
	secondary_entry();
	panic("smp: cpu %u came back from its entry function", record->number);
}
