// SPDX-License-Identifier: MIT
/*
 * platform/x86_64/apic.c against models of the two register interfaces. The models are strict:
 * an access that real hardware answers with a fault is counted as illegal.
 */
#include <platform/x86_64/apic.h>
#include <kernel/bits.h>
#include <tests/test.h>

#define MSR_BASE      0x1bu
#define MSR_X2_FIRST  0x800u
#define BASE_X2       BIT64(10)
#define BASE_ENABLE   BIT64(11)
#define REG_ID        0x02u
#define REG_SPURIOUS  0x0fu
#define REG_COMMAND   0x30u
#define COMMAND_BUSY  BIT(12)
#define LVT_MASKED    BIT(16)
#define DEADLINE_MODE (2u << 17)

/* One model for both interfaces; registers by number = offset / 16. */
static struct {
	uint64_t base;
	uint32_t registers[64];
	uint64_t command;
	unsigned commands, illegal, ends, busy_polls;
} model;

/* Read-only, or not there in x2APIC mode: the destination format and the high command half. */
static bool is_writable(unsigned reg, bool x2)
{
	if (reg == 0x0e || reg == 0x31)
		return !x2;
	return reg == 0x08 || reg == 0x0b || reg == 0x0f || reg == 0x28 || reg == 0x30 ||
	       (reg >= 0x32 && reg <= 0x38) || reg == 0x3e;
}

static void register_write(unsigned reg, uint64_t value, bool x2)
{
	bool zero_only = reg == 0x0b || reg == 0x28;

	if (!is_writable(reg, x2) || (x2 && zero_only && value != 0) ||
	    (reg != REG_COMMAND && value > UINT32_MAX)) {
		model.illegal++;
		return;
	}
	if (reg == 0x0b)
		model.ends++;
	model.registers[reg] = (uint32_t)value;
	if (reg == REG_COMMAND) {
		model.commands++;
		model.command = x2 ? value : value | (uint64_t)model.registers[0x31] << 32;
	}
}

static uint64_t model_msr_read(uint32_t number)
{
	if (number == MSR_BASE)
		return model.base;
	if (number < MSR_X2_FIRST || number >= MSR_X2_FIRST + 64 || !(model.base & BASE_X2) ||
	    number == MSR_X2_FIRST + 0x0b) {
		model.illegal++;
		return 0;
	}
	return model.registers[number - MSR_X2_FIRST];
}

static void model_msr_write(uint32_t number, uint64_t value)
{
	if (number == MSR_BASE) {
		/* x2APIC straight from off is an invalid transition. */
		if ((value & BASE_X2) && !(model.base & BASE_ENABLE))
			model.illegal++;
		model.base = value;
	} else if (number < MSR_X2_FIRST || number >= MSR_X2_FIRST + 64 ||
		   !(model.base & BASE_X2)) {
		model.illegal++;
	} else {
		register_write(number - MSR_X2_FIRST, value, true);
	}
}

static uint32_t model_memory_read(unsigned offset)
{
	uint32_t value = offset < 0x400 ? model.registers[offset / 16] : 0;

	if (offset >= 0x400 || offset % 16 || (model.base & BASE_X2) ||
	    !(model.base & BASE_ENABLE))
		model.illegal++;
	if (offset == 0x300 && model.busy_polls) {
		model.busy_polls--;
		value |= COMMAND_BUSY;
	}
	return value;
}

static void model_memory_write(unsigned offset, uint32_t value)
{
	if (offset >= 0x400 || offset % 16 || (model.base & BASE_X2) ||
	    !(model.base & BASE_ENABLE))
		model.illegal++;
	else if (offset == 0x300 && model.busy_polls)
		model.illegal++;
	else
		register_write(offset / 16, value, false);
}

static const struct apic xapic = {.memory_read = model_memory_read,
				  .memory_write = model_memory_write,
				  .msr_read = model_msr_read,
				  .msr_write = model_msr_write};
static const struct apic x2apic = {
	.x2 = true, .msr_read = model_msr_read, .msr_write = model_msr_write};

static void start(const struct apic *apic, uint64_t base)
{
	memset(&model, 0, sizeof(model));
	model.base = base;
	apic_enable(apic, 0xff, 0xfe);
}

static void check_enabled(bool x2)
{
	CHECK_EQ(model.illegal, 0);
	CHECK_EQ(model.base & (BASE_ENABLE | BASE_X2), BASE_ENABLE | (x2 ? BASE_X2 : 0));
	CHECK_EQ(model.registers[REG_SPURIOUS], 0x1ff);
	CHECK_EQ(model.registers[0x32], LVT_MASKED);
	CHECK_EQ(model.registers[0x35], LVT_MASKED);
	CHECK_EQ(model.registers[0x36], LVT_MASKED);
	CHECK_EQ(model.registers[0x37], 0xfe);
}

TEST(apic, both_modes_start_from_off_and_from_on)
{
	start(&xapic, 0xfee00000);
	check_enabled(false);
	start(&xapic, 0xfee00000 | BASE_ENABLE);
	check_enabled(false);
	start(&x2apic, 0xfee00000);
	check_enabled(true);
	start(&x2apic, 0xfee00000 | BASE_ENABLE);
	check_enabled(true);
	start(&x2apic, 0xfee00000 | BASE_ENABLE | BASE_X2);
	check_enabled(true);
}

TEST(apic, id_is_8_bits_on_top_or_all_32)
{
	start(&xapic, BASE_ENABLE);
	model.registers[REG_ID] = 0xab000000;
	CHECK_EQ(apic_id(&xapic), 0xab);
	start(&x2apic, BASE_ENABLE);
	model.registers[REG_ID] = 0x12345;
	CHECK_EQ(apic_id(&x2apic), 0x12345);
	CHECK_EQ(model.illegal, 0);
}

TEST(apic, x2apic_sends_a_command_in_one_write)
{
	start(&x2apic, BASE_ENABLE);
	apic_send_vector(&x2apic, 0x10203, 0xf1);
	CHECK_EQ(model.command, UINT64_C(0x10203) << 32 | 0x40f1);
	apic_send_nmi(&x2apic, 7);
	CHECK_EQ(model.command, UINT64_C(7) << 32 | 0x4400);
	apic_send_init(&x2apic, 7);
	CHECK_EQ(model.command, UINT64_C(7) << 32 | 0x4500);
	apic_send_startup(&x2apic, 7, 0x9a);
	CHECK_EQ(model.command, UINT64_C(7) << 32 | 0x469a);
	CHECK_EQ(model.commands, 4);
	CHECK_EQ(model.illegal, 0);
}

TEST(apic, xapic_waits_until_the_last_command_has_left)
{
	start(&xapic, BASE_ENABLE);
	model.busy_polls = 5;
	apic_send_vector(&xapic, 3, 0xf1);
	CHECK_EQ(model.busy_polls, 0);
	CHECK_EQ(model.command, UINT64_C(3) << 56 | 0x40f1);
	CHECK_EQ(model.commands, 1);
	CHECK_EQ(model.illegal, 0);
}

/* The model then counts the write as illegal; what matters is that we come back. */
TEST(apic, xapic_gives_up_waiting_for_a_dead_command)
{
	start(&xapic, BASE_ENABLE);
	model.busy_polls = UINT32_MAX;
	apic_send_vector(&xapic, 3, 0xf1);
	CHECK_EQ(model.illegal, 1);
}

TEST(apic, end_of_interrupt_errors_and_timer_are_legal_in_both_modes)
{
	const struct apic *const both[] = {&xapic, &x2apic};

	for (unsigned i = 0; i < 2; i++) {
		start(both[i], BASE_ENABLE);
		model.ends = 0;
		apic_end_of_interrupt(both[i]);
		CHECK_EQ(model.ends, 1);
		CHECK_EQ(apic_errors(both[i]), 0);
		apic_timer_setup(both[i], APIC_TIMER_DEADLINE, 0xf0);
		CHECK_EQ(model.registers[0x32], DEADLINE_MODE | 0xf0);
		apic_timer_setup(both[i], APIC_TIMER_ONE_SHOT, 0xf0);
		CHECK_EQ(model.registers[0x32], 0xf0);
		CHECK_EQ(model.registers[0x3e], 0xb);
		apic_timer_start(both[i], 12345);
		CHECK_EQ(model.registers[0x38], 12345);
		model.registers[0x39] = 99;
		CHECK_EQ(apic_timer_left(both[i]), 99);
		apic_set_nmi_input(both[i], 1, false, false);
		CHECK_EQ(model.registers[0x36], 0x400);
		apic_set_nmi_input(both[i], 0, true, true);
		CHECK_EQ(model.registers[0x35], 0xa400);
		CHECK_EQ(model.illegal, 0);
	}
}
