// SPDX-License-Identifier: MIT
/*
 * Catches what log and print write while a test looks at text.
 */
#ifndef TESTS_KERNEL_TEXT_SINK_H
#define TESTS_KERNEL_TEXT_SINK_H

#include <stddef.h>

/* Divert the console into a buffer, emptied first. */
void text_sink_open(void);
/* Give the console back; what was caught, terminated, valid until the next open. */
const char *text_sink_close(void);
/* What has been caught so far. */
const char *text_sink_peek(void);

#endif
