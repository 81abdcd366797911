// SPDX-License-Identifier: MIT
/*
 * Which CPUs there are, and starting them, one after the other: each gets a prefix area and
 * stacks, is reset, and restarts in smp_start.S with a state to change from WAITING to ARRIVED.
 * One that does not within its time is ABANDONED and stopped; it will never run, however late
 * it comes. GO releases those that came. Orders: sigp.h.
 */
#include <platform/s390x/smp.h>

#include <platform/clock.h>
#include <platform/cpu.h>
#include <platform/s390x/address_space.h>
#include <platform/s390x/interrupts.h>
#include <platform/s390x/lowcore.h>
#include <platform/s390x/private.h>
#include <platform/s390x/sigp.h>
#include <platform/s390x/trap.h>
#include <kernel/assert.h>
#include <kernel/bits.h>
#include <kernel/command_line.h>
#include <kernel/kmem.h>
#include <kernel/log.h>
#include <stdatomic.h>

/* CPU addresses are 16 bits; machines number from 0 with small gaps. */
#define ADDRESSES_TRIED  1024
/* For an order and for the way to C; a virtual CPU may not get a processor for longer. */
#define PATIENCE_NS      (10 * NSEC_PER_SEC)
/* In what SENSE stores. */
#define SENSE_STOPPED    0x40u
/* Of a machine check or of a program interruption without a good stack. */
#define SPARE_STACK_SIZE KIB(8)

enum smp_state { SMP_ABSENT, SMP_WAITING, SMP_ARRIVED, SMP_ABANDONED, SMP_GO };

/* By place in `addresses`; 0 is the boot CPU's. */
static _Atomic unsigned states[CPUS_MAX];
static uint16_t addresses[CPUS_MAX];
static unsigned possible = 1;

/* By number. */
static uint16_t running_addresses[CPUS_MAX];
static _Atomic unsigned running = 1;
static void (*secondary_entry)(void);

/* For smp_start.S: control registers 0 and 1 as translation needs them. */
uint64_t smp_control[2];

unsigned cpu_count(void)
{
	return atomic_load_explicit(&running, memory_order_acquire);
}

unsigned cpu_possible(void)
{
	return possible;
}

uint16_t smp_cpu_address(unsigned cpu)
{
	ASSERT(cpu < cpu_count());
	return running_addresses[cpu];
}

uint32_t cpu_firmware_id(unsigned cpu)
{
	return smp_cpu_address(cpu);
}

void smp_enumerate(void)
{
	uint64_t wanted = command_line_number("cpus", CPUS_MAX);
	unsigned limit = (unsigned)MIN(MAX(wanted, 1u), (uint64_t)CPUS_MAX);
	unsigned left_out = 0;
	uint16_t own;

	__asm__("stap %0" : "=Q"(own));
	lowcore()->cpu_address = own;
	addresses[0] = running_addresses[0] = own;
	for (unsigned address = 0; address < ADDRESSES_TRIED; address++) {
		if (address == own ||
		    sigp(SIGP_SENSE, (uint16_t)address, 0, NULL) == SIGP_NOT_OPERATIONAL)
			continue;
		if (possible < limit)
			addresses[possible++] = (uint16_t)address;
		else
			left_out++;
	}
	if (left_out && wanted >= CPUS_MAX)
		log_warn("smp: %u CPUs more than the %u this kernel runs on; they stay off",
			 left_out, limit);
	else if (left_out)
		log_info("smp: %u CPUs are left out by cpus=%u", left_out, limit);
}

/* Until it is accepted, or status is stored, or time is up. */
static enum sigp_condition order(enum sigp_order code, uint16_t address, uint64_t parameter)
{
	uint64_t end = clock_ns() + PATIENCE_NS;
	enum sigp_condition condition;

	do {
		condition = sigp(code, address, parameter, NULL);
		if (condition != SIGP_BUSY)
			break;
		cpu_relax();
	} while (clock_ns() < end);
	return condition;
}

struct stacks {
	char *thread;
	char *emergency;
	char *check;
};

static void stacks_free(const struct stacks *stacks)
{
	if (stacks->thread)
		kmem_stack_free(stacks->thread, KERNEL_STACK_SIZE);
	if (stacks->emergency)
		kmem_stack_free(stacks->emergency, SPARE_STACK_SIZE);
	if (stacks->check)
		kmem_stack_free(stacks->check, SPARE_STACK_SIZE);
}

static bool stacks_alloc(struct stacks *stacks)
{
	*stacks = (struct stacks){kmem_stack_alloc(KERNEL_STACK_SIZE),
				  kmem_stack_alloc(SPARE_STACK_SIZE),
				  kmem_stack_alloc(SPARE_STACK_SIZE)};
	if (stacks->thread && stacks->emergency && stacks->check)
		return true;
	stacks_free(stacks);
	return false;
}

/* The prefix area of the CPU at `place`, which will be number `cpu` if it comes. */
static bool area_prepare(unsigned place, unsigned cpu, const struct stacks *stacks)
{
	struct lowcore *area = private_area_open(place - 1);

	if (!area)
		return false;
	memset(area, 0, sizeof(*area));
	trap_lowcore_init(area, true);
	area->restart_new = (struct psw){PSW_64BIT, (uint64_t)smp_start};
	area->stack = (uintptr_t)stacks->thread;
	area->stack_end = area->stack + KERNEL_STACK_SIZE;
	area->emergency_stack = (uintptr_t)stacks->emergency;
	area->emergency_stack_end = area->emergency_stack + SPARE_STACK_SIZE;
	area->check_stack = (uintptr_t)stacks->check;
	area->check_stack_end = area->check_stack + SPARE_STACK_SIZE;
	area->cpu = cpu;
	area->cpu_address = addresses[place];
	area->timer_deadline = CLOCK_NEVER;
	area->asce = address_space_asce();
	area->prefix = private_area_phys(place - 1).addr;
	private_area_close(area);
	return true;
}

static bool is_stopped(uint16_t address)
{
	uint32_t status = 0;

	return sigp(SIGP_SENSE, address, 0, &status) == SIGP_STATUS_STORED &&
	       (status & SENSE_STOPPED);
}

/*
 * An order to stop is accepted long before it is carried out. The last CPU to stop ends the
 * machine as well as the last one to wait, but without a verdict, so all are waited for. By
 * cycles, because there is no other time yet when memory is too short to start.
 */
void smp_stop_others(void)
{
	uint64_t end = clock_cycles() + PATIENCE_NS / NSEC_PER_USEC * CLOCK_CYCLES_PER_USEC;

	for (unsigned place = 0; place < possible; place++) {
		uint16_t address = addresses[place];

		if (address == lowcore()->cpu_address)
			continue;
		while (sigp(SIGP_STOP, address, 0, NULL) == SIGP_BUSY && clock_cycles() < end)
			cpu_relax();
		while (!is_stopped(address) && clock_cycles() < end)
			cpu_relax();
	}
}

static bool wait_for(unsigned place)
{
	uint64_t end = clock_ns() + PATIENCE_NS;
	unsigned expected = SMP_WAITING;

	while (atomic_load(&states[place]) == SMP_WAITING && clock_ns() < end)
		cpu_relax();
	return !atomic_compare_exchange_strong(&states[place], &expected, SMP_ABANDONED);
}

/* True when the CPU at `place` has come and waits to go. */
static bool start_one(unsigned place, unsigned cpu)
{
	uint16_t address = addresses[place];
	struct stacks stacks;

	if (!stacks_alloc(&stacks) || !area_prepare(place, cpu, &stacks)) {
		log_warn("smp: no memory to start the CPU with address %u; it stays off",
			 address);
		return false;
	}
	atomic_store(&states[place], SMP_WAITING);
	if (order(SIGP_INITIAL_CPU_RESET, address, 0) != SIGP_ACCEPTED ||
	    order(SIGP_SET_PREFIX, address, private_area_phys(place - 1).addr) !=
		    SIGP_ACCEPTED ||
	    order(SIGP_RESTART, address, 0) != SIGP_ACCEPTED) {
		atomic_store(&states[place], SMP_ABANDONED);
		log_warn("smp: the CPU with address %u refuses to start; it is left out",
			 address);
		stacks_free(&stacks);
		return false;
	}
	if (wait_for(place))
		return true;
	/* It keeps its stacks: it may still come, and then stops itself. */
	log_warn("smp: the CPU with address %u does not answer; it is left out", address);
	sigp(SIGP_STOP, address, 0, NULL);
	return false;
}

unsigned cpu_start_all(void (*entry)(void))
{
	unsigned count = 1;

	secondary_entry = entry;
	smp_control[0] = address_space_control(0);
	smp_control[1] = address_space_asce();
	for (unsigned place = 1; place < possible; place++)
		if (start_one(place, count))
			running_addresses[count++] = addresses[place];
	atomic_store_explicit(&running, count, memory_order_release);
	for (unsigned place = 1; place < possible; place++)
		if (atomic_load(&states[place]) == SMP_ARRIVED)
			atomic_store(&states[place], SMP_GO);
	return count;
}

void smp_secondary(void)
{
	unsigned expected = SMP_WAITING;
	unsigned place = 0;

	while (addresses[place] != lowcore()->cpu_address)
		place++;
	cpu_control_init();
	address_space_enter();
	/* The next restart is a request, no longer the start. */
	trap_lowcore_init(lowcore(), true);
	trap_protect_lowcore();
	clock_init_secondary();
	if (!atomic_compare_exchange_strong(&states[place], &expected, SMP_ARRIVED))
		cpu_halt_forever();
	while (atomic_load(&states[place]) != SMP_GO)
		cpu_relax();
	secondary_entry();
	panic("smp: cpu %u came back from its entry function", cpu_current());
}
