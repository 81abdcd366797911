// SPDX-License-Identifier: MIT
/*
 * Operations on folios, blocks, DMA buffers and small objects, decoded from bytes, beside an
 * oracle: a list of what is held with its references, and a stamp at both ends of it that
 * nobody else may touch. Needs the running memory core.
 */
#ifndef TESTS_MODEL_OBJECTS_PLAY_H
#define TESTS_MODEL_OBJECTS_PLAY_H

#include <tests/model/bytes.h>

/* Play the whole program, give everything back, and compare free memory with before. What went
 * wrong first, or NULL. One at a time; thread context. */
const char *objects_play(struct bytes program);

#endif
