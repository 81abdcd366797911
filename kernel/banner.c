// SPDX-License-Identifier: MIT
/*
 * The one file that knows the version, so that a commit recompiles nothing else; and the taint.
 */
#include <kernel/banner.h>
#include <kernel/format.h>
#include <kernel/version.h>
#include <stdatomic.h>

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

static const char *_Atomic taint;

void kernel_taint(const char *why)
{
	const char *none = NULL;

	atomic_compare_exchange_strong(&taint, &none, why);
}

const char *kernel_tainted(void)
{
	return atomic_load(&taint);
}
