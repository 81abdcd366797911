// SPDX-License-Identifier: MIT
/*
 * Formatted text in the loader, which has no C library: the conversions that the report's and
 * the parsers' patterns use, tested against the C library's.
 */
#include <boot/text.h>

#include <stdbool.h>

struct out {
	char *text;
	size_t size;
	size_t length; /* of the whole text, also what does not fit */
};

struct conversion {
	bool left;
	bool zero;
	bool prefix;
	int width;
	int precision; /* -1: none */
	unsigned longs;
};

static void put(struct out *out, char c)
{
	if (out->length + 1 < out->size)
		out->text[out->length] = c;
	out->length++;
}

static void put_padded(struct out *out, const struct conversion *how, const char *text,
		       size_t length)
{
	size_t width = how->width > 0 ? (size_t)how->width : 0;
	size_t padding = width > length ? width - length : 0;

	for (size_t i = 0; !how->left && i < padding; i++)
		put(out, ' ');
	for (size_t i = 0; i < length; i++)
		put(out, text[i]);
	for (size_t i = 0; how->left && i < padding; i++)
		put(out, ' ');
}

static void put_string(struct out *out, const struct conversion *how, const char *text)
{
	size_t length = 0;

	while ((how->precision < 0 || length < (size_t)how->precision) && text[length])
		length++;
	put_padded(out, how, text, length);
}

static void put_number(struct out *out, const struct conversion *how, uint64_t value,
		       unsigned base, bool negative)
{
	char digits[80];
	size_t at = sizeof(digits);
	int wanted = how->zero && !how->left ? how->width - negative : 1;

	if (how->prefix && value != 0)
		wanted -= 2;
	for (uint64_t rest = value; rest != 0 || (int)(sizeof(digits) - at) < wanted;
	     rest /= base) {
		if (at == 4)
			break;
		digits[--at] = "0123456789abcdef"[rest % base];
	}
	if (how->prefix && value != 0) {
		digits[--at] = 'x';
		digits[--at] = '0';
	}
	if (negative)
		digits[--at] = '-';
	put_padded(out, how, digits + at, sizeof(digits) - at);
}

static int64_t signed_argument(const struct conversion *how, va_list *args)
{
	return how->longs ? va_arg(*args, long) : va_arg(*args, int);
}

static uint64_t unsigned_argument(const struct conversion *how, va_list *args)
{
	return how->longs ? va_arg(*args, unsigned long) : va_arg(*args, unsigned int);
}

static void convert(struct out *out, const struct conversion *how, char letter, va_list *args)
{
	int64_t number;
	char c;

	switch (letter) {
	case 's':
		put_string(out, how, va_arg(*args, const char *));
		break;
	case 'c':
		c = (char)va_arg(*args, int);
		put_padded(out, how, &c, 1);
		break;
	case 'd':
		number = signed_argument(how, args);
		put_number(out, how, number < 0 ? -(uint64_t)number : (uint64_t)number, 10,
			   number < 0);
		break;
	case 'u':
		put_number(out, how, unsigned_argument(how, args), 10, false);
		break;
	case 'x':
		put_number(out, how, unsigned_argument(how, args), 16, false);
		break;
	default:
		put(out, letter);
	}
}

static int read_number(const char **at, va_list *args)
{
	int number = 0;

	if (**at == '*') {
		++*at;
		return va_arg(*args, int);
	}
	for (; **at >= '0' && **at <= '9'; ++*at)
		number = number * 10 + (**at - '0');
	return number;
}

static const char *read_conversion(const char *at, struct conversion *how, va_list *args)
{
	*how = (struct conversion){.precision = -1};
	for (;; at++) {
		if (*at == '-')
			how->left = true;
		else if (*at == '0')
			how->zero = true;
		else if (*at == '#')
			how->prefix = true;
		else
			break;
	}
	how->width = read_number(&at, args);
	if (*at == '.') {
		at++;
		how->precision = read_number(&at, args);
	}
	for (; *at == 'l' || *at == 'z' || *at == 'h'; at++)
		how->longs += *at != 'h';
	return at;
}

int text_format_va(char *text, size_t size, const char *pattern, va_list args)
{
	struct out out = {text, size, 0};
	struct conversion how;
	va_list rest;

	va_copy(rest, args);
	for (const char *at = pattern; *at; at++) {
		if (*at != '%') {
			put(&out, *at);
			continue;
		}
		at = read_conversion(at + 1, &how, &rest);
		if (*at == '\0')
			break;
		convert(&out, &how, *at, &rest);
	}
	va_end(rest);
	if (size > 0)
		text[out.length < size ? out.length : size - 1] = '\0';
	return (int)out.length;
}
