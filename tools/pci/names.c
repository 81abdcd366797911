// SPDX-License-Identifier: MIT
/*
 * The tables of names, as lines of a code in four digits and a name. Codes from the PCI Code
 * and ID Assignment Specification, class names from pci.ids.
 */
#include <tools/pci/names.h>
#include <ctype.h>
#include <errno.h>
#include <kernel/format.h>
#include <stdlib.h>
#include <string.h>

/* Base classes, as Debian's pci.ids calls them, so that our lists read like everybody's. */
static const char bases[] =
	"0000 Unclassified device\n0001 Mass storage controller\n0002 Network controller\n"
	"0003 Display controller\n0004 Multimedia controller\n0005 Memory controller\n"
	"0006 Bridge\n0007 Communication controller\n0008 Generic system peripheral\n"
	"0009 Input device controller\n000a Docking station\n000b Processor\n"
	"000c Serial bus controller\n000d Wireless controller\n000e Intelligent controller\n"
	"000f Satellite communications controller\n0010 Encryption controller\n"
	"0011 Signal processing controller\n0012 Processing accelerators\n"
	"0013 Non-Essential Instrumentation\n0040 Coprocessor\n00ff Unassigned class\n";

/* Base and sub class, the same. */
static const char classes[] =
	"0000 Non-VGA unclassified device\n0001 VGA compatible unclassified device\n"
	"0005 Image coprocessor\n0100 SCSI storage controller\n0101 IDE interface\n"
	"0102 Floppy disk controller\n0103 IPI bus controller\n0104 RAID bus controller\n"
	"0105 ATA controller\n0106 SATA controller\n0107 Serial Attached SCSI controller\n"
	"0108 Non-Volatile memory controller\n0109 Universal Flash Storage controller\n"
	"0180 Mass storage controller\n0200 Ethernet controller\n"
	"0201 Token ring network controller\n0202 FDDI network controller\n"
	"0203 ATM network controller\n0204 ISDN controller\n0205 WorldFip controller\n"
	"0206 PICMG controller\n0207 Infiniband controller\n0208 Fabric controller\n"
	"0280 Network controller\n0300 VGA compatible controller\n"
	"0301 XGA compatible controller\n0302 3D controller\n0380 Display controller\n"
	"0400 Multimedia video controller\n0401 Multimedia audio controller\n"
	"0402 Computer telephony device\n0403 Audio device\n0480 Multimedia controller\n"
	"0500 RAM memory\n0501 FLASH memory\n0502 CXL\n0580 Memory controller\n"
	"0600 Host bridge\n0601 ISA bridge\n0602 EISA bridge\n0603 MicroChannel bridge\n"
	"0604 PCI bridge\n0605 PCMCIA bridge\n0606 NuBus bridge\n0607 CardBus bridge\n"
	"0608 RACEway bridge\n0609 Semi-transparent PCI-to-PCI bridge\n"
	"060a InfiniBand to PCI host bridge\n0680 Bridge\n0700 Serial controller\n"
	"0701 Parallel controller\n0702 Multiport serial controller\n0703 Modem\n"
	"0704 GPIB controller\n0705 Smard Card controller\n0780 Communication controller\n"
	"0800 PIC\n0801 DMA controller\n0802 Timer\n0803 RTC\n0804 PCI Hot-plug controller\n"
	"0805 SD Host controller\n0806 IOMMU\n0880 System peripheral\n0899 Timing Card\n"
	"0900 Keyboard controller\n0901 Digitizer Pen\n0902 Mouse controller\n"
	"0903 Scanner controller\n0904 Gameport controller\n0980 Input device controller\n"
	"0a00 Generic Docking Station\n0a80 Docking Station\n0b00 386\n0b01 486\n"
	"0b02 Pentium\n0b10 Alpha\n0b20 Power PC\n0b30 MIPS\n0b40 Co-processor\n"
	"0c00 FireWire (IEEE 1394)\n0c01 ACCESS Bus\n0c02 SSA\n0c03 USB controller\n"
	"0c04 Fibre Channel\n0c05 SMBus\n0c06 InfiniBand\n0c07 IPMI Interface\n"
	"0c08 SERCOS interface\n0c09 CANBUS\n0c80 Serial bus controller\n"
	"0d00 IRDA controller\n0d01 Consumer IR controller\n0d10 RF controller\n"
	"0d11 Bluetooth\n0d12 Broadband\n0d20 802.1a controller\n0d21 802.1b controller\n"
	"0d80 Wireless controller\n0e00 I2O\n0f01 Satellite TV controller\n"
	"0f02 Satellite audio communication controller\n"
	"0f03 Satellite voice communication controller\n"
	"0f04 Satellite data communication controller\n"
	"1000 Network and computing encryption device\n1010 Entertainment encryption device\n"
	"1080 Encryption controller\n1100 DPIO module\n1101 Performance counters\n"
	"1110 Communication synchronizer\n1120 Signal processing management\n"
	"1180 Signal processing controller\n1200 Processing accelerators\n"
	"1201 SNIA Smart Data Accelerator Interface (SDXI) controller\n";

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

/* The name behind a code; false when the table has none. */
static bool find(const char *table, unsigned code, char text[PCI_NAME_TEXT])
{
	size_t length = 0;

	format(text, PCI_NAME_TEXT, "%04x ", code);
	for (const char *line = table; *line; line += length + 1) {
		length = strcspn(line, "\n");
		if (memcmp(line, text, 5) != 0)
			continue;
		format(text, PCI_NAME_TEXT, "%.*s", (int)length - 5, line + 5);
		return true;
	}
	return false;
}

/* The name, or the code behind `otherwise`. */
static char *look_up(const char *table, unsigned code, const char *otherwise,
		     char text[PCI_NAME_TEXT])
{
	if (!find(table, code, text))
		format(text, PCI_NAME_TEXT, "%s %04x", otherwise, code);
	return text;
}

char *pci_class_name(uint32_t class_code, char text[PCI_NAME_TEXT])
{
	unsigned code = class_code >> 8;

	if (find(classes, code, text))
		return text;
	if (find(bases, code >> 8, text))
		format_append(text, PCI_NAME_TEXT, " [%04x]", code);
	else
		format(text, PCI_NAME_TEXT, "Class [%04x]", code);
	return text;
}

int pci_class_of_name(const char *name, size_t wanted)
{
	size_t length = 0;

	for (const char *line = classes; *line; line += length + 1) {
		length = strcspn(line, "\n");
		if (length == wanted + 5 && memcmp(line + 5, name, wanted) == 0)
			return (int)strtoul(line, NULL, 16);
	}
	return -1;
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
