// SPDX-License-Identifier: MIT
/*
 * The tables of names, as lines of a code in four digits and a name. Codes from the PCI Code
 * and ID Assignment Specification.
 */
#include <tools/pci/names.h>
#include <ctype.h>
#include <errno.h>
#include <kernel/format.h>
#include <string.h>

/* Base and sub class. */
static const char classes[] =
	"0001 VGA device (old)\n00ff Unclassified device\n0100 SCSI controller\n"
	"0101 IDE controller\n0104 RAID controller\n0105 ATA controller\n"
	"0106 SATA controller\n0107 SAS controller\n0108 NVMe controller\n"
	"0180 Storage controller\n0200 Ethernet controller\n0207 InfiniBand controller\n"
	"0280 Network controller\n0300 VGA controller\n0302 3D controller\n"
	"0380 Display controller\n0400 Video device\n0401 Audio controller\n"
	"0403 Audio device\n0480 Multimedia controller\n0500 RAM\n0502 CXL memory\n"
	"0580 Memory controller\n0600 Host bridge\n0601 ISA bridge\n0602 EISA bridge\n"
	"0604 PCI bridge\n0607 CardBus bridge\n0609 Semi-transparent bridge\n0680 Bridge\n"
	"0700 Serial controller\n0780 Communication controller\n0800 Interrupt controller\n"
	"0801 DMA controller\n0805 SD host controller\n0806 IOMMU\n0807 Event collector\n"
	"0880 System peripheral\n0900 Keyboard controller\n0b40 Co-processor\n"
	"0c03 USB controller\n0c04 Fibre Channel\n0c05 SMBus\n0d80 Wireless controller\n"
	"1000 Network encryption controller\n1080 Encryption controller\n"
	"1180 Signal processing controller\n1200 Processing accelerator\n";

/* Capabilities below 0x100. */
static const char standard[] =
	"0001 Power Management\n0002 AGP\n0003 Vital Product Data\n0004 Slot ID\n0005 MSI\n"
	"0007 PCI-X\n0008 HyperTransport\n0009 Vendor Specific Information\n000a Debug port\n"
	"000c Hot-plug capable\n000d Subsystem\n000f Secure device\n0010 Express\n"
	"0011 MSI-X\n0012 SATA HBA\n0013 PCI Advanced Features\n0014 Enhanced Allocation\n";

/* Capabilities from 0x100 on. */
static const char extended[] =
	"0001 Advanced Error Reporting\n0002 Virtual Channel\n0003 Device Serial Number\n"
	"0004 Power Budgeting\n0005 Root Complex Link\n000b Vendor Specific Information\n"
	"000d Access Control Services\n000e Alternative Routing-ID Interpretation (ARI)\n"
	"000f Address Translation Service (ATS)\n"
	"0010 Single Root I/O Virtualization (SR-IOV)\n0012 Multicast\n"
	"0013 Page Request Interface (PRI)\n0015 Resizable BAR\n"
	"0017 Transaction Processing Hints\n0018 Latency Tolerance Reporting\n"
	"0019 Secondary PCI Express\n001b Process Address Space ID (PASID)\n"
	"001d Downstream Port Containment\n001e L1 PM Substates\n"
	"001f Precision Time Measurement\n0023 Designated Vendor-Specific\n"
	"0025 Data Link Feature\n0026 Physical Layer 16.0 GT/s\n"
	"0027 Lane Margining at the Receiver\n";

/* The type field of the PCI Express capability. */
static const char port_types[] =
	"0000 endpoint\n0001 legacy endpoint\n0004 root port\n0005 upstream port\n"
	"0006 downstream port\n0007 PCIe-to-PCI bridge\n0008 PCI-to-PCIe bridge\n"
	"0009 integrated endpoint\n000a event collector\n";

/* The name, or the code behind `otherwise`. */
static char *look_up(const char *table, unsigned code, const char *otherwise,
		     char text[PCI_NAME_TEXT])
{
	size_t length = 0;

	format(text, PCI_NAME_TEXT, "%04x ", code);
	for (const char *line = table; *line; line += length + 1) {
		length = strcspn(line, "\n");
		if (memcmp(line, text, 5) != 0)
			continue;
		format(text, PCI_NAME_TEXT, "%.*s", (int)length - 5, line + 5);
		return text;
	}
	format(text, PCI_NAME_TEXT, "%s %04x", otherwise, code);
	return text;
}

char *pci_class_name(uint32_t class_code, char text[PCI_NAME_TEXT])
{
	return look_up(classes, class_code >> 8, "Class", text);
}

char *pci_capability_name(unsigned id, bool is_extended, char text[PCI_NAME_TEXT])
{
	return look_up(is_extended ? extended : standard, id,
		       is_extended ? "Extended capability" : "Capability", text);
}

char *pci_port_type_name(const struct pci_device *device, char text[PCI_NAME_TEXT])
{
	if (device->express)
		return look_up(port_types, device->port_type, "unknown type", text);
	format(text, PCI_NAME_TEXT, "%s",
	       device->readability != PCI_READABLE ? "unreadable"
	       : pci_device_is_bridge(device)      ? "PCI bridge"
						   : "conventional");
	return text;
}

/* Step over up to eight digits; false when there is none. */
static bool read_hex(const char **at, uint32_t *value)
{
	const char *start = *at;

	for (*value = 0; *at < start + 8 && isxdigit((unsigned char)**at); ++*at)
		*value = *value << 4 |
			 (uint32_t)(isdigit((unsigned char)**at) ? **at - '0'
								 : (**at | 0x20) - 'a' + 10);
	return *at > start;
}

int pci_address_parse(const char *text, struct pci_address *address)
{
	uint32_t segment = 0, bus, device, function;
	const char *at = text;

	if (!read_hex(&at, &bus) || *at++ != ':' || !read_hex(&at, &device))
		return -EINVAL;
	if (*at == ':') {
		at++;
		segment = bus;
		bus = device;
		if (!read_hex(&at, &device))
			return -EINVAL;
	}
	if (*at++ != '.' || !read_hex(&at, &function) || at[-2] != '.' || bus > 0xff ||
	    device > 31 || function > 7)
		return -EINVAL;
	*address = pci_address(segment, bus, device, function);
	return (int)(at - text);
}
