// SPDX-License-Identifier: MIT
/*
 * What firmware knows besides memory (UEFI 2.10; ACPI root: 4.6; GOP: 12.9).
 */
#include "efi_loader.h"

#include <boot/fw_cfg.h>
#include <boot/text.h>
#include <kernel/bits.h>
#include <kernel/command_line.h>
#include <platform/pci_config.h>
#include <platform/x86_64/port_io.h>

#define FW_CFG_SELECT 0x510
#define FW_CFG_DATA   0x511

static void fw_cfg_select(uint16_t item)
{
	port_write16(FW_CFG_SELECT, item);
}

static uint8_t fw_cfg_read(void)
{
	return port_read8(FW_CFG_DATA);
}

/* CPUID leaf 1, ECX bit 31: only then may ports be touched that mean QEMU's device. The report
 * asks too. */
bool platform_under_hypervisor(void)
{
	uint32_t eax = 1;
	uint32_t ebx, ecx = 0, edx;

	__asm__("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
	return ecx >> 31;
}

static bool command_line_from_fw_cfg(char *text, size_t size)
{
	static const struct fw_cfg device = {fw_cfg_select, fw_cfg_read};

	return platform_under_hypervisor() &&
	       fw_cfg_read_file(&device, "opt/quire/cmdline", text, size) >= 0;
}

static bool command_line_from_file(const struct efi_loader *loader, char *text, size_t size)
{
	static const EFI_GUID guid = EFI_SIMPLE_FILE_SYSTEM_PROTOCOL_GUID;
	static CHAR16 name[] = L"\\EFI\\quire\\cmdline.txt";
	EFI_FILE_IO_INTERFACE *system;
	EFI_FILE *root, *file;
	UINTN length = size - 1;
	bool found = false;

	if (!loader->loaded)
		return false;
	system = efi_protocol(loader, loader->loaded->DeviceHandle, &guid);
	if (!system || EFI_ERROR(system->OpenVolume(system, &root)))
		return false;
	if (!EFI_ERROR(root->Open(root, &file, name, EFI_FILE_MODE_READ, 0))) {
		found = !EFI_ERROR(file->Read(file, &length, text)) && length < size;
		file->Close(file);
	}
	root->Close(root);
	text[found ? length : 0] = '\0';
	return found;
}

/* First found wins: load options, QEMU, file. */
static void collect_command_line(const struct efi_loader *loader, struct boot_info *info)
{
	EFI_LOADED_IMAGE *loaded = loader->loaded;
	char *text = info->command_line;
	size_t size = sizeof(info->command_line);

	if (loaded && loaded->LoadOptions &&
	    text_from_load_options(text, size, loaded->LoadOptions, loaded->LoadOptionsSize) >
		    0)
		return;
	text[0] = '\0';
	if (!command_line_from_fw_cfg(text, size) &&
	    !command_line_from_file(loader, text, size))
		text[0] = '\0';
	text_flatten(text);
}

static bool same_guid(const EFI_GUID *a, const EFI_GUID *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

static struct phys acpi_root(const EFI_SYSTEM_TABLE *system)
{
	static const EFI_GUID acpi_2 = ACPI_20_TABLE_GUID;
	static const EFI_GUID acpi_1 = ACPI_TABLE_GUID;
	struct phys root = phys(0);

	for (UINTN i = 0; i < system->NumberOfTableEntries; i++) {
		const EFI_CONFIGURATION_TABLE *table = &system->ConfigurationTable[i];

		if (same_guid(&table->VendorGuid, &acpi_2))
			return phys((uint64_t)table->VendorTable);
		if (same_guid(&table->VendorGuid, &acpi_1))
			root = phys((uint64_t)table->VendorTable);
	}
	return root;
}

/* Shift of an eight-bit colour field; 255 when the mask is something else. */
static uint8_t mask_shift(uint32_t mask)
{
	unsigned shift = mask ? (unsigned)__builtin_ctz(mask) : 0;

	return mask >> shift == 0xff ? (uint8_t)shift : 255;
}

static bool pixel_shifts(const EFI_GRAPHICS_OUTPUT_MODE_INFORMATION *mode,
			 struct boot_framebuffer *framebuffer)
{
	framebuffer->green_shift = 8;
	switch (mode->PixelFormat) {
	case PixelRedGreenBlueReserved8BitPerColor:
		framebuffer->blue_shift = 16;
		return true;
	case PixelBlueGreenRedReserved8BitPerColor:
		framebuffer->red_shift = 16;
		return true;
	case PixelBitMask:
		framebuffer->red_shift = mask_shift(mode->PixelInformation.RedMask);
		framebuffer->green_shift = mask_shift(mode->PixelInformation.GreenMask);
		framebuffer->blue_shift = mask_shift(mode->PixelInformation.BlueMask);
		return framebuffer->red_shift <= 24 && framebuffer->green_shift <= 24 &&
		       framebuffer->blue_shift <= 24;
	default:
		return false; /* no linear framebuffer */
	}
}

static void collect_framebuffer(const struct efi_loader *loader, struct boot_info *info)
{
	static const EFI_GUID guid = EFI_GRAPHICS_OUTPUT_PROTOCOL_GUID;
	EFI_GRAPHICS_OUTPUT_PROTOCOL *output = efi_protocol(loader, NULL, &guid);
	struct boot_framebuffer framebuffer = {.red_shift = 0};

	if (!output || !output->Mode || !output->Mode->Info ||
	    !pixel_shifts(output->Mode->Info, &framebuffer))
		return;
	framebuffer.base = phys(output->Mode->FrameBufferBase);
	framebuffer.width = output->Mode->Info->HorizontalResolution;
	framebuffer.height = output->Mode->Info->VerticalResolution;
	framebuffer.stride = output->Mode->Info->PixelsPerScanLine;
	info->framebuffer = framebuffer;
}

static void collect_boot_device(const struct efi_loader *loader, struct boot_info *info)
{
	static const EFI_GUID path_guid = EFI_DEVICE_PATH_PROTOCOL_GUID;
	static const EFI_GUID text_guid = EFI_DEVICE_PATH_TO_TEXT_PROTOCOL_GUID;
	EFI_DEVICE_PATH_TO_TEXT_PROTOCOL *to_text = efi_protocol(loader, NULL, &text_guid);
	EFI_DEVICE_PATH *path;
	CHAR16 *wide;

	if (!to_text || !loader->loaded)
		return;
	path = efi_protocol(loader, loader->loaded->DeviceHandle, &path_guid);
	wide = path ? to_text->ConvertDevicePathToText(path, FALSE, FALSE) : NULL;
	if (!wide)
		return;
	text_from_utf16(info->boot_device, sizeof(info->boot_device), wide,
			sizeof(info->boot_device));
	loader->services->FreePool(wide);
}

static void collect_firmware_name(const struct efi_loader *loader, struct boot_info *info)
{
	const EFI_SYSTEM_TABLE *system = loader->system;

	if (system->FirmwareVendor)
		text_from_utf16(info->firmware, sizeof(info->firmware) - 16,
				system->FirmwareVendor, sizeof(info->firmware));
	text_append(info->firmware, sizeof(info->firmware), " ");
	text_append_hex(info->firmware, sizeof(info->firmware), system->FirmwareRevision);
}

void efi_collect(const struct efi_loader *loader, struct boot_info *info)
{
	info->method = BOOT_EFI;
	info->efi_system_table = phys((uint64_t)loader->system);
	info->acpi_root = acpi_root(loader->system);
	collect_command_line(loader, info);
	collect_framebuffer(loader, info);
	collect_boot_device(loader, info);
	collect_firmware_name(loader, info);
}
