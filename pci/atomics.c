// SPDX-License-Identifier: MIT
/*
 * The command atomics: report, JSON, and enabling on an explicit wish.
 */
#include <pci/atomic_report.h>
#include <errno.h>
#include <kernel/boot_info.h>
#include <kernel/kmem.h>
#include <kernel/log.h>
#include <kernel/shell.h>
#include <pci/hardware.h>
#include <platform/pci_config.h>
#include <string.h>

enum action { ACTION_REPORT, ACTION_ENABLE, ACTION_CLEAR };

struct request {
	enum action action;
	bool json;
	uint32_t sizes;
	struct pci_device *device;
};

/* "32,64": 0 when a word is not a size. */
static uint32_t parse_sizes(const char *text)
{
	uint32_t mask = 0;

	for (;;) {
		size_t length = strcspn(text, ",");

		if (length == 2 && memcmp(text, "32", 2) == 0)
			mask |= ATOMIC_32;
		else if (length == 2 && memcmp(text, "64", 2) == 0)
			mask |= ATOMIC_64;
		else if (length == 3 && memcmp(text, "128", 3) == 0)
			mask |= ATOMIC_128;
		else
			return 0;
		if (text[length] == '\0')
			return mask;
		text += length + 1;
	}
}

static int parse_address(const struct atomic_report *report, const char *word,
			 struct request *request)
{
	struct pci_address address;
	int length = pci_address_parse(word, &address);

	if (length < 0 || word[length] != '\0') {
		print("atomics: \"%s\" is neither an option nor an address; try: help "
		      "atomics\n",
		      word);
		return -EINVAL;
	}
	request->device = pci_device_find(report->fabric, address);
	if (request->device)
		return 0;
	print("atomics: there is no function at %s; lspci lists all\n", word);
	return -ENODEV;
}

static int parse(const struct atomic_report *report, int argc, char **argv,
		 struct request *request)
{
	for (int i = 1; i < argc; i++) {
		int error = 0;

		if (strcmp(argv[i], "-j") == 0)
			request->json = true;
		else if (strcmp(argv[i], "--enable") == 0)
			request->action = ACTION_ENABLE;
		else if (strcmp(argv[i], "--clear") == 0)
			request->action = ACTION_CLEAR;
		else if (strcmp(argv[i], "--sizes") == 0 && i + 1 < argc)
			request->sizes = parse_sizes(argv[++i]);
		else
			error = parse_address(report, argv[i], request);
		if (error != 0)
			return error;
	}
	if (request->action == ACTION_REPORT || request->device)
		return 0;
	print("atomics: say which function: atomics --enable BDF --sizes 32,64\n");
	return -EINVAL;
}

static int enable(const struct request *request)
{
	struct atomic_result *result = kmem_alloc(sizeof(*result));
	int error = -ENOMEM;

	if (!result) {
		print("atomics: out of memory\n");
		return error;
	}
	error = atomic_ops_enable_to_root(request->device, request->sizes, result);
	print("enabled: %s\n", error == 0 ? "yes" : "no");
	for (unsigned i = 0; i < result->finding_count; i++)
		print(" %s: %s\n", atomic_reason_name(result->findings[i].reason),
		      atomic_reason_text(result->findings[i].reason));
	kmem_free(result);
	return error;
}

static int clear(const struct request *request)
{
	int error = atomic_ops_disable(request->device);

	if (error == -ENODEV)
		print("atomics: this function has no enable bit of its own\n");
	else
		print("cleared: %s\n", error == 0 ? "yes" : "no, the bit did not change");
	return error;
}

int atomics_run(const struct atomic_report *report, int argc, char **argv)
{
	struct request request = {.sizes = ATOMIC_32 | ATOMIC_64};
	int error = parse(report, argc, argv, &request);

	if (error != 0)
		return error;
	if (request.action == ACTION_ENABLE)
		return enable(&request);
	if (request.action == ACTION_CLEAR)
		return clear(&request);
	return request.json ? atomic_report_print_json(report, request.device)
			    : atomic_report_print(report, request.device);
}

static int atomics_command(int argc, char **argv)
{
	struct atomic_report report = {.fabric = &pci_fabric};

	if (pci_fabric.device_count == 0) {
		print("atomics: this machine has no PCI functions\n");
		return -ENODEV;
	}
	report.firmware = boot_info->firmware;
	report.access = pci_hardware_description();
	report.hypervisor = platform_under_hypervisor();
	return atomics_run(&report, argc, argv);
}

SHELL_COMMAND(
	atomics, "[-j] [BDF] | --enable BDF [--sizes 32,64,128] | --clear BDF",
	"do AtomicOps reach memory, from which device and slot, and why not\n--enable sets "
	"the requester bit if every hop confirms; --clear takes it away",
	atomics_command);
