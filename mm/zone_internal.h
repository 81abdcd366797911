// SPDX-License-Identifier: MIT
/*
 * What zone_init.c leaves for zone.c.
 */
#ifndef MM_ZONE_INTERNAL_H
#define MM_ZONE_INTERNAL_H

#include <mm/zone.h>

/* For a request that prefers a node: zones by distance, then from the highest type down. */
extern uint8_t zone_fallback[NODES_MAX][ZONES_MAX];

/* order[]: numbers of the zones in list[], in the order in which a request that prefers the
 * node asks them. */
void zones_order(unsigned node, struct zone *const *list, unsigned count,
		 unsigned (*distance)(unsigned from, unsigned to), uint8_t *order);

/* May a request with this node and these flags (FOLIO_*) use the zone at all? */
bool zone_serves(const struct zone *zone, int node, unsigned flags);

#endif
