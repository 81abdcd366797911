// SPDX-License-Identifier: MIT
/*
 * The tables of names. Codes from the PCI Code and ID Assignment Specification.
 */
#include <pci/class_names.h>
#include <kernel/bits.h>
#include <pci/regs.h>

static const struct {
	uint16_t code;
	const char *name;
} classes[] = {
	{0x0001, "VGA device (old)"},
	{0x00ff, "Unclassified device"},
	{0x0100, "SCSI controller"},
	{0x0101, "IDE controller"},
	{0x0104, "RAID controller"},
	{0x0105, "ATA controller"},
	{0x0106, "SATA controller"},
	{0x0107, "SAS controller"},
	{0x0108, "NVMe controller"},
	{0x0180, "Storage controller"},
	{0x0200, "Ethernet controller"},
	{0x0207, "InfiniBand controller"},
	{0x0280, "Network controller"},
	{0x0300, "VGA controller"},
	{0x0302, "3D controller"},
	{0x0380, "Display controller"},
	{0x0400, "Video device"},
	{0x0401, "Audio controller"},
	{0x0403, "Audio device"},
	{0x0480, "Multimedia controller"},
	{0x0500, "RAM"},
	{0x0502, "CXL memory"},
	{0x0580, "Memory controller"},
	{0x0600, "Host bridge"},
	{0x0601, "ISA bridge"},
	{0x0602, "EISA bridge"},
	{0x0604, "PCI bridge"},
	{0x0607, "CardBus bridge"},
	{0x0609, "Semi-transparent bridge"},
	{0x0680, "Bridge"},
	{0x0700, "Serial controller"},
	{0x0780, "Communication controller"},
	{0x0800, "Interrupt controller"},
	{0x0801, "DMA controller"},
	{0x0805, "SD host controller"},
	{0x0806, "IOMMU"},
	{0x0807, "Event collector"},
	{0x0880, "System peripheral"},
	{0x0900, "Keyboard controller"},
	{0x0b40, "Co-processor"},
	{0x0c03, "USB controller"},
	{0x0c04, "Fibre Channel"},
	{0x0c05, "SMBus"},
	{0x0d80, "Wireless controller"},
	{0x1000, "Network encryption controller"},
	{0x1080, "Encryption controller"},
	{0x1180, "Signal processing controller"},
	{0x1200, "Processing accelerator"},
};

static const struct {
	uint16_t id;
	const char *name;
} standard[] =
	{
		{PCI_CAP_POWER, "Power Management"},
		{0x02, "AGP"},
		{0x03, "Vital Product Data"},
		{0x04, "Slot ID"},
		{PCI_CAP_MSI, "MSI"},
		{0x07, "PCI-X"},
		{0x08, "HyperTransport"},
		{PCI_CAP_VENDOR, "Vendor Specific Information"},
		{0x0a, "Debug port"},
		{0x0c, "Hot-plug capable"},
		{PCI_CAP_BRIDGE_ID, "Subsystem"},
		{0x0f, "Secure device"},
		{PCI_CAP_EXPRESS, "Express"},
		{PCI_CAP_MSIX, "MSI-X"},
		{0x12, "SATA HBA"},
		{0x13, "PCI Advanced Features"},
		{PCI_CAP_ENHANCED, "Enhanced Allocation"},
},
  extended[] = {
	  {PCI_EXT_ERROR, "Advanced Error Reporting"},
	  {0x0002, "Virtual Channel"},
	  {0x0003, "Device Serial Number"},
	  {0x0004, "Power Budgeting"},
	  {0x0005, "Root Complex Link"},
	  {0x000b, "Vendor Specific Information"},
	  {0x000d, "Access Control Services"},
	  {PCI_EXT_ARI, "Alternative Routing-ID Interpretation (ARI)"},
	  {0x000f, "Address Translation Service (ATS)"},
	  {PCI_EXT_SRIOV, "Single Root I/O Virtualization (SR-IOV)"},
	  {0x0012, "Multicast"},
	  {0x0013, "Page Request Interface (PRI)"},
	  {0x0015, "Resizable BAR"},
	  {0x0017, "Transaction Processing Hints"},
	  {0x0018, "Latency Tolerance Reporting"},
	  {0x0019, "Secondary PCI Express"},
	  {0x001b, "Process Address Space ID (PASID)"},
	  {0x001d, "Downstream Port Containment"},
	  {0x001e, "L1 PM Substates"},
	  {0x001f, "Precision Time Measurement"},
	  {0x0023, "Designated Vendor-Specific"},
	  {0x0025, "Data Link Feature"},
	  {0x0026, "Physical Layer 16.0 GT/s"},
	  {0x0027, "Lane Margining at the Receiver"},
};

static const char *const port_types[16] = {
	[PCI_TYPE_ENDPOINT] = "endpoint",
	[PCI_TYPE_LEGACY_ENDPOINT] = "legacy endpoint",
	[PCI_TYPE_ROOT_PORT] = "root port",
	[PCI_TYPE_UPSTREAM_PORT] = "upstream port",
	[PCI_TYPE_DOWNSTREAM_PORT] = "downstream port",
	[PCI_TYPE_EXPRESS_TO_PCI] = "PCIe-to-PCI bridge",
	[PCI_TYPE_PCI_TO_EXPRESS] = "PCI-to-PCIe bridge",
	[PCI_TYPE_INTEGRATED_ENDPOINT] = "integrated endpoint",
	[PCI_TYPE_EVENT_COLLECTOR] = "event collector",
};

const char *pci_class_name(uint32_t class_code)
{
	for (unsigned i = 0; i < ARRAY_SIZE(classes); i++) {
		if (classes[i].code == class_code >> 8)
			return classes[i].name;
	}
	return NULL;
}

const char *pci_capability_name(unsigned id)
{
	for (unsigned i = 0; i < ARRAY_SIZE(standard); i++) {
		if (standard[i].id == id)
			return standard[i].name;
	}
	return NULL;
}

const char *pci_extended_capability_name(unsigned id)
{
	for (unsigned i = 0; i < ARRAY_SIZE(extended); i++) {
		if (extended[i].id == id)
			return extended[i].name;
	}
	return NULL;
}

const char *pci_port_type_name(const struct pci_device *device)
{
	const char *name = port_types[device->port_type & 15];

	if (device->readability != PCI_READABLE && !device->express)
		return "unreadable";
	if (!device->express)
		return pci_device_is_bridge(device) ? "PCI bridge" : "conventional";
	return name ? name : "unknown type";
}
