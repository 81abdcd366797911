// SPDX-License-Identifier: MIT
/*
 * The oracle: a request is carried up the path in each possible world. Two bits of the world's
 * number say what an unreadable port does, one what a hidden root completes.
 */
#include <tests/pci/atomic_oracle.h>

static bool passes(const struct oracle_port *port, unsigned world)
{
	bool routes = port->readable ? port->routes : world & 1;
	bool blocks = port->readable ? port->blocks : world >> 1 & 1;

	return routes && !(port->upstream && blocks);
}

static bool delivered(const struct oracle_path *path, unsigned size, unsigned world)
{
	for (unsigned i = 0; i < path->count; i++) {
		if (!passes(&path->ports[i], world >> (2 * i)))
			return false;
	}
	if (!path->root_visible)
		return world >> (2 * ORACLE_PORTS_MAX) & 1;
	return path->completes & size;
}

enum oracle_answer oracle_ask(const struct oracle_path *path, unsigned size)
{
	bool some = false, all = true;

	for (unsigned world = 0; world < 2u << (2 * ORACLE_PORTS_MAX); world++) {
		bool arrives = delivered(path, size, world);

		some |= arrives;
		all &= arrives;
	}
	return all ? ORACLE_YES : some ? ORACLE_OPEN : ORACLE_NO;
}
