// SPDX-License-Identifier: MIT
/*
 * Vectors as devices use them, on every CPU, and a real line through the I/O APIC. A message is
 * sent by the local APIC: to the receiver it is the same as one from a device.
 */
#include <platform/clock.h>
#include <platform/cpu.h>
#include <platform/irq.h>
#include <platform/x86_64/interrupts.h>
#include <platform/x86_64/port_io.h>
#include <kernel/attributes.h>
#include <kernel/hook.h>
#include <kernel/ipi.h>
#include <kernel/thread.h>
#include <tests/test.h>
#include <tests/wait.h>
#include <errno.h>

#define WAIT_NS       WAIT_LIMIT_NS
#define PIT_CHANNEL_0 0x40
#define PIT_COMMAND   0x43
#define PIT_ONE_SHOT  0x30 /* channel 0, both bytes, interrupt on terminal count */
#define PIT_COUNT     1193 /* a millisecond */

struct receipt {
	_Atomic unsigned count;
	_Atomic unsigned cpu;
	_Atomic bool interrupts_were_on;
};

static void receive(void *arg)
{
	struct receipt *receipt = arg;

	receipt->cpu = cpu_current();
	receipt->interrupts_were_on = irq_enabled();
	receipt->count++;
}

static bool wait_for(_Atomic unsigned *count, unsigned wanted)
{
	uint64_t end = clock_ns() + WAIT_NS;

	while (*count < wanted && clock_ns() < end)
		cpu_relax();
	return *count == wanted;
}

static void message_send(unsigned cpu, const struct irq_vector *vector)
{
	struct irq_state state = irq_save();

	apic_send_vector(&local_apic, smp_apic_id(cpu), vector->msi_data);
	irq_restore(state);
}

TEST(x86_interrupt, a_vector_reaches_its_handler_on_its_cpu)
{
	static struct receipt receipt;

	for (unsigned cpu = 0; cpu < cpu_count(); cpu++) {
		struct irq_vector vector;

		receipt.count = 0;
		REQUIRE(irq_vector_alloc(cpu, receive, &receipt, &vector) == 0);
		CHECK_EQ(vector.msi_address, 0xfee00000 | (uint64_t)smp_apic_id(cpu) << 12);
		message_send(cpu, &vector);
		CHECK(wait_for(&receipt.count, 1));
		CHECK_EQ(receipt.cpu, cpu);
		CHECK(!receipt.interrupts_were_on);
		irq_vector_free(&vector);
	}
}

TEST(x86_interrupt, a_closed_mask_holds_a_vector_back)
{
	static struct receipt receipt;
	struct irq_vector vector;
	struct irq_state state = irq_save();

	receipt.count = 0;
	int error = irq_vector_alloc(cpu_current(), receive, &receipt, &vector);

	if (!error) {
		message_send(cpu_current(), &vector);
		clock_delay_ns(100 * NSEC_PER_USEC);
		CHECK_EQ(receipt.count, 0);
	}
	irq_restore(state);
	REQUIRE(error == 0);
	CHECK(wait_for(&receipt.count, 1));
	irq_vector_free(&vector);
}

TEST(x86_interrupt, a_freed_vector_is_counted_and_calls_nobody)
{
	static struct receipt receipt;
	struct irq_vector vector;
	uint64_t before;
	uint64_t end = clock_ns() + WAIT_NS;

	receipt.count = 0;
	REQUIRE(irq_vector_alloc(0, receive, &receipt, &vector) == 0);
	irq_vector_free(&vector);
	before = interrupts_unexpected(vector.msi_data);
	message_send(0, &vector);
	while (interrupts_unexpected(vector.msi_data) == before && clock_ns() < end)
		cpu_relax();
	CHECK_EQ(interrupts_unexpected(vector.msi_data), before + 1);
	CHECK_EQ(receipt.count, 0);
}

#ifdef QUIRE_TEST_HOOKS
static struct irq_vector taken_meanwhile;
static int taken_error;

static void take_one(struct hook *hook)
{
	taken_error = irq_vector_alloc(0, receive, hook->arg, &taken_meanwhile);
}

/* Else a CPU that has read the old handler calls it with the new owner's argument. */
TEST(x86_interrupt, a_vector_that_is_given_back_is_nobodys_before_its_handler_has_ended)
{
	static struct receipt receipts[2];
	struct hook hook = {.name = "irq_vector_free",
			    .function = take_one,
			    .arg = &receipts[1],
			    .only = thread_current()};
	struct irq_vector vector;

	REQUIRE(irq_vector_alloc(0, receive, &receipts[0], &vector) == 0);
	hook_attach(&hook);
	irq_vector_free(&vector);
	hook_detach(&hook);
	REQUIRE(taken_error == 0);
	CHECK(taken_meanwhile.number != vector.number);
	irq_vector_free(&taken_meanwhile);
}
#endif

TEST(x86_interrupt, vectors_of_a_cpu_end_and_come_back)
{
	static struct irq_vector vectors[256];
	unsigned got = 0;

	while (got < 256 && irq_vector_alloc(0, receive, NULL, &vectors[got]) == 0)
		got++;
	CHECK(got > 100 && got <= VECTOR_DEVICE_LAST - VECTOR_DEVICE_FIRST + 1);
	for (unsigned i = 0; i + 1 < got; i++)
		REQUIRE(vectors[i].msi_data != vectors[i + 1].msi_data);
	CHECK_EQ(irq_vector_alloc(0, receive, NULL, &vectors[0]), -ENOSPC);
	for (unsigned i = 1; i < got; i++)
		irq_vector_free(&vectors[i]);
	/* Of the first one the failed attempt left everything as it was. */
	irq_vector_free(&vectors[0]);
	REQUIRE(irq_vector_alloc(0, receive, NULL, &vectors[0]) == 0);
	irq_vector_free(&vectors[0]);
}

/* The messages of MSI: 32 vectors in one piece, at a multiple of 32, given back one by one. */
TEST(x86_interrupt, run_of_vectors_is_aligned_and_each_has_its_argument)
{
	static struct receipt receipts[32];
	struct irq_vector first, message;

	for (unsigned i = 0; i < 32; i++)
		receipts[i].count = 0;
	REQUIRE(irq_vectors_alloc(0, 32, receive, receipts, sizeof(receipts[0]), &first) == 0);
	CHECK_EQ(first.msi_data % 32, 0);
	message = first;
	message.msi_data += 31;
	message_send(0, &message);
	CHECK(wait_for(&receipts[31].count, 1));
	CHECK_EQ(receipts[0].count, 0);
	for (unsigned i = 0; i < 32; i++, first.number++)
		irq_vector_free(&first);
	REQUIRE(irq_vectors_alloc(0, 32, receive, receipts, sizeof(receipts[0]), &message) ==
		0);
	CHECK_EQ(message.number + 32, first.number);
	for (unsigned i = 0; i < 32; i++, message.number++)
		irq_vector_free(&message);
}

TEST(x86_interrupt, a_line_of_the_platform_goes_through_the_io_apic)
{
	static struct receipt receipt;
	struct irq_vector vector;
	unsigned cpu = cpu_count() - 1;

	receipt.count = 0;
	REQUIRE(irq_vector_alloc(cpu, receive, &receipt, &vector) == 0);
	/* The PIT is ISA interrupt 0; where no table says that its line is another one, that
	 * may still be line 2, which no device has. */
	REQUIRE(irq_line_route(0, false, false, &vector) == 0);
	REQUIRE(irq_line_route(2, false, false, &vector) == 0);
	port_write8(PIT_COMMAND, PIT_ONE_SHOT);
	port_write8(PIT_CHANNEL_0, PIT_COUNT & 0xff);
	port_write8(PIT_CHANNEL_0, PIT_COUNT >> 8);
	CHECK(wait_for(&receipt.count, 1));
	CHECK_EQ(receipt.cpu, cpu);
	irq_vector_free(&vector);
}

TEST(x86_interrupt, a_line_that_no_controller_has_is_refused)
{
	struct irq_vector vector = {.msi_address = 0xfee00000, .msi_data = 0x30};

	CHECK_EQ(irq_line_route(100000, false, false, &vector), -ENODEV);
}
