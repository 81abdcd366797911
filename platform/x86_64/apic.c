// SPDX-License-Identifier: MIT
/*
 * Local APIC over its register seam; nothing here touches hardware by itself.
 */
#include "apic.h"

#include <kernel/bits.h>

/* Offsets in the xAPIC page; the MSR is 0x800 + offset / 16. */
#define REG_ID            0x020u
#define REG_TASK_PRIORITY 0x080u
#define REG_EOI           0x0b0u
#define REG_SPURIOUS      0x0f0u
#define REG_ERROR_STATUS  0x280u
#define REG_COMMAND       0x300u
#define REG_COMMAND_HIGH  0x310u
#define REG_LVT_TIMER     0x320u
#define REG_LVT_LINT0     0x350u
#define REG_LVT_ERROR     0x370u
#define REG_TIMER_COUNT   0x380u
#define REG_TIMER_LEFT    0x390u
#define REG_TIMER_DIVIDE  0x3e0u

#define MSR_BASE  0x1bu
#define MSR_FIRST 0x800u

#define BASE_X2     BIT64(10)
#define BASE_ENABLE BIT64(11)

#define SPURIOUS_ENABLE      BIT(8)
#define LVT_MASKED           BIT(16)
#define LVT_LEVEL            BIT(15)
#define LVT_ACTIVE_LOW       BIT(13)
#define LVT_TIMER_MODE(mode) ((uint32_t)(mode) << 17)
#define DELIVERY_NMI         (4u << 8)
#define DELIVERY_INIT        (5u << 8)
#define DELIVERY_STARTUP     (6u << 8)
#define COMMAND_BUSY         BIT(12)
#define COMMAND_ASSERT       BIT(14)
#define TIMER_DIVIDE_BY_1    0xbu
#define COMMAND_POLLS_MAX    100000u

static uint32_t reg_read(const struct apic *apic, unsigned reg)
{
	if (apic->x2)
		return (uint32_t)apic->msr_read(MSR_FIRST + reg / 16);
	return apic->memory_read(reg);
}

static void reg_write(const struct apic *apic, unsigned reg, uint32_t value)
{
	if (apic->x2)
		apic->msr_write(MSR_FIRST + reg / 16, value);
	else
		apic->memory_write(reg, value);
}

/* The mode can only be raised step by step: off, xAPIC, x2APIC. */
static void mode_set(const struct apic *apic)
{
	uint64_t base = apic->msr_read(MSR_BASE);

	if (!(base & BASE_ENABLE)) {
		base |= BASE_ENABLE;
		apic->msr_write(MSR_BASE, base);
	}
	if (apic->x2 && !(base & BASE_X2))
		apic->msr_write(MSR_BASE, base | BASE_X2);
}

void apic_enable(const struct apic *apic, unsigned spurious_vector, unsigned error_vector)
{
	mode_set(apic);
	reg_write(apic, REG_TASK_PRIORITY, 0);
	reg_write(apic, REG_SPURIOUS, SPURIOUS_ENABLE | spurious_vector);
	reg_write(apic, REG_LVT_TIMER, LVT_MASKED);
	reg_write(apic, REG_LVT_LINT0, LVT_MASKED);
	reg_write(apic, REG_LVT_LINT0 + 16, LVT_MASKED);
	reg_write(apic, REG_LVT_ERROR, error_vector);
	apic_errors(apic);
	apic_end_of_interrupt(apic);
}

void apic_set_nmi_input(const struct apic *apic, unsigned pin, bool active_low, bool level)
{
	reg_write(apic, REG_LVT_LINT0 + 16 * (pin & 1),
		  DELIVERY_NMI | (active_low ? LVT_ACTIVE_LOW : 0) | (level ? LVT_LEVEL : 0));
}

uint32_t apic_id(const struct apic *apic)
{
	uint32_t id = reg_read(apic, REG_ID);

	return apic->x2 ? id : id >> 24;
}

void apic_end_of_interrupt(const struct apic *apic)
{
	reg_write(apic, REG_EOI, 0);
}

/* A write latches the errors for the read. */
uint32_t apic_errors(const struct apic *apic)
{
	reg_write(apic, REG_ERROR_STATUS, 0);
	return reg_read(apic, REG_ERROR_STATUS);
}

static void command_send(const struct apic *apic, uint32_t id, uint32_t command)
{
	if (apic->x2) {
		apic->msr_write(MSR_FIRST + REG_COMMAND / 16, (uint64_t)id << 32 | command);
		return;
	}
	for (unsigned i = 0; i < COMMAND_POLLS_MAX; i++)
		if (!(apic->memory_read(REG_COMMAND) & COMMAND_BUSY))
			break;
	apic->memory_write(REG_COMMAND_HIGH, id << 24);
	apic->memory_write(REG_COMMAND, command);
}

void apic_send_vector(const struct apic *apic, uint32_t id, unsigned vector)
{
	command_send(apic, id, COMMAND_ASSERT | vector);
}

void apic_send_nmi(const struct apic *apic, uint32_t id)
{
	command_send(apic, id, COMMAND_ASSERT | DELIVERY_NMI);
}

void apic_send_init(const struct apic *apic, uint32_t id)
{
	command_send(apic, id, COMMAND_ASSERT | DELIVERY_INIT);
}

void apic_send_startup(const struct apic *apic, uint32_t id, unsigned page)
{
	command_send(apic, id, COMMAND_ASSERT | DELIVERY_STARTUP | page);
}

void apic_timer_setup(const struct apic *apic, enum apic_timer_mode mode, unsigned vector)
{
	reg_write(apic, REG_TIMER_DIVIDE, TIMER_DIVIDE_BY_1);
	reg_write(apic, REG_LVT_TIMER, vector | LVT_TIMER_MODE(mode));
}

void apic_timer_start(const struct apic *apic, uint32_t count)
{
	reg_write(apic, REG_TIMER_COUNT, count);
}

uint32_t apic_timer_left(const struct apic *apic)
{
	return reg_read(apic, REG_TIMER_LEFT);
}
