// SPDX-License-Identifier: MIT
/*
 * The one file that knows the version, so that a commit recompiles nothing else.
 */
#include <kernel/banner.h>
#include <kernel/format.h>
#include <kernel/version.h>

const char quire_version[] = QUIRE_VERSION;

/* The note as the linker wrote it: name and description sizes, type, "GNU", then the id. */
extern const unsigned char kernel_build_id[] __attribute__((weak));
extern const unsigned char kernel_build_id_end[] __attribute__((weak));

#define NOTE_HEADER 16

const char *quire_build_id(char *text, size_t size)
{
	const unsigned char *volatile note = kernel_build_id;

	format(text, size, "%s", note ? "" : "unknown");
	if (!note)
		return text;
	for (const unsigned char *byte = note + NOTE_HEADER; byte < kernel_build_id_end; byte++)
		format_append(text, size, "%02x", *byte);
	return text;
}
