/*
 * Which addresses were freed lately: a set that forgets. One who frees such an address again, with no
 * allocation in between, is told twice of the same block (operator delete passes it on to free, a thread
 * that ends gives back what its cache of freed blocks holds), and does not free a block that is
 * older than the tracing. A forgotten one is taken for such a block.
 */
#ifndef MEMTRACE_FREED_H
#define MEMTRACE_FREED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FREED_LEAST 64		/* addresses; grows by powers of two */
#define FREED_MOST 32768

struct freed {
	uint64_t *at;		/* each in its slot; 0: none */
	uint32_t size;
};

int freed__init(struct freed *f);	/* 0 or -ENOMEM */
void freed__free(struct freed *f);
void freed__clear(struct freed *f);
void freed__add(struct freed *f, uint64_t addr);	/* never 0 */
bool freed__has(const struct freed *f, uint64_t addr);
/* Makes room for as many, up to FREED_MOST; without memory it stays as it is. */
void freed__grow(struct freed *f, uint64_t wanted);

#endif
