// SPDX-License-Identifier: MIT
/*
 * lspci -t: the first child stands on its bridge's line, the others below it, and several root
 * buses below each other. No recursion: the columns of the open levels are remembered, and
 * beyond LEVELS_MAX the tree is cut.
 */
#include <tools/pci/lspci.h>
#include <kernel/format.h>
#include <kernel/log.h>
#include <string.h>

#define LEVELS_MAX 24
#define LINE_MAX   320

struct tree {
	char line[LINE_MAX];
	unsigned column[LEVELS_MAX];
	const struct pci_device *open[LEVELS_MAX]; /* the function printed last on each level */
	unsigned level;
	bool last; /* no root bus after this one */
};

/* The function's own text at the end of the line, with the connector that leads to it. */
static void put_function(struct tree *tree, const struct pci_device *device, bool first)
{
	const char *connector = "---";
	bool more = pci_next_sibling(device) != NULL;

	if (first)
		tree->column[tree->level] = (unsigned)strlen(tree->line) + 1;
	if (more)
		connector = first ? "-+-" : "+-";
	else if (!first)
		connector = "\\-";
	tree->open[tree->level] = device;
	format_append(tree->line, sizeof(tree->line), "%s%02x.%x", connector,
		      pci_address_device(device->address),
		      pci_address_function(device->address));
	if (!pci_device_is_bridge(device))
		return;
	if (device->subordinate > device->secondary)
		format_append(tree->line, sizeof(tree->line), "-[%02x-%02x]-",
			      device->secondary, device->subordinate);
	else
		format_append(tree->line, sizeof(tree->line), "-[%02x]-", device->secondary);
}

/* Bars of the levels that go on, up to the column of the present one. */
static void start_line(struct tree *tree)
{
	print("%s\n", tree->line);
	memset(tree->line, ' ', sizeof(tree->line));
	tree->line[1] = tree->last ? ' ' : '|';
	for (unsigned i = 0; i < tree->level; i++) {
		if (pci_next_sibling(tree->open[i]))
			tree->line[tree->column[i]] = '|';
	}
	tree->line[tree->column[tree->level]] = '\0';
}

static void print_root(const struct pci_device *first, const char *prefix, bool last)
{
	struct tree tree = {.last = last};
	const struct pci_device *next = first;

	format_append(tree.line, sizeof(tree.line), "%s[%04x:%02x]", prefix,
		      (unsigned)first->address.segment, first->address.bus);
	put_function(&tree, first, true);
	for (;;) {
		next = pci_first_child(tree.open[tree.level]);
		if (next && tree.level + 1 < LEVELS_MAX &&
		    strlen(tree.line) + 24 < sizeof(tree.line)) {
			tree.level++;
			put_function(&tree, next, true);
			continue;
		}
		while (!(next = pci_next_sibling(tree.open[tree.level])) && tree.level > 0)
			tree.level--;
		if (!next)
			break;
		start_line(&tree);
		put_function(&tree, next, false);
	}
	print("%s\n", tree.line);
}

/* The first function of the next root bus; NULL: there is none. after NULL: of the first one.
 */
static const struct pci_device *next_root(const struct pci_fabric *fabric,
					  const struct pci_device *after)
{
	const struct list_head *link = after ? after->link.next : fabric->devices.next;

	for (; link != &fabric->devices; link = link->next) {
		const struct pci_device *device = list_entry(link, struct pci_device, link);

		if (!device->parent && (!after || after->address.bus != device->address.bus ||
					after->address.segment != device->address.segment))
			return device;
	}
	return NULL;
}

void lspci_print_tree(const struct pci_fabric *fabric)
{
	const struct pci_device *first = next_root(fabric, NULL), *root = first;

	for (const struct pci_device *next; root; root = next) {
		next = next_root(fabric, root);
		if (root == first)
			print_root(root, next ? "-+-" : "-", !next);
		else
			print_root(root, next ? " +-" : " \\-", !next);
	}
}
