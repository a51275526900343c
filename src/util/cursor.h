/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads bytes from outside through one bounds-checked accessor. Taking more than is left marks the
 * cursor as bad for the rest of its life and leaves it at its end, so that a reader checks `bad`
 * once, after a group of reads. What the bytes mean is up to the readers built on it: util/codec.h
 * for recordings, unwind/cfi_bytes.h for call frame information.
 */
#ifndef MEMTRACE_UTIL_CURSOR_H
#define MEMTRACE_UTIL_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cursor {
	const uint8_t *p, *end;
	bool bad;
};

static inline struct cursor cursor__of(const void *bytes, size_t len)
{
	const uint8_t *p = bytes;

	return (struct cursor){ .p = p, .end = p + len };
}

/* Returns how many bytes are left; 0 if it is bad. */
static inline size_t cursor__left(const struct cursor *c)
{
	return c->bad ? 0 : (size_t)(c->end - c->p);
}

static inline void cursor__spoil(struct cursor *c)
{
	c->bad = true;
	c->p = c->end;
}

/* Takes the next n bytes, which stay part of the input. NULL: there are fewer. */
static inline const uint8_t *cursor__take(struct cursor *c, uint64_t n)
{
	const uint8_t *p = c->p;

	if (n > (uint64_t)(c->end - c->p)) {
		cursor__spoil(c);
		return NULL;
	}
	c->p += n;
	return p;
}

#endif
