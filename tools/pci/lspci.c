// SPDX-License-Identifier: MIT
/*
 * The command lspci. What it prints is in lspci_list.c, details of -v in lspci_details.c, the
 * tree in lspci_tree.c.
 */
#include <tools/pci/lspci.h>
#include <errno.h>
#include <kernel/json.h>
#include <kernel/log.h>
#include <kernel/shell.h>
#include <tools/pci/names.h>
#include <string.h>

/* What the arguments ask for. */
struct request {
	bool details;
	bool tree;
	bool json;
	unsigned bytes;
	const struct pci_device *one; /* NULL: all */
};

static void json_function(struct json *json, const struct pci_device *device)
{
	char text[PCI_ADDRESS_TEXT], type[PCI_NAME_TEXT];

	json_object(json, NULL);
	json_string(json, "address", pci_address_format(device->address, text));
	json_format(json, "vendor", "%04x", device->vendor);
	json_format(json, "device", "%04x", device->device);
	json_format(json, "class", "%06x", (unsigned)device->class_code);
	json_number(json, "revision", device->revision);
	json_number(json, "header", device->header_type);
	json_string(json, "type", pci_port_type_name(device, type));
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
		if (!request->one || device == request->one)
			json_function(&json, device);
	}
	json_finish(&json);
}

static bool parse_option(const char *option, struct request *request)
{
	request->details |= strcmp(option, "-v") == 0;
	request->tree |= strcmp(option, "-t") == 0;
	request->json |= strcmp(option, "-j") == 0;
	if (strcmp(option, "-x") == 0)
		request->bytes = 64;
	else if (strcmp(option, "-xxx") == 0)
		request->bytes = PCI_SPACE_CONVENTIONAL;
	else if (strcmp(option, "-xxxx") == 0)
		request->bytes = PCI_SPACE_EXPRESS;
	else
		return option[0] == '-' && strchr("vtjs", option[1]) && strlen(option) == 2;
	return true;
}

static int parse(const struct pci_fabric *fabric, int argc, char **argv,
		 struct request *request)
{
	struct pci_address address;

	for (int i = 1; i < argc; i++) {
		int length = pci_address_parse(argv[i], &address);

		if (parse_option(argv[i], request))
			continue;
		if (length < 0 || argv[i][length] != '\0') {
			print("lspci: \"%s\" is neither an option nor an address; try: help "
			      "lspci\n",
			      argv[i]);
			return -EINVAL;
		}
		request->one = pci_device_find(fabric, address);
		if (!request->one) {
			print("lspci: there is no function at %s; lspci lists all\n", argv[i]);
			return -ENODEV;
		}
	}
	return 0;
}

int lspci_run(struct pci_fabric *fabric, int argc, char **argv)
{
	struct request request = {0};
	struct pci_device *device;
	int error = parse(fabric, argc, argv, &request);

	if (error != 0)
		return error;
	if (request.json)
		print_json(fabric, &request);
	else if (request.tree)
		lspci_print_tree(fabric);
	pci_for_each_device (device, fabric) {
		if (request.json || request.tree || (request.one && device != request.one))
			continue;
		lspci_print_function(device, request.details);
		if (request.details)
			lspci_print_details(device);
		lspci_print_bytes(device, request.bytes);
		if (request.details || request.bytes)
			print("\n");
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
