/* SPDX-License-Identifier: GPL-2.0-or-later */
// A program with an allocator of its own, whose operator new jumps to a function by a pointer:
// where it returns cannot be known beforehand. "hooked SECONDS": for so long, a round each 10 ms.
#include <new>

#include "truth.h"

static char arena[64 << 20];
static size_t used;

static void *take(size_t size)
{
	size_t need = (size + 31) / 16 * 16;
	size_t at = size < sizeof(arena) ? __atomic_fetch_add(&used, need, __ATOMIC_RELAXED) : used;

	if (size >= sizeof(arena) || at + need > sizeof(arena))
		return NULL;
	memcpy(arena + at, &size, sizeof(size));
	return arena + at + 16;
}

extern "C" NOINLINE void *malloc(size_t size)
{
	return take(size);
}

extern "C" NOINLINE void free(void *p)
{
	keep(p);
}

extern "C" NOINLINE void *calloc(size_t n, size_t size)
{
	return take(n * size); // never used before
}

extern "C" NOINLINE void *realloc(void *p, size_t size)
{
	char *fresh = (char *)take(size);
	size_t old = 0;

	if (p)
		memcpy(&old, (char *)p - 16, sizeof(old));
	if (fresh && p)
		memcpy(fresh, p, old < size ? old : size);
	return fresh;
}

static void *take_or_throw(size_t size)
{
	void *p = take(size);

	if (!p)
		throw std::bad_alloc();
	return p;
}

static void *(*volatile hook)(size_t) = take_or_throw;

void *operator new(size_t size)
{
	return hook(size);
}

void operator delete(void *p) noexcept
{
	keep(p);
}

void operator delete(void *p, size_t) noexcept
{
	keep(p);
}

static NOINLINE void by_malloc()
{
	keep(malloc(100));
}

static NOINLINE void by_new()
{
	operator delete(keep(operator new(200)));
	keep(operator new(300));
}

static NOINLINE bool fails()
{
	try {
		keep(operator new(~(size_t)0 / 4));
	} catch (const std::bad_alloc &) {
		return true;
	}
	return false;
}

int main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) * 100 : 100;

	truth_begin();
	for (int i = 0; i < rounds; i++) {
		by_malloc();
		by_new();
		if (!fails())
			return 3;
		usleep(10000);
	}
	truth("by_malloc", "malloc", rounds, rounds * 100L);
	truth_end();
	return 0;
}
