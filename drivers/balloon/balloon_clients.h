// SPDX-License-Identifier: MIT
/*
 * The lines of all clients in the report of the `balloon` command.
 */
#ifndef DRIVERS_BALLOON_BALLOON_CLIENTS_H
#define DRIVERS_BALLOON_BALLOON_CLIENTS_H

#include <kernel/json.h>

/* One object each, into an open array. */
void balloon_clients_json(struct json *json);
/* One line each; how many. */
unsigned balloon_clients_text(void);

#endif
