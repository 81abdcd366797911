// SPDX-License-Identifier: MIT
/*
 * PC keyboard decoding. Set 2 codes are first translated to set 1, as the controller itself
 * does when translation is on (table: the published PS/2 translation).
 */
#include "keyboard.h"

#include <kernel/bits.h>

#define CODE_EXTENDED 0xe0
#define CODE_PAUSE    0xe1
#define CODE_RELEASE  0xf0 /* set 2 */

#define KEY_CONTROL     0x1d
#define KEY_LEFT_SHIFT  0x2a
#define KEY_RIGHT_SHIFT 0x36
#define KEY_CAPS        0x3a

/* Index: set 1 code. */
static const char plain_keys[] =
	"\0\x1b"
	"1234567890-=\x7f\tqwertyuiop[]\r\0asdfghjkl;'`\0\\zxcvbnm,./\0*\0 ";
static const char shift_keys[] =
	"\0\x1b"
	"!@#$%^&*()_+\x7f\tQWERTYUIOP{}\r\0ASDFGHJKL:\"~\0|ZXCVBNM<>?\0*\0 ";

/* Index: set 2 code below 0x84; value: set 1 code, 0 none. */
// clang-format off
static const uint8_t from_set2[0x84] = {
	[0x01] = 0x43, [0x03] = 0x3f, [0x04] = 0x3d, [0x05] = 0x3b, [0x06] = 0x3c, [0x07] = 0x58,
	[0x09] = 0x44, [0x0a] = 0x42, [0x0b] = 0x40, [0x0c] = 0x3e, [0x0d] = 0x0f, [0x0e] = 0x29,
	[0x11] = 0x38, [0x12] = 0x2a, [0x14] = 0x1d, [0x15] = 0x10, [0x16] = 0x02, [0x1a] = 0x2c,
	[0x1b] = 0x1f, [0x1c] = 0x1e, [0x1d] = 0x11, [0x1e] = 0x03, [0x21] = 0x2e, [0x22] = 0x2d,
	[0x23] = 0x20, [0x24] = 0x12, [0x25] = 0x05, [0x26] = 0x04, [0x29] = 0x39, [0x2a] = 0x2f,
	[0x2b] = 0x21, [0x2c] = 0x14, [0x2d] = 0x13, [0x2e] = 0x06, [0x31] = 0x31, [0x32] = 0x30,
	[0x33] = 0x23, [0x34] = 0x22, [0x35] = 0x15, [0x36] = 0x07, [0x3a] = 0x32, [0x3b] = 0x24,
	[0x3c] = 0x16, [0x3d] = 0x08, [0x3e] = 0x09, [0x41] = 0x33, [0x42] = 0x25, [0x43] = 0x17,
	[0x44] = 0x18, [0x45] = 0x0b, [0x46] = 0x0a, [0x49] = 0x34, [0x4a] = 0x35, [0x4b] = 0x26,
	[0x4c] = 0x27, [0x4d] = 0x19, [0x4e] = 0x0c, [0x52] = 0x28, [0x54] = 0x1a, [0x55] = 0x0d,
	[0x58] = 0x3a, [0x59] = 0x36, [0x5a] = 0x1c, [0x5b] = 0x1b, [0x5d] = 0x2b, [0x66] = 0x0e,
	[0x69] = 0x4f, [0x6b] = 0x4b, [0x6c] = 0x47, [0x70] = 0x52, [0x71] = 0x53, [0x72] = 0x50,
	[0x74] = 0x4d, [0x75] = 0x48, [0x76] = 0x01, [0x78] = 0x57, [0x7a] = 0x51, [0x7d] = 0x49,
	[0x83] = 0x41,
};
// clang-format on

/* Last character of ESC [ x for the grey keys, by set 1 code behind 0xe0; 0 none. */
static char cursor_key(uint8_t key)
{
	switch (key) {
	case 0x47:
		return 'H'; /* home */
	case 0x48:
		return 'A'; /* up */
	case 0x4b:
		return 'D'; /* left */
	case 0x4d:
		return 'C'; /* right */
	case 0x4f:
		return 'F'; /* end */
	case 0x50:
		return 'B'; /* down */
	case 0x53:
		return '3'; /* delete: ESC [ 3 ~ */
	default:
		return 0;
	}
}

static size_t type_extended(uint8_t key, char *text)
{
	char last = cursor_key(key);

	if (key == 0x1c || key == 0x35) { /* keypad enter and slash */
		text[0] = key == 0x1c ? '\r' : '/';
		return 1;
	}
	if (!last)
		return 0;
	text[0] = 0x1b;
	text[1] = '[';
	text[2] = last;
	text[3] = '~';
	return last == '3' ? 4 : 3;
}

static size_t type_plain(const struct keyboard *keyboard, uint8_t key, char *text)
{
	if (key >= sizeof(plain_keys) - 1 || plain_keys[key] == 0)
		return 0;
	bool letter = plain_keys[key] >= 'a' && plain_keys[key] <= 'z';
	bool shifted = keyboard->shift != (letter && keyboard->caps);
	char c = shifted ? shift_keys[key] : plain_keys[key];

	if (keyboard->control && letter)
		c = plain_keys[key] & 0x1f;
	text[0] = c;
	return 1;
}

static size_t key_event(struct keyboard *keyboard, uint8_t key, bool down, bool extended,
			char *text)
{
	if (key == KEY_CONTROL) {
		keyboard->control = down;
		return 0;
	}
	/* 0xe0 with a shift code is a fake shift around the grey keys. */
	if (key == KEY_LEFT_SHIFT || key == KEY_RIGHT_SHIFT) {
		if (!extended)
			keyboard->shift = down;
		return 0;
	}
	if (!down)
		return 0;
	if (key == KEY_CAPS) {
		keyboard->caps = !keyboard->caps;
		return 0;
	}
	return extended ? type_extended(key, text) : type_plain(keyboard, key, text);
}

size_t keyboard_take(struct keyboard *keyboard, uint8_t code, char text[KEYBOARD_TEXT_MAX])
{
	if (keyboard->skip > 0) {
		keyboard->skip--;
		return 0;
	}
	if (code == CODE_PAUSE) {
		keyboard->skip = keyboard->set2 ? 7 : 5;
		return 0;
	}
	if (code == CODE_EXTENDED) {
		keyboard->extended = true;
		return 0;
	}
	if (keyboard->set2 && code == CODE_RELEASE) {
		keyboard->release = true;
		return 0;
	}
	bool extended = keyboard->extended;
	bool down = keyboard->set2 ? !keyboard->release : !(code & 0x80);
	uint8_t key = code & 0x7f;

	if (keyboard->set2)
		key = code < ARRAY_SIZE(from_set2) ? from_set2[code] : 0;
	keyboard->extended = false;
	keyboard->release = false;
	return key_event(keyboard, key, down, extended, text);
}
