/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writes words and numbers, chosen by random numbers, to a buffer. */
#ifndef MANGLER_H
#define MANGLER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct mangler {
	char *out;
	size_t len, cap;
	uint64_t random;
	int depth;
};

static unsigned int pick(struct mangler *m, unsigned int n)
{
	m->random = m->random * 6364136223846793005 + 1442695040888963407;
	return (unsigned int)(m->random >> 33) % n;
}

static void put(struct mangler *m, const char *s)
{
	size_t n = strlen(s);

	if (n > m->cap - m->len)
		n = m->cap - m->len;
	memcpy(m->out + m->len, s, n);
	m->len += n;
}

static const char *one_of(struct mangler *m, const char *const *words, size_t n)
{
	return words[pick(m, (unsigned int)n)];
}

#define PUT_ONE_OF(m, ...)                                                                         \
	do {                                                                                       \
		static const char *const words[] = { __VA_ARGS__ };                                \
		put(m, one_of(m, words, sizeof(words) / sizeof(*words)));                          \
	} while (0)

/* Mostly small, sometimes at a limit. */
static void put_number(struct mangler *m, const char *digits, unsigned int base)
{
	static const char *const limits[] = { "2147483647", "4294967295", "18446744073709551616",
					      "99999999999999999999999" };
	unsigned int n = pick(m, pick(m, 4) ? 4 : 64);
	char text[3] = { 0 };

	if (!pick(m, 40)) {
		put(m, one_of(m, limits, 4));
		return;
	}
	if (n >= base)
		text[0] = digits[n / base % base];
	text[n >= base] = digits[n % base];
	put(m, text);
}

static void put_decimal(struct mangler *m)
{
	put_number(m, "0123456789", 10);
}

#endif
