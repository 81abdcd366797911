// SPDX-License-Identifier: MIT
/*
 * The command lspci: list, dump, JSON. Details of -v are in lspci_details.c, the tree in
 * lspci_tree.c.
 */
#include <pci/lspci.h>
#include <errno.h>
#include <kernel/json.h>
#include <kernel/log.h>
#include <kernel/shell.h>
#include <pci/class_names.h>
#include <string.h>

/* What the arguments ask for. */
struct request {
	bool details;
	bool tree;
	bool json;
	unsigned bytes;
	bool one;
	struct pci_address address;
};

static const char *short_address(const struct pci_device *device, char text[PCI_ADDRESS_TEXT])
{
	const struct pci_device *last =
		list_entry(device->fabric->devices.prev, struct pci_device, link);

	pci_address_format(device->address, text);
	return last->address.segment == 0 ? text + 5 : text;
}

static void print_class(const struct pci_device *device)
{
	const char *name = pci_class_name(device->class_code);

	if (name)
		print("%s", name);
	else
		print("Class %04x", (unsigned)device->class_code >> 8);
}

void lspci_print_function(const struct pci_device *device, bool details)
{
	char text[PCI_ADDRESS_TEXT];

	print("%s ", short_address(device, text));
	if (device->readability == PCI_UNREADABLE) {
		print("!!! Does not answer\n");
		return;
	}
	print_class(device);
	print(": Device %04x:%04x", device->vendor, device->device);
	if (device->revision)
		print(" (rev %02x)", device->revision);
	if (details && device->class_code & 0xff)
		print(" (prog-if %02x)", (unsigned)device->class_code & 0xff);
	print("\n");
}

void lspci_print_bytes(const struct pci_device *device, unsigned size)
{
	unsigned space = device->fabric->access->operations->space(device->fabric->access,
								   device->address);

	for (unsigned offset = 0; offset < size && offset < space; offset += 16) {
		print("%02x:", offset);
		for (unsigned i = 0; i < 16; i += 4) {
			uint32_t value;

			if (pci_read32(device, offset + i, &value) != 0)
				print(" ?? ?? ?? ??");
			else
				print(" %02x %02x %02x %02x", (unsigned)value & 0xff,
				      (unsigned)value >> 8 & 0xff, (unsigned)value >> 16 & 0xff,
				      (unsigned)value >> 24);
		}
		print("\n");
	}
}

static void json_function(struct json *json, const struct pci_device *device)
{
	char text[PCI_ADDRESS_TEXT];

	json_object(json, NULL);
	json_string(json, "address", pci_address_format(device->address, text));
	json_format(json, "vendor", "%04x", device->vendor);
	json_format(json, "device", "%04x", device->device);
	json_format(json, "class", "%06x", (unsigned)device->class_code);
	json_number(json, "revision", device->revision);
	json_number(json, "header", device->header_type);
	json_string(json, "type", pci_port_type_name(device));
	if (pci_device_is_bridge(device)) {
		json_number(json, "secondary", device->secondary);
		json_number(json, "subordinate", device->subordinate);
	}
	if (device->parent)
		json_string(json, "parent", pci_address_format(device->parent->address, text));
	json_end(json);
}

static void print_json(const struct pci_fabric *fabric, const struct request *request)
{
	struct pci_device *device;
	struct json json;

	json_start(&json);
	json_object(&json, NULL);
	json_bool(&json, "renumbered", fabric->renumbered);
	json_number(&json, "defects", fabric->defect_count);
	json_array(&json, "functions");
	pci_for_each_device (device, fabric) {
		if (!request->one || pci_address_equal(device->address, request->address))
			json_function(&json, device);
	}
	json_finish(&json);
}

static bool parse_option(const char *option, struct request *request)
{
	if (strcmp(option, "-v") == 0)
		request->details = true;
	else if (strcmp(option, "-t") == 0)
		request->tree = true;
	else if (strcmp(option, "-j") == 0)
		request->json = true;
	else if (strcmp(option, "-x") == 0)
		request->bytes = 64;
	else if (strcmp(option, "-xxx") == 0)
		request->bytes = PCI_SPACE_CONVENTIONAL;
	else if (strcmp(option, "-xxxx") == 0)
		request->bytes = PCI_SPACE_EXPRESS;
	else
		return strcmp(option, "-s") == 0;
	return true;
}

static int parse(int argc, char **argv, struct request *request)
{
	for (int i = 1; i < argc; i++) {
		int length = pci_address_parse(argv[i], &request->address);

		if (length > 0 && argv[i][length] == '\0') {
			request->one = true;
		} else if (!parse_option(argv[i], request)) {
			print("lspci: \"%s\" is neither an option nor an address; try: help "
			      "lspci\n",
			      argv[i]);
			return -EINVAL;
		}
	}
	return 0;
}

static void print_one(struct pci_device *device, const struct request *request)
{
	lspci_print_function(device, request->details);
	if (request->details)
		lspci_print_details(device);
	if (request->bytes)
		lspci_print_bytes(device, request->bytes);
	if (request->details || request->bytes)
		print("\n");
}

int lspci_run(struct pci_fabric *fabric, int argc, char **argv)
{
	struct request request = {0};
	struct pci_device *device;
	int error = parse(argc, argv, &request);

	if (error != 0)
		return error;
	if (request.one && !pci_device_find(fabric, request.address)) {
		print("lspci: there is no function at this address; lspci lists all\n");
		return -ENODEV;
	}
	if (request.json) {
		print_json(fabric, &request);
		return 0;
	}
	if (request.tree) {
		lspci_print_tree(fabric);
		return 0;
	}
	pci_for_each_device (device, fabric) {
		if (!request.one || pci_address_equal(device->address, request.address))
			print_one(device, &request);
	}
	return 0;
}

static int lspci_command(int argc, char **argv)
{
	if (pci_fabric.device_count == 0)
		log_info("lspci: this machine has no PCI functions");
	return lspci_run(&pci_fabric, argc, argv);
}

SHELL_COMMAND(
	lspci, "[-v] [-t] [-x|-xxx|-xxxx] [-j] [[-s] BDF]",
	"list PCI functions\n-v details, -t tree, -x first 64 bytes (-xxx 256, -xxxx 4096), "
	"-j one line of JSON",
	lspci_command);
