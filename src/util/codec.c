/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/codec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void codec__put(struct strbuf *sb, uint64_t n)
{
	uint8_t bytes[CODEC_NUMBER_MAX];

	strbuf__add(sb, bytes, (size_t)(codec__write(bytes, n) - bytes));
}

void codec__put_double(struct strbuf *sb, double d)
{
	uint8_t bytes[8];
	uint64_t bits;

	memcpy(&bits, &d, sizeof(bits));
	for (int i = 0; i < 8; i++)
		bytes[i] = (uint8_t)(bits >> 8 * i);
	strbuf__add(sb, bytes, sizeof(bytes));
}

void codec__put_string(struct strbuf *sb, const char *s)
{
	size_t len = s ? strlen(s) : 0;

	codec__put(sb, s ? len + 1 : 0);
	strbuf__add(sb, s, len);
}

uint64_t codec__take(struct cursor *c)
{
	uint64_t n = 0;

	for (unsigned int shift = 0; c->p < c->end && shift < 64; shift += 7) {
		uint64_t bits = *c->p & 0x7f;

		if (shift == 63 && bits > 1)
			break;
		n |= bits << shift;
		if (!(*c->p++ & 0x80))
			return n;
	}
	cursor__spoil(c);
	return 0;
}

uint64_t codec__take_up_to(struct cursor *c, uint64_t max)
{
	uint64_t n = codec__take(c);

	if (n <= max)
		return n;
	cursor__spoil(c);
	return 0;
}

uint32_t codec__take_u32(struct cursor *c)
{
	return (uint32_t)codec__take_up_to(c, UINT32_MAX);
}

size_t codec__take_count(struct cursor *c)
{
	uint64_t n = codec__take(c);

	if (n <= cursor__left(c))
		return (size_t)n;
	cursor__spoil(c);
	return 0;
}

int codec__error(const struct cursor *c)
{
	return c->bad ? -EINVAL : 0;
}

double codec__take_double(struct cursor *c)
{
	const uint8_t *bytes = cursor__take(c, 8);
	uint64_t bits = 0;
	double d;

	for (int i = 0; bytes && i < 8; i++)
		bits |= (uint64_t)bytes[i] << 8 * i;
	memcpy(&d, &bits, sizeof(d));
	return d;
}

char *codec__take_string(struct cursor *c)
{
	uint64_t len = codec__take(c);
	const void *bytes;

	if (!len)
		return NULL;
	if (len - 1 > cursor__left(c)) {
		cursor__spoil(c);
		return NULL;
	}
	bytes = cursor__take(c, (size_t)(len - 1));
	return bytes ? strndup(bytes, (size_t)(len - 1)) : NULL;
}
