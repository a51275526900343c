/*
 * Numbers and strings as few bytes, for what is kept in a file. Numbers take 7 bits a byte, low
 * bits first; signed ones are folded so that small ones stay short; a string is its length and its
 * bytes. What is put goes to the end of a strbuf; what is taken comes through a cursor, the one
 * accessor of foreign bytes here: past the end, or for a number that is none, it turns bad, and all
 * that is taken from then on is zero.
 */
#ifndef MEMTRACE_UTIL_CODEC_H
#define MEMTRACE_UTIL_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/strbuf.h"

#define CODEC_NUMBER_MAX 10 /* bytes of a number at most */

struct cursor {
	const uint8_t *p, *end;
	bool bad;
};

void codec__put(struct strbuf *sb, uint64_t n);
void codec__put_signed(struct strbuf *sb, int64_t n);
void codec__put_double(struct strbuf *sb, double d);	  /* all of its bits */
void codec__put_string(struct strbuf *sb, const char *s); /* NULL is told apart from "" */

/* The same into memory that has room for CODEC_NUMBER_MAX bytes: where it ends. */
static inline uint8_t *codec__write(uint8_t *p, uint64_t n)
{
	for (; n > 0x7f; n >>= 7)
		*p++ = (uint8_t)(n | 0x80);
	*p++ = (uint8_t)n;
	return p;
}

uint64_t codec__take(struct cursor *c);
int64_t codec__take_signed(struct cursor *c);
double codec__take_double(struct cursor *c);
/* `len` bytes of the input itself, or NULL. */
const void *codec__take_bytes(struct cursor *c, size_t len);
/* A copy that the caller frees; NULL where NULL was put, and where it is bad. Ends at the first
 * NUL. */
char *codec__take_string(struct cursor *c);

/* What is left to be taken. */
static inline size_t codec__left(const struct cursor *c)
{
	return c->bad ? 0 : (size_t)(c->end - c->p);
}

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
