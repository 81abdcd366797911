// SPDX-License-Identifier: MIT
/*
 * `report=stick`: the AtomicOps report and a dump of all configuration space, as files on the
 * stick, while firmware can still write them. Registers are read, none is written. The report
 * is on the medium before the dump begins, which reads registers that nobody else reads.
 */
#include <boot/efi_loader.h>

#include <boot/efi_calls.h>
#include <boot/efi_files.h>
#include <boot/report_access.h>
#include <kernel/acpi.h>
#include <kernel/command_line.h>
#include <kernel/format.h>
#include <kernel/log.h>
#include <pci/enumerate.h>
#include <pci/hardware.h>
#include <platform/mmu.h>
#include <platform/pci_config.h>
#include <tools/pci/atomic_report.h>
#include <tools/pci/lspci.h>

#include <efipciio.h>

#define FOLDER "\\EFI\\quire\\reports\\"

static const void *view(struct phys p, uint64_t size)
{
	return (const void *)mmio_map(p, size);
}

static bool is_wanted(const struct boot_info *info)
{
	char value[sizeof("stick")];

	return command_line_find(info->command_line, "report", value, sizeof(value)) > 0 &&
	       strcmp(value, "stick") == 0;
}

/* On firmware's console and, by boot_info, in the kernel's log. */
static void note(const struct efi_loader *loader, struct boot_info *info, const char *text)
{
	format_append(info->loader_note, sizeof(info->loader_note), "%s%s",
		      info->loader_note[0] ? "; " : "", text);
	efi_say(loader, text);
}

static void note_problem(const struct efi_loader *loader, struct boot_info *info,
			 const char *file, const char *problem)
{
	char text[160];

	info->loader_failed = true;
	format(text, sizeof(text), "no report at " FOLDER "%s: %s", file, problem);
	note(loader, info, text);
}

static bool save(const struct efi_loader *loader, struct boot_info *info,
		 struct efi_folder *folder, const char *stem, struct efi_text *text)
{
	char name[EFI_FILE_NAME], done[80];
	bool part_left = false;
	const char *problem;

	efi_file_name(folder, stem, name);
	problem = text->short_of_memory
			  ? "not enough memory for its text"
			  : efi_file_write(folder, name, text->data, text->length, &part_left);
	efi_text_free(text);
	if (problem) {
		note_problem(loader, info, name, problem);
		if (part_left)
			note(loader, info, "an incomplete part of it stays there");
		return false;
	}
	format(done, sizeof(done), "wrote " FOLDER "%s", name);
	note(loader, info, done);
	return true;
}

/* Firmware's own access to the same function: of a root bridge of its segment. */
static bool firmware_agrees(EFI_PCI_ROOT_BRIDGE_IO_PROTOCOL *bridge,
			    const struct pci_device *device)
{
	uint32_t id = ~0u;
	uint64_t address = (uint64_t)device->address.bus << 24 |
			   pci_address_device(device->address) << 16 |
			   pci_address_function(device->address) << 8;

	return bridge->SegmentNumber != device->address.segment ||
	       EFI_ERROR(bridge->Pci.Read(
		       bridge, (EFI_PCI_ROOT_BRIDGE_IO_PROTOCOL_WIDTH)EfiPciIoWidthUint32,
		       address, 1, &id)) ||
	       id == pci_get(device, 0, 4);
}

/* Functions that firmware's root bridges show otherwise than we do, into the log. */
static void compare_with_firmware(const struct efi_loader *loader,
				  const struct pci_fabric *fabric)
{
	EFI_GUID guid = EFI_PCI_ROOT_BRIDGE_IO_PROTOCOL_GUID;
	UINTN count = 0;
	EFI_HANDLE *handles;
	struct pci_device *device;
	unsigned differ = 0;

	if (EFI_ERROR(loader->services->LocateHandleBuffer(ByProtocol, &guid, NULL, &count,
							   &handles))) {
		log_info("firmware shows no root bridges to compare with");
		return;
	}
	for (UINTN i = 0; i < count; i++) {
		EFI_PCI_ROOT_BRIDGE_IO_PROTOCOL *bridge =
			efi_protocol(loader, handles[i], &guid);

		pci_for_each_device (device, fabric)
			differ += bridge && !firmware_agrees(bridge, device);
	}
	loader->services->FreePool(handles);
	log_info("%u root bridges of firmware, %u functions read otherwise through them",
		 (unsigned)count, differ);
}

/* What holds for this machine, and what did not, into the log. */
static void describe(const struct pci_fabric *fabric)
{
#define DEFECT_TEXT(name, text) text,
	static const char *const texts[] = {PCI_DEFECTS(DEFECT_TEXT)};
	char address[PCI_ADDRESS_TEXT];

	for (unsigned i = 0; i < fabric->defect_count && i < PCI_DEFECTS_MAX; i++)
		log_info("%s: %s (%#x)",
			 pci_address_format(fabric->defects[i].address, address),
			 texts[fabric->defects[i].kind], (unsigned)fabric->defects[i].value);
	log_info("%u functions through %s, %u defects; serial numbers are shown as 00",
		 fabric->device_count, pci_hardware_description(), fabric->defect_count);
}

/* A machine whose numbers do not hold must not be changed here: list what answers. */
static int enumerate(struct pci_fabric *fabric, struct report_access *access)
{
	int error = pci_enumerate(fabric);

	if (!fabric->renumbered)
		return error;
	log_info("bus numbers of firmware do not hold; the kernel gives them afresh");
	pci_fabric_clear(fabric);
	report_access_list(access);
	pci_fabric_init(fabric, &access->access);
	return pci_enumerate(fabric);
}

static void print_dump(struct report_access *access, struct pci_fabric *fabric,
		       const struct efi_text *log)
{
	struct pci_device *device;

	print_text(log->data, log->length);
	print("\n");
	pci_for_each_device (device, fabric) {
		report_access_hide(access, device);
		lspci_print_function(device, false);
		lspci_print_bytes(device, PCI_SPACE_EXPRESS);
		print("\n");
	}
}

static void write_files(const struct efi_loader *loader, struct boot_info *info,
			struct pci_fabric *fabric, struct report_access *access,
			const struct efi_text *log)
{
	struct atomic_report report = {fabric, info->firmware, pci_hardware_description(),
				       platform_under_hypervisor()};
	struct efi_text text = {.data = NULL};
	struct efi_folder folder;
	const char *problem = efi_folder_open(loader, &folder);

	if (problem) {
		note_problem(loader, info, "", problem);
		return;
	}
	efi_calls_print_to(&text);
	text.short_of_memory = atomic_report_print(&report, NULL, false) != 0;
	if (save(loader, info, &folder, EFI_REPORT_STEM, &text)) {
		print_dump(access, fabric, log);
		save(loader, info, &folder, EFI_DUMP_STEM, &text);
	}
	efi_folder_close(&folder);
}

static void report(const struct efi_loader *loader, struct boot_info *info,
		   struct efi_text *log)
{
	struct pci_access *hardware;
	struct report_access access;
	struct pci_fabric fabric;

	acpi_load(info->acpi_root, view);
	hardware = pci_hardware_access();
	if (!hardware) {
		note_problem(loader, info, "", "no way to PCI configuration space");
		return;
	}
	report_access_init(&access, hardware);
	pci_fabric_init(&fabric, &access.access);
	if (enumerate(&fabric, &access) == 0) {
		compare_with_firmware(loader, &fabric);
		describe(&fabric);
		write_files(loader, info, &fabric, &access, log);
	} else {
		note_problem(loader, info, "", "no PCI function answers, or memory is short");
	}
	pci_fabric_clear(&fabric);
}

void efi_report(const struct efi_loader *loader, struct boot_info *info,
		struct boot_range *ranges, size_t max)
{
	struct efi_text log = {.data = NULL};
	const char *problem;

	if (!is_wanted(info))
		return;
	/* Where RAM is: ECAM never lies there. */
	problem = efi_map_now(loader, info, ranges, max);
	if (problem) {
		note_problem(loader, info, "", problem);
		return;
	}
	efi_calls_start(loader, info);
	efi_calls_log_to(&log);
	report(loader, info, &log);
	efi_text_free(&log);
}
