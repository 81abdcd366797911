// SPDX-License-Identifier: MIT
/*
 * The instructions for PCI functions, and the machine's own list. The facility bits are asked
 * before any of these is executed: QEMU executes CLP although it says that there is none.
 */
#include <platform/pci_config.h>

#include <platform/barrier.h>
#include <platform/memory.h>
#include <platform/mmu.h>
#include <platform/s390x/features.h>
#include <platform/s390x/io_interrupt.h>
#include <platform/s390x/zpci.h>
#include <kernel/assert.h>
#include <kernel/log.h>

static unsigned clp(void *block)
{
	register uint64_t length __asm__("0") = 0;
	unsigned code;

	__asm__ volatile(".insn rrf,0xb9a00000,%2,%1,0,2\n\tipm %0\n\tsrl %0,28"
			 : "=&d"(code)
			 : "a"(block), "d"(length)
			 : "cc", "memory");
	return code;
}

static unsigned pcilg(uint64_t *data, uint64_t *request, uint64_t offset)
{
	register uint64_t words __asm__("2") = *request;
	register uint64_t at __asm__("3") = offset;
	uint64_t loaded = 0;
	unsigned code;

	__asm__ volatile(".insn rre,0xb9d20000,%1,%2\n\tipm %0\n\tsrl %0,28"
			 : "=&d"(code), "+&d"(loaded), "+&d"(words)
			 : "d"(at)
			 : "cc", "memory");
	*data = loaded;
	*request = words;
	return code;
}

static unsigned pcistg(uint64_t data, uint64_t *request, uint64_t offset)
{
	register uint64_t words __asm__("2") = *request;
	register uint64_t at __asm__("3") = offset;
	unsigned code;

	__asm__ volatile(".insn rre,0xb9d00000,%2,%1\n\tipm %0\n\tsrl %0,28"
			 : "=&d"(code), "+&d"(words)
			 : "d"(data), "d"(at)
			 : "cc", "memory");
	*request = words;
	return code;
}

/* objdump does not know this instruction and takes its last two bytes and the next two for one;
 * the no-operation brings it back into step, for tools/check_no_fpu.py. */
static unsigned mpcifc(uint64_t *request, const void *block)
{
	uint64_t words = *request;
	unsigned code;

	__asm__ volatile(".insn rxy,0xe300000000d0,%1,0(%2)\n\tnopr %%r0\n\tipm %0\n\tsrl %0,28"
			 : "=&d"(code), "+&d"(words)
			 : "a"(block)
			 : "cc", "memory");
	*request = words;
	return code;
}

static const struct zpci_operations instructions = {clp, pcilg, pcistg, mpcifc};

static struct zpci zpci = {
	.operations = &instructions,
	.subclass = IO_SUBCLASS_PCI,
	.nr_vectors = IRQ_VECTORS,
};

uint64_t zpci_message_address(void)
{
	return zpci.message_address;
}

unsigned zpci_message_limit(void)
{
	return zpci.message_limit;
}

uint64_t zpci_mmio_load(const volatile void *addr, unsigned width)
{
	return zpci_load(&zpci, addr, width);
}

void zpci_mmio_store(volatile void *addr, unsigned width, uint64_t value)
{
	zpci_store(&zpci, addr, width, value);
}

static bool next(uint32_t *segment, unsigned *bdf)
{
	return zpci_next(&zpci, segment, bdf);
}

static int read(uint32_t segment, unsigned bdf, unsigned offset, unsigned width,
		uint32_t *value)
{
	return zpci_config_read(&zpci, segment, bdf, offset, width, value);
}

static int write(uint32_t segment, unsigned bdf, unsigned offset, unsigned width,
		 uint32_t value)
{
	return zpci_config_write(&zpci, segment, bdf, offset, width, value);
}

static volatile void *map(uint32_t segment, unsigned bdf, unsigned bar, uint64_t offset,
			  uint64_t length)
{
	return zpci_map(&zpci, segment, bdf, bar, offset, length);
}

static const struct platform_pci_functions functions = {"zPCI instructions", next, read, write,
							map};

const struct platform_pci_functions *platform_pci_functions(void)
{
	if (!facility_present(FACILITY_ZPCI) || !facility_present(FACILITY_ADAPTER_EVENTS))
		return NULL;
	zpci.vectors = virt_to_phys(&irq_indicators.vectors).addr;
	zpci.summary = virt_to_phys(&irq_indicators.summary).addr;
	io_subclass_open(IO_SUBCLASS_PCI);
	zpci_find(&zpci);
	for (unsigned i = 0; i < zpci.count; i++)
		log_info("zpci: function %#x: UID %#x, handle %#x", zpci.functions[i].id,
			 zpci.functions[i].uid, zpci.functions[i].handle);
	return &functions;
}

/* Device registers lie in no address space; those of PCI functions come from map(). */
volatile void *mmio_map(struct phys start UNUSED, uint64_t size UNUSED)
{
	return NULL;
}

/* There are no such ports, and nothing but registers says anything about AtomicOps. */
bool platform_pci_ports_present(void)
{
	return false;
}

uint32_t platform_pci_ports_read(unsigned bus UNUSED, unsigned devfn UNUSED,
				 unsigned offset UNUSED, unsigned width UNUSED)
{
	panic("zpci: asked for ports");
}

void platform_pci_ports_write(unsigned bus UNUSED, unsigned devfn UNUSED,
			      unsigned offset UNUSED, unsigned width UNUSED,
			      uint32_t value UNUSED)
{
	panic("zpci: asked for ports");
}

enum platform_atomic_statement
platform_confirms_atomic_ops(unsigned segment UNUSED, unsigned bdf UNUSED, unsigned mask UNUSED)
{
	return ATOMIC_NO_STATEMENT;
}
