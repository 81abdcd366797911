// SPDX-License-Identifier: MIT
/*
 * Small text tools of the loader; portable, tested hosted.
 */
#include <boot/text.h>

#include <errno.h>
#include <kernel/bits.h>
#include <kernel/command_line.h>

void text_append(char *text, size_t size, const char *more)
{
	size_t used = strlen(text);

	while (*more && used + 1 < size)
		text[used++] = *more++;
	text[used] = '\0';
}

void text_append_hex(char *text, size_t size, uint64_t value)
{
	char digits[19] = "0x";
	unsigned length = 2;
	unsigned shift = 60;

	while (shift > 0 && value >> shift == 0)
		shift -= 4;
	for (;; shift -= 4) {
		digits[length++] = "0123456789abcdef"[value >> shift & 15];
		if (shift == 0)
			break;
	}
	digits[length] = '\0';
	text_append(text, size, digits);
}

size_t text_from_utf16(char *text, size_t size, const uint16_t *wide, size_t length)
{
	size_t used = 0;

	for (; used < length && used + 1 < size && wide[used] != 0; used++)
		text[used] = wide[used] >= ' ' && wide[used] <= '~' ? (char)wide[used] : '?';
	text[used] = '\0';
	return used;
}

/* Does the word [text, end) name an EFI program? */
static bool names_program(const char *text, const char *end)
{
	static const char suffix[] = ".efi";
	size_t length = (size_t)(end - text);

	if (length < 4 || memchr(text, '=', length))
		return false;
	for (unsigned i = 0; i < 4; i++)
		if ((end[(int)i - 4] | (suffix[i] == '.' ? 0 : 0x20)) != suffix[i])
			return false;
	return true;
}

int text_from_load_options(char *text, size_t size, const void *options, size_t bytes)
{
	const uint8_t *raw = options;
	size_t length = 0;

	for (; length + 1 < size && length < bytes / 2; length++) {
		uint16_t unit = le16_load(raw + 2 * length);

		if (unit == 0)
			break;
		/* What is no ASCII must not pass for text. */
		text[length] = unit < 0x7f ? (char)unit : '\x7f';
	}
	text[length] = '\0';
	if (!command_line_plausible(text, length))
		return -ENOENT;
	size_t first = strcspn(text, " ");
	if (names_program(text, text + first)) {
		first += strspn(text + first, " ");
		memmove(text, text + first, length - first + 1);
		length -= first;
	}
	return (int)length;
}

void text_flatten(char *text)
{
	for (; *text; text++)
		if (*text < ' ' || *text > '~')
			*text = ' ';
}
