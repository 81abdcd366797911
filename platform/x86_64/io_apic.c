// SPDX-License-Identifier: MIT
/*
 * I/O APICs: lines of the platform (ISA devices, virtio-mmio) to vectors. The 8259s are told to
 * be silent. Source: Intel 82093AA data sheet; MADT overrides: ACPI 6.5, 5.2.12.5.
 */
#include <platform/irq.h>

#include <platform/barrier.h>
#include <platform/mmu.h>
#include <platform/x86_64/interrupts.h>
#include <platform/x86_64/port_io.h>
#include <kernel/acpi.h>
#include <kernel/bits.h>
#include <kernel/lock.h>
#include <kernel/log.h>
#include <errno.h>

#define IO_APICS_MAX    8
#define IO_APIC_DEFAULT UINT64_C(0xfec00000)
#define IO_APIC_SIZE    0x20
#define ISA_LINES       16u

#define SELECT         0x00
#define WINDOW         0x10
#define REG_VERSION    1u
#define REG_REDIRECT   0x10u
#define ENTRY_LOW_PIN  BIT(13) /* active low */
#define ENTRY_LEVEL    BIT(15)
#define ENTRY_MASKED   BIT(16)
#define ENTRY_ID_SHIFT 24

#define PIC_MASTER    0x20
#define PIC_SLAVE     0xa0
#define PIC_INIT      0x11
#define PIC_CASCADE   0x04
#define PIC_SLAVE_ID  0x02
#define PIC_8086_MODE 0x01
#define PIC_MASK_ALL  0xff

struct io_apic {
	volatile uint8_t *registers;
	uint32_t line_base;
	uint32_t lines;
};

static struct lock_class io_apic_class = {.name = "I/O APIC"};
static struct spin_lock io_apic_lock = SPIN_LOCK_INIT(&io_apic_class);
static struct io_apic io_apics[IO_APICS_MAX]; /* constant after init */
static unsigned io_apic_count;

static uint32_t reg_read(const struct io_apic *io_apic, unsigned reg)
{
	mmio_write32(io_apic->registers + SELECT, reg);
	return mmio_read32(io_apic->registers + WINDOW);
}

static void reg_write(const struct io_apic *io_apic, unsigned reg, uint32_t value)
{
	mmio_write32(io_apic->registers + SELECT, reg);
	mmio_write32(io_apic->registers + WINDOW, value);
}

/* Masked, and on vectors where a stray interrupt cannot be taken for an exception. */
void pics_silence(void)
{
	static const uint16_t ports[] = {PIC_MASTER, PIC_SLAVE};

	for (unsigned i = 0; i < 2; i++) {
		port_write8(ports[i], PIC_INIT);
		port_write8((uint16_t)(ports[i] + 1), (uint8_t)(VECTOR_PIC_FIRST + 8 * i));
		port_write8((uint16_t)(ports[i] + 1), i ? PIC_SLAVE_ID : PIC_CASCADE);
		port_write8((uint16_t)(ports[i] + 1), PIC_8086_MODE);
		port_write8((uint16_t)(ports[i] + 1), PIC_MASK_ALL);
	}
}

static void io_apic_add(struct phys address, uint32_t line_base)
{
	struct io_apic *io_apic = &io_apics[io_apic_count];
	uint32_t version;

	if (io_apic_count == IO_APICS_MAX) {
		log_warn("irq: more than %u I/O APICs; lines from %u on are not usable",
			 IO_APICS_MAX, line_base);
		return;
	}
	io_apic->registers = mmio_map(address, IO_APIC_SIZE);
	if (!io_apic->registers)
		return;
	version = reg_read(io_apic, REG_VERSION);
	io_apic->line_base = line_base;
	io_apic->lines = (version >> 16 & 0xff) + 1;
	if (version == 0 || version == UINT32_MAX || io_apic->lines > 240) {
		log_debug("irq: no I/O APIC answers at %#lx", address.addr);
		return;
	}
	for (uint32_t line = 0; line < io_apic->lines; line++)
		reg_write(io_apic, REG_REDIRECT + 2 * line, ENTRY_MASKED);
	io_apic_count++;
}

void io_apics_init(void)
{
	struct acpi_io_apic found;
	size_t cursor = 0;

	while (acpi_io_apic_next(&cursor, &found))
		io_apic_add(found.address, found.line_base);
	if (cursor == 0)
		io_apic_add(phys(IO_APIC_DEFAULT), 0);
}

static const struct io_apic *io_apic_find(uint32_t line)
{
	for (unsigned i = 0; i < io_apic_count; i++)
		if (line - io_apics[i].line_base < io_apics[i].lines)
			return &io_apics[i];
	return NULL;
}

static void override_apply(unsigned *line, bool *level, bool *active_low)
{
	struct acpi_override override;
	size_t cursor = 0;

	while (*line < ISA_LINES && acpi_override_next(&cursor, &override)) {
		if (override.isa != *line)
			continue;
		*line = override.line;
		*level = override.level;
		*active_low = override.active_low;
		return;
	}
}

int irq_line_route(unsigned line, bool level, bool active_low, const struct irq_vector *vector)
{
	uint32_t id = (uint32_t)(vector->msi_address >> 12 & 0xff);
	const struct io_apic *io_apic;
	struct irq_state state;
	unsigned reg;

	override_apply(&line, &level, &active_low);
	io_apic = io_apic_find(line);
	if (!io_apic)
		return -ENODEV;
	reg = REG_REDIRECT + 2 * (line - io_apic->line_base);
	state = spin_lock_irqsave(&io_apic_lock);
	reg_write(io_apic, reg, ENTRY_MASKED);
	reg_write(io_apic, reg + 1, id << ENTRY_ID_SHIFT);
	reg_write(io_apic, reg,
		  vector->msi_data | (active_low ? ENTRY_LOW_PIN : 0) |
			  (level ? ENTRY_LEVEL : 0));
	spin_unlock_irqrestore(&io_apic_lock, state);
	return 0;
}
