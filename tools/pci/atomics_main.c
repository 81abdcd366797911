// SPDX-License-Identifier: MIT
/*
 * The AtomicOps report on the developer's machine, from what `lspci` printed on another one:
 *   lspci -xxxx | atomics -        ssh desk sudo lspci -vvv | atomics -        atomics FILE...
 * Host program: it reads files with the host's C library and hands their text to the kernel's
 * own sources.
 */
#include <errno.h>
#include <kernel/kmem.h>
#include <kernel/log.h>
#include <pci/enumerate.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tools/pci/atomic_report.h>
#include <tools/pci/dump.h>
#include <tools/pci/names.h>

/* A full dump of 65,536 functions has 850 MB; nobody pastes more. */
#define TEXT_MAX    (1024ul * 1024 * 1024)
#define WORDS_MAX   8
#define NOTES_SHOWN 3u

static const char help[] =
	"usage: atomics [-j] [BDF] FILE...      (FILE - is standard input)\n"
	"\n"
	"Do PCIe AtomicOps reach host memory, from which device and slot, and why not? Reads "
	"what\n"
	"lspci printed: -xxxx (best), -xxx, -vvv or both, as root; quoting, wrapping and text "
	"around\n"
	"it do not matter. What the text does not show is UNKNOWN.\n"
	"  -j    one line of JSON a file\n"
	"  BDF   only this function, as 03:00.0 or 0000:03:00.0\n"
	"Status: 0 a report was printed for every file, 1 not, 2 wrong use\n";

static void *zeroed(size_t size)
{
	return calloc(1, size);
}

static const struct kmem_operations memory = {.alloc = zeroed, .free = free};

/* The whole text, to be freed; NULL after a message. */
static char *read_all(const char *name, size_t *length)
{
	FILE *file = strcmp(name, "-") == 0 ? stdin : fopen(name, "rb");
	size_t room = 65536;
	char *text = file ? malloc(room) : NULL;

	*length = 0;
	while (text && *length < TEXT_MAX) {
		size_t got = fread(text + *length, 1, room - *length, file);
		char *larger;

		if (got == 0)
			break;
		*length += got;
		if (*length < room)
			continue;
		larger = realloc(text, room *= 2);
		if (!larger)
			free(text);
		text = larger;
	}
	if (!text || ferror(file)) {
		fprintf(stderr, "atomics: %s: %s\n", name, strerror(errno));
		free(text);
		text = NULL;
	}
	if (file && file != stdin)
		fclose(file);
	return text;
}

/* What the input lacks, on standard error: the report is for other programs too. Of each kind
 * the first few, then how many there are. */
static void print_notes(const struct pci_dump_report *report, const char *name)
{
	unsigned shown[PCI_DUMP_COMPLAINTS] = {0};

	for (unsigned i = 0; i < report->note_count; i++) {
		const struct pci_dump_note *note = &report->notes[i];
		char address[PCI_ADDRESS_TEXT];

		if (shown[note->complaint]++ < NOTES_SHOWN)
			fprintf(stderr, "atomics: %s:%u: %s: %s\n", name, note->line,
				pci_address_format(note->address, address),
				pci_dump_complaint_text(note->complaint));
	}
	for (unsigned i = 0; i < PCI_DUMP_COMPLAINTS; i++) {
		if (report->counts[i] > NOTES_SHOWN)
			fprintf(stderr, "atomics: %s: %u times in all: %s\n", name,
				report->counts[i], pci_dump_complaint_text(i));
	}
}

static int report_machine(const char *name, struct pci_image *image, bool from_text, int count,
			  char **words)
{
	struct pci_fabric fabric;
	char access[512];
	struct atomic_report report = {.fabric = &fabric, .firmware = "", .access = access};
	int error;

	/* A register's value is printed in full; from text only what concerns AtomicOps is
	 * true. */
	snprintf(access, sizeof(access), "%s%s", name,
		 from_text ? " (text: of registers only the AtomicOps bits are known)" : "");
	pci_fabric_init(&fabric, &image->access);
	error = pci_enumerate(&fabric);
	if (error == 0)
		error = atomics_run(&report, count, words);
	else
		fprintf(stderr, "atomics: %s: out of memory\n", name);
	pci_fabric_clear(&fabric);
	return error;
}

static int report_file(const char *name, int count, char **words)
{
	struct pci_image image;
	struct pci_dump_report report;
	size_t length;
	char *text = read_all(name, &length);
	int error;

	if (!text)
		return -EIO;
	pci_image_init(&image, true);
	error = pci_dump_parse(text, length, &image, &report);
	free(text);
	if (error == -EINVAL)
		fprintf(stderr,
			"atomics: %s: no line begins with the address of a function; is this "
			"what lspci printed?\n",
			name);
	else if (error != 0)
		fprintf(stderr, "atomics: %s: out of memory\n", name);
	if (error == 0) {
		print_notes(&report, name);
		error = report_machine(name, &image, report.from_text != 0, count, words);
	}
	pci_image_destroy(&image);
	return error;
}

static bool is_address(const char *word)
{
	struct pci_address address;
	int length = pci_address_parse(word, &address);

	return length > 0 && word[length] == '\0';
}

int main(int argc, char **argv)
{
	char command[] = "atomics";
	char *words[WORDS_MAX] = {command};
	int count = 1, files = 0, failed = 0;

	kmem_register(&memory);
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "-h") == 0 || strcmp(argv[i], "--help") == 0) {
			fputs(help, stdout);
			return 0;
		}
		if ((strcmp(argv[i], "-j") == 0 || is_address(argv[i])) && count < WORDS_MAX)
			words[count++] = argv[i];
		else if (argv[i][0] == '-' && argv[i][1] != '\0')
			fprintf(stderr, "atomics: no option is called %s\n%s", argv[i], help);
		else
			argv[files++] = argv[i];
		if (argv[i][0] == '-' && argv[i][1] != '\0' && strcmp(argv[i], "-j") != 0)
			return 2;
	}
	if (files == 0) {
		fputs(help, stderr);
		return 2;
	}
	for (int i = 0; i < files; i++)
		failed |= report_file(argv[i], count, words) != 0;
	return failed;
}
