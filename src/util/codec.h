/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Encodes numbers and strings compactly, for files. Numbers take 7 bits a byte, low bits first;
 * signed ones are folded first, so that small ones stay short; a string is its length and its
 * bytes. Values are appended to a strbuf and read through a cursor: past the end, or where the
 * bytes are not a valid number, the cursor turns bad, and everything read after that is zero.
 */
#ifndef MEMTRACE_UTIL_CODEC_H
#define MEMTRACE_UTIL_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/cursor.h"
#include "util/strbuf.h"

#define CODEC_NUMBER_MAX 10 /* maximum bytes of a number */

void codec__put(struct strbuf *sb, uint64_t n);
void codec__put_double(struct strbuf *sb, double d);	  /* all of its bits */
void codec__put_string(struct strbuf *sb, const char *s); /* NULL differs from "" */

/* Writes a number to memory that has room for CODEC_NUMBER_MAX bytes. Returns where it ends. */
static inline uint8_t *codec__write(uint8_t *p, uint64_t n)
{
	for (; n > 0x7f; n >>= 7)
		*p++ = (uint8_t)(n | 0x80);
	*p++ = (uint8_t)n;
	return p;
}

uint64_t codec__take(struct cursor *c);
/* Reads a number that must not exceed `max`, so that it fits a smaller type: a larger one turns the
 * cursor bad and gives 0. */
uint64_t codec__take_up_to(struct cursor *c, uint64_t max);
uint32_t codec__take_u32(struct cursor *c);
/* Reads a count of items that take at least one byte each, with the same check. */
size_t codec__take_count(struct cursor *c);
double codec__take_double(struct cursor *c);
/* Reads a string into a copy that the caller frees; NULL if NULL was put, or the cursor is bad.
 * Ends at the first NUL. */
char *codec__take_string(struct cursor *c);

/* To be called after reading: returns 0, or -EINVAL if the cursor is bad. */
int codec__error(const struct cursor *c);

/* Maps -1, 1, -2, … to 1, 2, 3, … */
static inline uint64_t codec__fold(uint64_t n)
{
	return n << 1 ^ (0 - (n >> 63));
}

static inline uint64_t codec__unfold(uint64_t n)
{
	return n >> 1 ^ (0 - (n & 1));
}

#endif
