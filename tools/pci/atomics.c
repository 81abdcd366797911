// SPDX-License-Identifier: MIT
/*
 * The command atomics: report, JSON, and enabling on an explicit wish.
 */
#include <tools/pci/atomic_report.h>
#include <errno.h>
#include <kernel/boot_info.h>
#include <kernel/kmem.h>
#include <kernel/log.h>
#include <kernel/shell.h>
#include <pci/hardware.h>
#include <platform/pci_config.h>
#include <string.h>
#include <tools/pci/atomic_words.h>
#include <tools/pci/names.h>

struct request {
	bool json;
	bool enable;
	bool clear;
	uint32_t sizes;
	struct pci_device *device;
};

/* "32,64": 0 when a word is not a size. */
static uint32_t parse_sizes(const char *text)
{
	uint32_t mask = 0;

	for (;; text++) {
		size_t length = strcspn(text, ",");

		if (length == 2 && memcmp(text, "32", 2) == 0)
			mask |= ATOMIC_32;
		else if (length == 2 && memcmp(text, "64", 2) == 0)
			mask |= ATOMIC_64;
		else if (length == 3 && memcmp(text, "128", 3) == 0)
			mask |= ATOMIC_128;
		else
			return 0;
		text += length;
		if (*text == '\0')
			return mask;
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
	if (!request->device)
		print("atomics: there is no function at %s; lspci lists all\n", word);
	return request->device ? 0 : -ENODEV;
}

static int parse(const struct atomic_report *report, int argc, char **argv,
		 struct request *request)
{
	int error = 0;

	for (int i = 1; i < argc && error == 0; i++) {
		if (strcmp(argv[i], "-j") == 0)
			request->json = true;
		else if (strcmp(argv[i], "--enable") == 0)
			request->enable = true;
		else if (strcmp(argv[i], "--clear") == 0)
			request->clear = true;
		else if (strcmp(argv[i], "--sizes") == 0 && i + 1 < argc)
			request->sizes = parse_sizes(argv[++i]);
		else
			error = parse_address(report, argv[i], request);
	}
	if (error == 0 && (request->enable || request->clear) && !request->device) {
		print("atomics: say which function: atomics --enable BDF --sizes 32,64\n");
		error = -EINVAL;
	}
	return error;
}

static int enable(const struct request *request)
{
	struct atomic_result *result = kmem_alloc(sizeof(*result));
	int error;

	if (!result) {
		print("atomics: out of memory\n");
		return -ENOMEM;
	}
	error = atomic_ops_enable_to_root(request->device, request->sizes, result);
	print("enabled: %s\n", error == 0 ? "yes" : "no");
	for (unsigned i = 0; i < result->finding_count; i++)
		print(" %s: %s\n", atomic_words[result->findings[i].reason].name,
		      atomic_words[result->findings[i].reason].text);
	kmem_free(result);
	return error;
}

static int clear(const struct request *request)
{
	int error = atomic_ops_disable(request->device);

	print(error == 0         ? "cleared: yes\n"
	      : error == -ENODEV ? "atomics: this function has no enable bit of its own\n"
				 : "cleared: no, the bit did not change\n");
	return error;
}

int atomics_run(const struct atomic_report *report, int argc, char **argv)
{
	struct request request = {.sizes = ATOMIC_32 | ATOMIC_64};
	int error = parse(report, argc, argv, &request);

	if (error != 0)
		return error;
	if (request.enable)
		return enable(&request);
	if (request.clear)
		return clear(&request);
	return atomic_report_print(report, request.device, request.json);
}

static int atomics_command(int argc, char **argv)
{
	struct atomic_report report = {&pci_fabric, boot_info->firmware,
				       pci_hardware_description(), platform_under_hypervisor()};

	if (pci_fabric.device_count == 0) {
		print("atomics: this machine has no PCI functions\n");
		return -ENODEV;
	}
	return atomics_run(&report, argc, argv);
}

SHELL_COMMAND(
	atomics, "[-j] [BDF] | --enable BDF [--sizes 32,64,128] | --clear BDF",
	"do AtomicOps reach memory, from which device and slot, and why not\n--enable sets "
	"the requester bit if every hop confirms; --clear takes it away",
	atomics_command);
