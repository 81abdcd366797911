// SPDX-License-Identifier: MIT
/*
 * Ways out: QEMU's exit device for the judge, ACPI soft-off, and every known way to reset. And
 * the button that asks for it.
 */
#include <platform/exit.h>

#include <platform/barrier.h>
#include <platform/clock.h>
#include <platform/console.h>
#include <platform/cpu.h>
#include <platform/irq.h>
#include <platform/mmu.h>
#include <platform/x86_64/features.h>
#include <platform/x86_64/interrupts.h>
#include <platform/x86_64/port_io.h>
#include <platform/x86_64/power_button.h>
#include <platform/x86_64/x86.h>
#include <kernel/acpi.h>
#include <kernel/attributes.h>

/* isa-debug-exit: QEMU ends with status 2 * value + 1. */
#define EXIT_PORT    0xf4
#define EXIT_PASS    0x10
#define EXIT_FAIL    0x11
#define RESET_PORT   0xcf9
#define RESET_ARM    0x02
#define RESET_FIRE   0x06
#define KEYBOARD     0x64
#define PULSE_RESET  0xfe
#define SCI_ENABLED  BIT(0)
#define ENABLE_POLLS 100000u

/* Kernel addresses of the registers that lie in memory; mapping them in a panic would be late.
 */
static volatile uint8_t *off_a, *off_b, *reset_memory;

static volatile uint8_t *register_map(const struct acpi_register *reg)
{
	if (reg->space != ACPI_SPACE_MEMORY || reg->address == 0)
		return NULL;
	return mmio_map(phys(reg->address), 4);
}

void power_init(void)
{
	struct acpi_power_off plan;

	if (acpi_power_off_plan(&plan)) {
		off_a = register_map(&plan.a);
		off_b = register_map(&plan.b);
	}
	if (acpi_power()->has_reset)
		reset_memory = register_map(&acpi_power()->reset);
}

static void register_write(const struct acpi_register *reg, volatile uint8_t *memory,
			   uint16_t value)
{
	if (memory && reg->bits == 8)
		mmio_write8(memory, (uint8_t)value);
	else if (memory)
		mmio_write16(memory, value);
	else if (reg->space == ACPI_SPACE_IO && reg->address && reg->bits == 8)
		port_write8((uint16_t)reg->address, (uint8_t)value);
	else if (reg->space == ACPI_SPACE_IO && reg->address)
		port_write16((uint16_t)reg->address, value);
}

static void acpi_mode_enter(void)
{
	const struct acpi_power *power = acpi_power();
	uint16_t port = (uint16_t)power->pm1a_control.address;

	if (!power->smi_command || !power->acpi_enable ||
	    power->pm1a_control.space != ACPI_SPACE_IO || (port_read16(port) & SCI_ENABLED))
		return;
	port_write8((uint16_t)power->smi_command, power->acpi_enable);
	for (unsigned i = 0; i < ENABLE_POLLS && !(port_read16(port) & SCI_ENABLED); i++)
		cpu_relax();
}

static struct power_button button = {
	.read16 = port_read16,
	.write16 = port_write16,
	.write8 = port_write8,
};
static void (*button_pressed)(void);

static void event_interrupt(void *arg UNUSED)
{
	if (power_button_take(&button))
		button_pressed();
}

/*
 * Only in a virtual machine: in ACPI mode the firmware of a board leaves it to AML to watch
 * temperatures and fans, and we run none.
 */
bool platform_power_button(void (*pressed)(void))
{
	struct irq_vector vector;

	if (!cpu_features.hypervisor || !acpi_power()->has_power_button)
		return false;
	button_pressed = pressed;
	if (irq_vector_alloc(0, event_interrupt, NULL, &vector) != 0)
		return false;
	acpi_mode_enter();
	if (power_button_arm(&button, acpi_power()) &&
	    irq_line_route(acpi_power()->sci_line, true, true, &vector) == 0)
		return true;
	irq_vector_free(&vector);
	return false;
}

void platform_exit(bool success)
{
	irq_disable();
	if (cpu_features.hypervisor)
		port_write8(EXIT_PORT, success ? EXIT_PASS : EXIT_FAIL);
	else if (!success)
		/* On a board the text is all there is: leave it on the screen. */
		cpu_halt_forever();
	platform_power_off();
}

void platform_power_off(void)
{
	static const char message[] =
		"\nThe machine has no way to switch itself off that we know: switch it off.\n";
	struct acpi_power_off plan;

	irq_disable();
	if (acpi_power_off_plan(&plan)) {
		acpi_mode_enter();
		register_write(&plan.a, off_a, plan.value_a);
		register_write(&plan.b, off_b, plan.value_b);
		/* A hypervisor lets us run on for a moment. */
		clock_delay_ns(NSEC_PER_SEC);
	}
	console_write(message, sizeof(message) - 1);
	cpu_halt_forever();
}

void platform_reboot(void)
{
	const struct acpi_power *power = acpi_power();
	struct descriptor_pointer nothing = {0, 0};

	irq_disable();
	if (power->has_reset)
		register_write(&power->reset, reset_memory, power->reset_value);
	port_write8(RESET_PORT, RESET_ARM);
	port_write8(RESET_PORT, RESET_FIRE);
	port_write8(KEYBOARD, PULSE_RESET);
	/* An exception without handlers ends in a shutdown cycle, which resets. */
	__asm__ volatile("lidt %0; int3" : : "m"(nothing));
	cpu_halt_forever();
}
