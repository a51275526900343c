/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A pool allocator. Its blocks are parts of chunks that come from malloc: the first chunk when the
 * pool is made, others when they are needed; the first block of a chunk has the chunk's address.
 * The list of chunks comes from malloc and grows by realloc. Large blocks come from malloc
 * directly.
 */
#include "pool_library.h"

#include <stdlib.h>
#include <string.h>

#include "keep.h"

#define CHUNK 4096
#define LARGE 2000

struct pool {
	char **chunks;
	size_t n, used;
};

NOINLINE struct pool *pool_make(void)
{
	struct pool *p = malloc(sizeof(*p));

	p->chunks = malloc(sizeof(*p->chunks));
	p->chunks[0] = malloc(CHUNK);
	p->n = 1;
	p->used = 0;
	return p;
}

NOINLINE void *pool_alloc(struct pool *p, size_t size)
{
	size_t room = (size + 16 + 15) / 16 * 16;
	char *block;

	if (size >= LARGE)
		return malloc(size);
	if (p->used + room > CHUNK) {
		p->chunks = realloc(p->chunks, (p->n + 1) * sizeof(*p->chunks));
		p->chunks[p->n++] = malloc(CHUNK);
		p->used = 0;
	}
	block = p->chunks[p->n - 1] + p->used;
	p->used += room;
	return keep(block);
}

static int is_large(const struct pool *p, const char *block)
{
	for (size_t i = 0; i < p->n; i++)
		if (block >= p->chunks[i] && block < p->chunks[i] + CHUNK)
			return 0;
	return 1;
}

NOINLINE void pool_free(struct pool *p, void *block)
{
	if (block && is_large(p, block))
		free(block);
}

/* Never in place; calls the other functions. */
NOINLINE void *pool_resize(struct pool *p, void *block, size_t size)
{
	void *other = pool_alloc(p, size);

	pool_free(p, block);
	return keep(other);
}

NOINLINE int pool_get(void **block, struct pool *p, size_t size)
{
	if (!size)
		return -1;
	*block = pool_alloc(p, size);
	return 0;
}

NOINLINE void *pool_node(struct pool *p)
{
	return keep(pool_alloc(p, 48));
}

NOINLINE void pool_drop(struct pool *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->chunks[i]);
	free(p->chunks);
	free(p);
}

static int handles;

NOINLINE int handle_open(size_t size)
{
	return size ? ++handles : -1;
}

NOINLINE void handle_close(int handle)
{
	__asm__ volatile("" : : "r"(handle) : "memory");
}
