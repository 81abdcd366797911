// SPDX-License-Identifier: MIT
/*
 * The C library functions that compiled code and the portable parts of the loader call. Plain
 * loops: the loader copies a few MiB once.
 */
#include <string.h>

void *memcpy(void *to, const void *from, size_t size)
{
	unsigned char *t = to;
	const unsigned char *f = from;

	while (size-- > 0)
		*t++ = *f++;
	return to;
}

void *memmove(void *to, const void *from, size_t size)
{
	unsigned char *t = to;
	const unsigned char *f = from;

	if (t <= f)
		return memcpy(to, from, size);
	while (size-- > 0)
		t[size] = f[size];
	return to;
}

void *memset(void *to, int value, size_t size)
{
	unsigned char *t = to;

	while (size-- > 0)
		*t++ = (unsigned char)value;
	return to;
}

int memcmp(const void *a, const void *b, size_t size)
{
	const unsigned char *x = a;
	const unsigned char *y = b;

	for (; size-- > 0; x++, y++)
		if (*x != *y)
			return *x - *y;
	return 0;
}

void *memchr(const void *in, int value, size_t size)
{
	const unsigned char *at = in;

	for (; size-- > 0; at++)
		if (*at == (unsigned char)value)
			return (void *)at;
	return NULL;
}

size_t strlen(const char *text)
{
	size_t length = 0;

	while (text[length])
		length++;
	return length;
}

size_t strnlen(const char *text, size_t size)
{
	size_t length = 0;

	while (length < size && text[length])
		length++;
	return length;
}

char *strchr(const char *text, int value)
{
	return memchr(text, value, strlen(text) + 1);
}

int strcmp(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return (unsigned char)*a - (unsigned char)*b;
}

size_t strcspn(const char *text, const char *reject)
{
	size_t length = 0;

	while (text[length] && !memchr(reject, text[length], strlen(reject)))
		length++;
	return length;
}

size_t strspn(const char *text, const char *accept)
{
	size_t length = 0;

	while (text[length] && memchr(accept, text[length], strlen(accept)))
		length++;
	return length;
}
