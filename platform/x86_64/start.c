// SPDX-License-Identifier: MIT
/*
 * First steps of the boot CPU: features, descriptor tables, exceptions, serial line.
 */
#include <platform/init.h>

#include <platform/channel_io.h>
#include <platform/memory.h>
#include <platform/x86_64/address_space.h>
#include <platform/x86_64/console_devices.h>
#include <platform/x86_64/descriptors.h>
#include <platform/x86_64/features.h>
#include <platform/x86_64/interrupts.h>
#include <platform/x86_64/private.h>
#include <platform/x86_64/trap.h>
#include <platform/x86_64/x86.h>
#include <kernel/acpi.h>
#include <kernel/assert.h>
#include <kernel/boot_info.h>

extern char boot_stack[], boot_stack_end[];

/* Through the early direct map, so that even a machine without a serial line shows why it
 * cannot go on. */
static void early_framebuffer(const struct boot_framebuffer *framebuffer)
{
	uint64_t size = 4ull * framebuffer->stride * framebuffer->height;

	if (framebuffer->base.addr && size <= EARLY_DIRECT_MAP &&
	    framebuffer->base.addr <= EARLY_DIRECT_MAP - size)
		console_init_framebuffer(framebuffer, phys_to_virt(framebuffer->base));
}

void platform_early_init(struct boot_info *info)
{
	struct private_area *area = private_area();

	cpu_features_detect();
	cpu_features_enable();
	area->apic_id = cpu_features.apic_id;
	area->stack = (uintptr_t)boot_stack;
	area->stack_size = (uint64_t)(boot_stack_end - boot_stack);
	area->root.addr = cr3_read();
	descriptors_init();
	trap_init();
	console_init_serial();
	early_framebuffer(&info->framebuffer);
}

void platform_interrupts_init(void)
{
	/* While local input 0 still listens to them, or QEMU keeps their last request for ever.
	 */
	pics_silence();
	local_apic_init();
	local_apic_enable(ACPI_ALL_CPUS);
	smp_enumerate();
	if (!irq_vectors_init(0))
		panic("irq: no memory for the vectors of the boot CPU");
	io_apics_init();
	power_init();
	clock_init();
	console_init_keyboard();
}

/* Channel I/O is z/Architecture's. */
struct channel_io *platform_channel_io(void)
{
	return NULL;
}
