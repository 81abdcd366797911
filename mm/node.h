// SPDX-License-Identifier: MIT
/*
 * NUMA nodes, numbered densely from 0 in the order the firmware names them: those with memory,
 * then those that only have CPUs. Memory and CPUs that no entry names belong to node 0.
 */
#ifndef MM_NODE_H
#define MM_NODE_H

#include <platform/types.h>

/* Read the firmware's table; more than `max` domains are folded into the last node. */
void nodes_init(unsigned max);
unsigned node_count(void);

/* Node of a frame; *until: the next frame at which the answer may change. */
unsigned node_at(uint64_t frame, uint64_t *until);

/* Node of the CPU that the firmware calls so; of two entries for it the first counts. */
unsigned node_of_firmware_cpu(uint32_t id);

/* Relative distance, 10: the same node. */
unsigned node_distance(unsigned from, unsigned to);

#endif
