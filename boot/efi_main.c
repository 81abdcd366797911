// SPDX-License-Identifier: MIT
/*
 * quire.efi: finds out what firmware knows, puts the kernel that it carries into memory, leaves
 * boot services and jumps. The contract with the kernel stands in README.md. Whatever goes
 * wrong is said on firmware's console, and control goes back to firmware.
 */
#include "efi_loader.h"

#include <boot/elf_load.h>
#include <boot/text.h>
#include <kernel/bits.h>

/* The kernel ELF: efi_payload.S. */
extern const uint8_t kernel_file[];
extern const uint8_t kernel_file_end[];

/* The kernel's first tables map so much. */
#define REACHABLE_END GIB(4)

/* boot_info and its ranges, one block of loader memory. */
struct handover {
	struct boot_info info;
	struct boot_range ranges[BOOT_RANGES_MAX];
};

typedef void __attribute__((sysv_abi)) kernel_entry(struct boot_info *info, uint64_t base);

/* crt0 of GNU-EFI calls this with the System V convention. */
EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *system);

static void say_wide(const struct efi_loader *loader, const char *text)
{
	CHAR16 wide[128];
	SIMPLE_TEXT_OUTPUT_INTERFACE *console = loader->system->ConOut;

	while (console && *text) {
		unsigned length = 0;

		while (*text && length < ARRAY_SIZE(wide) - 1)
			wide[length++] = (CHAR16)*text++;
		wide[length] = 0;
		console->OutputString(console, wide);
	}
}

void efi_say(const struct efi_loader *loader, const char *text)
{
	say_wide(loader, "quire loader: ");
	say_wide(loader, text);
	say_wide(loader, "\r\n");
}

void *efi_pages(const struct efi_loader *loader, EFI_MEMORY_TYPE type, uint64_t size,
		uint64_t limit)
{
	EFI_PHYSICAL_ADDRESS address = limit - 1;
	UINTN pages = align_up(size, PAGE_SIZE) / PAGE_SIZE;

	if (EFI_ERROR(
		    loader->services->AllocatePages(AllocateMaxAddress, type, pages, &address)))
		return NULL;
	return (void *)address;
}

void *efi_protocol(const struct efi_loader *loader, EFI_HANDLE handle, const EFI_GUID *guid)
{
	EFI_GUID copy = *guid; /* the interface wants it writable */
	void *interface = NULL;
	EFI_STATUS status;

	if (handle)
		status = loader->services->HandleProtocol(handle, &copy, &interface);
	else
		status = loader->services->LocateProtocol(&copy, NULL, &interface);
	return EFI_ERROR(status) ? NULL : interface;
}

static const char *place_kernel(const struct efi_loader *loader, struct boot_info *info,
				uint64_t *entry)
{
	struct elf_plan plan;
	const char *problem =
		elf_plan_make(kernel_file, (size_t)(kernel_file_end - kernel_file), &plan);

	if (problem)
		return problem;
	/* Room to find a multiple of 2 MiB inside. Code, because firmware may forbid to execute
	 * data. */
	void *block =
		efi_pages(loader, EfiLoaderCode, plan.span + ELF_LOAD_ALIGN, REACHABLE_END);
	if (!block)
		return "not enough memory below 4 GiB for the kernel: give the machine at "
		       "least "
		       "64 MiB";
	info->kernel_base = phys(align_up((uint64_t)block, ELF_LOAD_ALIGN));
	info->kernel_size = plan.span;
	elf_copy(kernel_file, &plan, (void *)info->kernel_base.addr);
	*entry = info->kernel_base.addr + plan.entry;
	return NULL;
}

static struct handover *handover_make(const struct efi_loader *loader)
{
	struct handover *handover =
		efi_pages(loader, EfiLoaderData, sizeof(*handover), REACHABLE_END);

	if (handover)
		memset(handover, 0, sizeof(*handover));
	return handover;
}

static void kernel_start(struct boot_info *info, uint64_t entry)
{
	__asm__ volatile("cli; cld");
	((kernel_entry *)entry)(info, info->kernel_base.addr);
}

static const char *boot(const struct efi_loader *loader, bool *gone)
{
	struct handover *handover = handover_make(loader);
	uint64_t entry;
	const char *problem;

	*gone = false;
	if (!handover)
		return "not enough memory below 4 GiB: give the machine at least 64 MiB";
	efi_collect(loader, &handover->info);
	if (handover->info.acpi_root.addr == 0)
		efi_say(loader, "firmware has no ACPI tables: going on with one CPU");
	problem = place_kernel(loader, &handover->info, &entry);
	if (!problem) {
		efi_report(loader, &handover->info, handover->ranges,
			   ARRAY_SIZE(handover->ranges));
		problem = efi_leave(loader, &handover->info, handover->ranges,
				    ARRAY_SIZE(handover->ranges), gone);
	}
	if (!problem)
		kernel_start(&handover->info, entry);
	return problem;
}

EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *system)
{
	static const EFI_GUID loaded_guid = EFI_LOADED_IMAGE_PROTOCOL_GUID;
	struct efi_loader loader = {
		.image = image, .system = system, .services = system->BootServices};
	const char *problem;
	bool gone;

	loader.loaded = efi_protocol(&loader, image, &loaded_guid);
	problem = boot(&loader, &gone);
	/* With boot services half gone nothing can be said or returned to. */
	if (gone)
		system->RuntimeServices->ResetSystem(EfiResetShutdown, EFI_LOAD_ERROR, 0, NULL);
	efi_say(&loader, problem);
	loader.services->Stall(EFI_MESSAGE_US);
	return EFI_LOAD_ERROR;
}
