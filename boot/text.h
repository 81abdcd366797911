// SPDX-License-Identifier: MIT
/*
 * Text in the loader, which has no C library: appending, and UTF-16 of firmware to ASCII.
 */
#ifndef BOOT_TEXT_H
#define BOOT_TEXT_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

/* Append to the string in text[size]; what does not fit is cut. */
void text_append(char *text, size_t size, const char *more);
void text_append_hex(char *text, size_t size, uint64_t value);

/* As vsnprintf: %s %c %d %u %x %%, flags - 0 #, widths, precision of %s, lengths h l ll z. */
int text_format_va(char *text, size_t size, const char *pattern, va_list args);

/* UTF-16 units up to length or a zero, to text[size], terminated; what is no ASCII becomes '?'.
 * Number of characters. */
size_t text_from_utf16(char *text, size_t size, const uint16_t *wide, size_t length);

/*
 * EFI load options (bytes, UTF-16, perhaps not terminated) to a command line: a first word that
 * names a program ("\EFI\...\quire.efi", as the UEFI shell passes it) is dropped. Length, or
 * -ENOENT when what is there is no command line (command_line_plausible()).
 */
int text_from_load_options(char *text, size_t size, const void *options, size_t bytes);

/* Make the contents of a text file one line: control characters and what is no ASCII become
 * blanks. */
void text_flatten(char *text);

#endif
