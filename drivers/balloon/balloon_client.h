// SPDX-License-Identifier: MIT
/*
 * Every balloon that runs, whoever its host is: what the `balloon` command lists. A client adds
 * itself once it follows its host, and takes itself out before it goes away.
 */
#ifndef DRIVERS_BALLOON_BALLOON_CLIENT_H
#define DRIVERS_BALLOON_BALLOON_CLIENT_H

#include <kernel/list.h>
#include <stdint.h>

#define BALLOON_CLIENT_COUNTERS 6

struct balloon_client_counter {
	const char *name;
	uint64_t value;
};

/* In base pages. Counters end with the first without a name. */
struct balloon_client_report {
	const char *state;
	uint64_t target;
	uint64_t actual; /* what the host has */
	uint64_t isolated;
	struct balloon_client_counter counters[BALLOON_CLIENT_COUNTERS];
};

struct balloon_client {
	const char *name;
	/* `report` is zeroed. Thread context; must not wait for the host. */
	void (*report)(struct balloon_client *client, struct balloon_client_report *report);
	struct list_head link;
};

/* Thread context. */
void balloon_client_add(struct balloon_client *client);
/* Afterwards nobody is inside its report. */
void balloon_client_remove(struct balloon_client *client);

#endif
