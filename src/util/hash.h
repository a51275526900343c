/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hashes of numbers, bytes and strings. Their values are part of stack IDs that outlive a run
 * (symbolizer__stable_id), so they must not change.
 */
#ifndef MEMTRACE_UTIL_HASH_H
#define MEMTRACE_UTIL_HASH_H

#include <stddef.h>
#include <stdint.h>

/* The start value of FNV-1a. */
#define HASH_START 0xcbf29ce484222325

/* Combines two numbers; the order matters. Applies twice the finalizer of SplitMix64 (Steele, Lea,
 * Flood 2014). */
static inline uint64_t hash__mix(uint64_t a, uint64_t b)
{
	uint64_t x = a + 0x9e3779b97f4a7c15;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
	x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
	x ^= x >> 31;
	x += b + 0x9e3779b97f4a7c15;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
	x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
	return x ^ (x >> 31);
}

/* FNV-1a (Fowler, Noll, Vo) of more bytes, or of a string without its NUL. `h` is the hash of the
 * preceding bytes, HASH_START at first. */
static inline uint64_t hash__bytes(uint64_t h, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;

	for (size_t i = 0; i < len; i++)
		h = (h ^ p[i]) * 0x100000001b3;
	return h;
}

static inline uint64_t hash__string(uint64_t h, const char *s)
{
	for (; *s; s++)
		h = (h ^ (uint8_t)*s) * 0x100000001b3;
	return h;
}

#endif
