// SPDX-License-Identifier: MIT
/*
 * An answer to "do AtomicOps reach memory?" that shares nothing with pci/: it plays out every
 * world that is possible behind what cannot be read. It includes no header of pci/.
 */
#ifndef TESTS_PCI_ATOMIC_ORACLE_H
#define TESTS_PCI_ATOMIC_ORACLE_H

#include <stdbool.h>

#define ORACLE_PORTS_MAX 4

enum oracle_answer { ORACLE_YES, ORACLE_NO, ORACLE_OPEN };

struct oracle_port {
	bool upstream;
	bool readable;
	bool routes;
	bool blocks;
};

/* Ports from the requester up; then the root, which completes the sizes in a set of bits. */
struct oracle_path {
	unsigned count;
	struct oracle_port ports[ORACLE_PORTS_MAX];
	bool root_visible;
	unsigned completes;
};

/* For one size, given as its bit. YES: delivered in every possible world; NO: in none. */
enum oracle_answer oracle_ask(const struct oracle_path *path, unsigned size);

#endif
