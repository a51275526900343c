/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finds every instruction by which a function returns to its caller.
 *
 * A return probe replaces the return address, and an exception cannot pass it. A probe on each
 * `ret` sees the same calls end and changes nothing: when an exception passes, no `ret` is
 * executed. A function may also end by a jump to another one (a tail call), whose `ret` then
 * returns for it. So these are followed too, also through the PLT.
 *
 * Only what was decoded without a gap counts: where one exit cannot be found, the answer is a
 * reason, not a part of the exits.
 */
#ifndef MEMTRACE_PROBE_EXITS_H
#define MEMTRACE_PROBE_EXITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum exits_way {
	EXITS_UNKNOWN, /* leads to code that is not known */
	EXITS_CODE,    /* leads to an address of the same file */
	EXITS_SEEN,    /* leads to a function that has a probe of its own, or that never returns */
};

/* Where the code is. Addresses are those of the file. */
struct exits_source {
	void *ctx;
	/* The bounds of the function, or the part of one, that holds an address. */
	bool (*extent)(void *ctx, uint64_t vaddr, uint64_t *start, uint64_t *end);
	/* At most `want` bytes of code; NULL: none. */
	const uint8_t *(*code)(void *ctx, uint64_t vaddr, size_t want, size_t *got);
	/* What a direct jump to the beginning of another function leads to. */
	enum exits_way (*function)(void *ctx, uint64_t vaddr);
	/* What a jump through a slot leads to, and its address if that is EXITS_CODE. */
	enum exits_way (*slot)(void *ctx, uint64_t slot, uint64_t *vaddr);
};

struct exits {
	uint64_t *at; /* addresses, sorted */
	size_t n, cap;
	char why[96]; /* one clause: why they could not be found; "": they were */
};

/* Finds the exits of the function at `entry`. Returns 0 (then *out has them, or `why`), or -ENOMEM.
 */
int exits__find(const struct exits_source *src, uint64_t entry, struct exits *out);
void exits__release(struct exits *x);

#endif
