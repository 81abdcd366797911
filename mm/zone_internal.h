// SPDX-License-Identifier: MIT
/*
 * What zone_init.c leaves for zone.c.
 */
#ifndef MM_ZONE_INTERNAL_H
#define MM_ZONE_INTERNAL_H

#include <mm/zone.h>

/* For a request that prefers a node: zones by distance, then from the highest type down. */
extern uint8_t zone_fallback[NODES_MAX][ZONES_MAX];

/* May a request with this node and these flags (FOLIO_*) use the zone at all? */
bool zone_serves(const struct zone *zone, int node, unsigned flags);

#endif
