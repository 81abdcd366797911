// SPDX-License-Identifier: MIT
/*
 * kmain(): the initialisations in order, one line and one comment each; then tests, the
 * commands of `run=`, or the shell.
 */
#include <kernel/acpi.h>
#include <kernel/banner.h>
#include <kernel/boot_cost.h>
#include <kernel/boot_info.h>
#include <kernel/boot_memory.h>
#include <kernel/command_line.h>
#include <kernel/interrupt.h>
#include <kernel/log.h>
#include <kernel/power_button.h>
#include <kernel/shell.h>
#include <kernel/shutdown.h>
#include <kernel/thread.h>
#include <drivers/balloon/vmware_balloon.h>
#include <drivers/driver.h>
#include <drivers/virtio/virtio_ccw.h>
#include <drivers/virtio/virtio_mmio.h>
#include <mm/mm.h>
#include <mm/reclaim.h>
#include <pci/enumerate.h>
#include <platform/channel_io.h>
#include <platform/clock.h>
#include <platform/cpu.h>
#include <platform/init.h>
#include <platform/vmware.h>
#include <tests/test.h>

struct boot_info *boot_info;

void kmain(struct boot_info *info) NORETURN;

/* What a boot is for; runs in the first thread, with everything up. */
static NORETURN void serve(void)
{
	const char *tests = command_line_get("tests");
	const char *commands = command_line_get("run");

	if (tests)
		shutdown_exit(tests_run(*tests && strcmp(tests, "all") ? tests : NULL,
					command_line_number("seed", 0)) == 0);
	if (commands)
		shutdown_exit(shell_run_paged(commands) == 0);
	shell_interactive();
}

void kmain(struct boot_info *info)
{
	char build[QUIRE_BUILD_ID_MAX];

	boot_info = info;
	platform_early_init(info); /* console, exceptions: from here on mistakes are visible */
	log_info("quire %s, build %s", quire_version, quire_build_id(build, sizeof(build)));
	command_line_init(info->command_line);
	log_init();                 /* the loglevel= key */
	boot_info_report(info);     /* where we come from */
	boot_memory_init(info);     /* who may have which RAM before mm runs */
	platform_memory_init(info); /* final address space */
	acpi_init(info->acpi_root); /* checked tables; NUMA for mm, CPUs for the port */
	mm_init(info);              /* zones, folios, small objects */
	platform_interrupts_init(); /* controllers, clock, timer */
	threads_init();             /* this flow becomes the first thread */
	threads_start_cpus();       /* all CPUs take threads */
	mm_init_cpus();             /* each takes memory near it */
	reclaim_start();            /* memory taken back ahead of need */
	pci_init();                 /* enumerate the fabric */
	drivers_bind_all(&pci_fabric);
	virtio_mmio_probe_all(info->command_line);       /* devices only the hypervisor names */
	virtio_ccw_probe_all(platform_channel_io());     /* channel I/O, where there is any */
	vmware_balloon_probe(platform_vmware_balloon()); /* a host that names itself */
	power_button_init();                             /* a hypervisor's `shutdown` */
	boot_cost_stop();                                /* `cpus` tells what all this took */
	serve();
}
