/* SPDX-License-Identifier: GPL-2.0-or-later */
// A program's own allocators: functions of a library, static functions, and a class.
#include <cstdlib>

#include "pool_library.h"
#include "truth.h"

// Its block is not the one of malloc: there is a header before it.
static NOINLINE void *mine_calloc(size_t n, size_t size)
{
	return (char *)keep(calloc(1, n * size + 16)) + 16;
}

static NOINLINE void mine_free(void *block)
{
	if (block)
		free((char *)block - 16);
}

// Its block is freed with free.
static NOINLINE void *must_malloc(size_t size)
{
	void *block = keep(malloc(size));

	if (!block)
		abort();
	return block;
}

class Arena
{
      public:
	NOINLINE void *get(size_t size)
	{
		used += size;
		return keep(memory + used - size);
	}
	NOINLINE void *get(size_t size, size_t times)
	{
		used += size * times;
		return keep(memory + used - size * times);
	}
	NOINLINE void put(void *block)
	{
		__asm__ volatile("" : : "r"(block), "r"(this) : "memory");
	}

      private:
	char memory[65536];
	size_t used = 0;
};

static Arena arena;

static NOINLINE void use_pool(struct pool *p)
{
	for (size_t i = 0; i < 10; i++) {
		void *block = pool_alloc(p, 100 + i);

		if (i % 2)
			pool_free(p, block);
	}
	truth(__func__, "pool_alloc", 5, 100 + 102 + 104 + 106 + 108);
}

static NOINLINE void outgrow_chunks(struct pool *p)
{
	for (int i = 0; i < 50; i++)
		pool_alloc(p, 1000);
	truth(__func__, "pool_alloc", 50, 50000);
}

static NOINLINE void large_blocks(struct pool *p)
{
	pool_free(p, pool_alloc(p, 3000));
	pool_alloc(p, 3000);
	truth(__func__, "pool_alloc", 1, 3000);
}

static NOINLINE void resize(struct pool *p)
{
	void *block = pool_resize(p, NULL, 10);

	block = pool_resize(p, block, 20);
	pool_resize(p, block, 3000);
	pool_free(p, pool_resize(p, pool_alloc(p, 3000), 4000));
	truth(__func__, "pool_resize", 1, 3000);
}

static NOINLINE void get(struct pool *p)
{
	void *block = (void *)0x1230;

	if (!pool_get(&block, p, 0))
		abort();
	pool_get(&block, p, 70);
	pool_get(&block, p, 71);
	pool_free(p, block);
	truth(__func__, "pool_get", 1, 70);
}

static NOINLINE void nodes(struct pool *p)
{
	pool_node(p);
	pool_node(p);
	pool_free(p, pool_node(p));
	pool_free(p, NULL);
	truth(__func__, "pool_node", 2, 96);
}

static NOINLINE void handles()
{
	handle_open(0);
	handle_close(handle_open(5));
	handle_open(6);
	truth(__func__, "handle_open", 1, 6);
}

static NOINLINE void own()
{
	for (int i = 0; i < 8; i++) {
		void *block = mine_calloc(3, 7);

		if (i < 5)
			mine_free(block);
	}
	truth(__func__, "mine_calloc", 3, 63);
}

static NOINLINE void wrapped()
{
	must_malloc(40);
	free(must_malloc(41));
	truth(__func__, "must_malloc", 1, 40);
}

static NOINLINE void members()
{
	arena.get(300);
	arena.put(arena.get(301));
	arena.get(10, 4);
	truth(__func__, "Arena::get(unsigned long)|Arena::get(unsigned long, unsigned long)", 2,
	      340);
}

static NOINLINE void ordinary()
{
	keep(malloc(55));
	free(keep(malloc(56)));
	truth(__func__, "malloc", 1, 55);
}

// Three chunks; but for the first, they are the pool's own, as far as malloc and free are
// concerned.
static NOINLINE void dropped()
{
	struct pool *p = pool_make();

	for (int i = 0; i < 12; i++)
		pool_free(p, pool_alloc(p, 1000));
	pool_drop(p);
}

int main()
{
	struct pool *p;

	truth_begin();
	p = pool_make();
	use_pool(p);
	outgrow_chunks(p);
	large_blocks(p);
	resize(p);
	get(p);
	nodes(p);
	handles();
	own();
	wrapped();
	members();
	ordinary();
	dropped();
	truth_end();
	return 0;
}
