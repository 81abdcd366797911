// SPDX-License-Identifier: MIT
/*
 * EBCDIC, code page 500, which consoles of service processors speak. Pure functions on bytes.
 */
#ifndef PLATFORM_S390X_EBCDIC_H
#define PLATFORM_S390X_EBCDIC_H

#include <stddef.h>
#include <stdint.h>

/* What is no printable ASCII becomes a blank. */
uint8_t ebcdic_from_ascii(char c);
/* What has no printable ASCII character becomes '?'. */
char ebcdic_to_ascii(uint8_t code);

#endif
