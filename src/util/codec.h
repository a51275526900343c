/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Numbers and strings in few bytes, for files. Numbers take 7 bits a byte, low bits first; signed
 * ones are folded first, so that small ones stay short; a string is its length and its bytes.
 * Values are appended to a strbuf and read through a cursor: past the end, or where the bytes are
 * not a valid number, the cursor turns bad, and everything read from then on is zero.
 */
#ifndef MEMTRACE_UTIL_CODEC_H
#define MEMTRACE_UTIL_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/cursor.h"
#include "util/strbuf.h"

#define CODEC_NUMBER_MAX 10 /* bytes of a number at most */

void codec__put(struct strbuf *sb, uint64_t n);
void codec__put_double(struct strbuf *sb, double d);	  /* all of its bits */
void codec__put_string(struct strbuf *sb, const char *s); /* NULL differs from "" */

/* The same into memory that has room for CODEC_NUMBER_MAX bytes: where it ends. */
static inline uint8_t *codec__write(uint8_t *p, uint64_t n)
{
	for (; n > 0x7f; n >>= 7)
		*p++ = (uint8_t)(n | 0x80);
	*p++ = (uint8_t)n;
	return p;
}

uint64_t codec__take(struct cursor *c);
/* A number that must not exceed `max`, so that it fits a smaller type: a larger one spoils the
 * cursor and is 0. */
uint64_t codec__take_up_to(struct cursor *c, uint64_t max);
uint32_t codec__take_u32(struct cursor *c);
/* A count of things that take at least a byte each, likewise. */
size_t codec__take_count(struct cursor *c);
double codec__take_double(struct cursor *c);
/* A copy that the caller frees; NULL where NULL was put, and where it is bad. Ends at the first
 * NUL. */
char *codec__take_string(struct cursor *c);

/* After what was taken: 0, or -EINVAL where it was bad. */
int codec__error(const struct cursor *c);

/* -1, 1, -2, … as 1, 2, 3, … */
static inline uint64_t codec__fold(uint64_t n)
{
	return n << 1 ^ (0 - (n >> 63));
}

static inline uint64_t codec__unfold(uint64_t n)
{
	return n >> 1 ^ (0 - (n & 1));
}

#endif
