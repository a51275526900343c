/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The addresses that were freed lately: a set that forgets. If such an address is freed again with
 * no allocation in between, the same free was reported twice (operator delete passes it on to free,
 * a thread that ends gives back the freed blocks in its cache); it does not free a block older than
 * the tracing. An address that was forgotten is taken for such a block.
 */
#ifndef MEMTRACE_HEAP_RECENT_FREES_H
#define MEMTRACE_HEAP_RECENT_FREES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RECENT_FREES_MIN 64 /* addresses; grows by powers of two */
#define RECENT_FREES_MAX 32768

struct recent_frees {
	uint64_t *at; /* each address in its slot; 0: empty */
	uint32_t size;
};

int recent_frees__init(struct recent_frees *f); /* 0 or -ENOMEM */
void recent_frees__free(struct recent_frees *f);
void recent_frees__clear(struct recent_frees *f);
void recent_frees__add(struct recent_frees *f, uint64_t addr); /* never 0 */
bool recent_frees__has(const struct recent_frees *f, uint64_t addr);
/* Makes room for as many, at most RECENT_FREES_MAX; without memory it stays as it is. */
void recent_frees__grow(struct recent_frees *f, uint64_t wanted);

#endif
