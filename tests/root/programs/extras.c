/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The functions that an allocator has besides those of the C library, each called from a function
 * of its own. Built with one of JEMALLOC (with PREFIX, if its functions have one), TCMALLOC and
 * MIMALLOC, and with the library.
 */
#include <stddef.h>
#include <stdint.h>

#include "truth.h"

static void must(int ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "unexpected: %s\n", what);
	abort();
}

/* A function that leaves the block of one call, and frees that of another. */
#define LEAVES(name, apis, bytes, expression, release)                                             \
	static NOINLINE void leave_##name(void)                                                    \
	{                                                                                          \
		void *p = keep(expression);                                                        \
		must(p != NULL, #expression);                                                      \
		release(p);                                                                        \
		must(keep(expression) != NULL, #expression);                                       \
		truth(__func__, apis, 1, bytes);                                                   \
	}

#ifdef JEMALLOC

#ifdef PREFIX
#define PASTE(a, b) a##b
#define WITH(a, b) PASTE(a, b)
#define NAME(f) WITH(PREFIX, f)
#define STRING(a) #a
#define TEXT(a) STRING(a)
#define API(f) TEXT(PREFIX) f
void *NAME(malloc)(size_t size);
void *NAME(calloc)(size_t n, size_t size);
void *NAME(realloc)(void *p, size_t size);
void *NAME(aligned_alloc)(size_t align, size_t size);
void *NAME(memalign)(size_t align, size_t size);
void *NAME(valloc)(size_t size);
int NAME(posix_memalign)(void **out, size_t align, size_t size);
void NAME(free)(void *p);
#else
#define NAME(f) f
#define API(f) f
#include <malloc.h>
#endif
void *NAME(mallocx)(size_t size, int flags);
void *NAME(rallocx)(void *p, size_t size, int flags);
size_t NAME(xallocx)(void *p, size_t size, size_t extra, int flags);
void NAME(dallocx)(void *p, int flags);
void NAME(sdallocx)(void *p, size_t size, int flags);

static void dallocx_(void *p)
{
	NAME(dallocx)(p, 0);
}

static void sdallocx_(void *p)
{
	NAME(sdallocx)(p, 100, 0);
}

static inline __attribute__((always_inline)) void *posix_memalign_(void)
{
	void *p = (void *)0x1230;

	must(!NAME(posix_memalign)(&p, 64, 91), "posix_memalign");
	return p;
}

LEAVES(malloc, API("malloc"), 100, NAME(malloc)(100), NAME(free))
LEAVES(calloc, API("calloc"), 210, NAME(calloc)(7, 30), NAME(free))
LEAVES(realloc, API("realloc"), 70000, NAME(realloc)(NAME(malloc)(30), 70000), NAME(free))
LEAVES(aligned_alloc, API("aligned_alloc"), 256, NAME(aligned_alloc)(128, 256), NAME(free))
LEAVES(memalign, API("memalign") "|" API("aligned_alloc"), 300, NAME(memalign)(256, 300),
       NAME(free))
LEAVES(valloc, API("valloc"), 33, NAME(valloc)(33), NAME(free))
LEAVES(posix_memalign, API("posix_memalign"), 91, posix_memalign_(), NAME(free))
LEAVES(mallocx, API("mallocx"), 100, NAME(mallocx)(100, 0), dallocx_)
LEAVES(mallocx_sized, API("mallocx"), 100, NAME(mallocx)(100, 0), sdallocx_)
LEAVES(rallocx, API("rallocx"), 5000, NAME(rallocx)(NAME(mallocx)(10, 0), 5000, 0), dallocx_)

/* A block that is resized in place keeps the size that it was allocated with. */
static NOINLINE void leave_xallocx(void)
{
	void *p = keep(NAME(mallocx)(100, 0));

	NAME(xallocx)(p, 105, 0, 0);
	truth(__func__, API("mallocx"), 1, 100);
}

static void run(void)
{
	leave_malloc();
	leave_calloc();
	leave_realloc();
	leave_aligned_alloc();
	leave_memalign();
	leave_valloc();
	leave_posix_memalign();
	leave_mallocx();
	leave_mallocx_sized();
	leave_rallocx();
	leave_xallocx();
}

#elif defined(TCMALLOC)

void *tc_malloc(size_t size);
void *tc_malloc_skip_new_handler(size_t size);
void *tc_calloc(size_t n, size_t size);
void *tc_realloc(void *p, size_t size);
void *tc_memalign(size_t align, size_t size);
int tc_posix_memalign(void **out, size_t align, size_t size);
void *tc_valloc(size_t size);
void *tc_pvalloc(size_t size);
void *tc_new(size_t size);
void *tc_newarray(size_t size);
void *tc_new_aligned(size_t size, size_t align);
void tc_free(void *p);
void tc_cfree(void *p);
void tc_free_sized(void *p, size_t size);
void tc_delete(void *p);
void tc_deletearray(void *p);
void tc_delete_sized(void *p, size_t size);
void tc_delete_aligned(void *p, size_t align);

static inline __attribute__((always_inline)) void *posix_memalign_(void)
{
	void *p = (void *)0x1230;

	must(!tc_posix_memalign(&p, 64, 91), "tc_posix_memalign");
	return p;
}

static void free_sized(void *p)
{
	tc_free_sized(p, 100);
}

static void delete_sized(void *p)
{
	tc_delete_sized(p, 60);
}

static void delete_aligned(void *p)
{
	tc_delete_aligned(p, 64);
}

LEAVES(malloc, "malloc|tc_malloc", 100, tc_malloc(100), tc_free)
LEAVES(malloc_sized, "malloc|tc_malloc", 100, tc_malloc(100), free_sized)
LEAVES(skip, "tc_malloc", 101, tc_malloc_skip_new_handler(101), tc_cfree)
LEAVES(calloc, "calloc|tc_calloc", 210, tc_calloc(7, 30), tc_free)
LEAVES(realloc, "realloc|tc_realloc", 7000, tc_realloc(tc_malloc(30), 7000), tc_free)
LEAVES(memalign, "memalign|aligned_alloc|tc_memalign", 300, tc_memalign(256, 300), tc_free)
LEAVES(posix_memalign, "posix_memalign|tc_posix_memalign", 91, posix_memalign_(), tc_free)
LEAVES(valloc, "valloc|tc_valloc", 33, tc_valloc(33), tc_free)
LEAVES(pvalloc, "pvalloc|tc_pvalloc", 34, tc_pvalloc(34), tc_free)
LEAVES(new, "operator new|operator new[]|tc_new|tc_newarray", 60, tc_new(60), tc_delete)
LEAVES(new_sized, "operator new|operator new[]|tc_new|tc_newarray", 60, tc_new(60), delete_sized)
LEAVES(newarray, "operator new|operator new[]|tc_new|tc_newarray", 61, tc_newarray(61),
       tc_deletearray)
LEAVES(aligned, "operator new|operator new[]|tc_new|tc_newarray", 62, tc_new_aligned(62, 64),
       delete_aligned)

static void run(void)
{
	leave_malloc();
	leave_malloc_sized();
	leave_skip();
	leave_calloc();
	leave_realloc();
	leave_memalign();
	leave_posix_memalign();
	leave_valloc();
	leave_pvalloc();
	leave_new();
	leave_new_sized();
	leave_newarray();
	leave_aligned();
}

#elif defined(MIMALLOC)

#include <mimalloc.h>

static inline __attribute__((always_inline)) void *posix_memalign_(void)
{
	void *p = (void *)0x1230;

	must(!mi_posix_memalign(&p, 64, 91), "mi_posix_memalign");
	return p;
}

static void free_size(void *p)
{
	mi_free_size(p, 100);
}

static void free_aligned(void *p)
{
	mi_free_aligned(p, 64);
}

LEAVES(malloc, "malloc|mi_malloc", 100, mi_malloc(100), mi_free)
LEAVES(malloc_sized, "malloc|mi_malloc", 100, mi_malloc(100), free_size)
LEAVES(small, "mi_malloc", 40, mi_malloc_small(40), mi_free)
LEAVES(zalloc, "mi_zalloc", 41, mi_zalloc(41), mi_cfree)
LEAVES(zalloc_small, "mi_zalloc", 42, mi_zalloc_small(42), mi_free)
LEAVES(calloc, "calloc|mi_calloc", 210, mi_calloc(7, 30), mi_free)
LEAVES(mallocn, "mi_mallocn", 210, mi_mallocn(7, 30), mi_free)
LEAVES(realloc, "realloc|mi_realloc", 7000, mi_realloc(mi_malloc(30), 7000), mi_free)
LEAVES(reallocn, "mi_reallocn", 2100, mi_reallocn(mi_malloc(30), 70, 30), mi_free)
LEAVES(reallocf, "reallocf|mi_reallocf", 7001, mi_reallocf(mi_malloc(30), 7001), mi_free)
LEAVES(rezalloc, "mi_rezalloc", 7002, mi_rezalloc(mi_zalloc(30), 7002), mi_free)
LEAVES(recalloc, "mi_recalloc", 2101, mi_recalloc(mi_zalloc(30), 11, 191), mi_free)
LEAVES(aligned, "mi_malloc_aligned", 300, mi_malloc_aligned(300, 256), free_aligned)
LEAVES(aligned_at, "mi_malloc_aligned", 301, mi_malloc_aligned_at(301, 256, 16), mi_free)
LEAVES(zalloc_aligned, "mi_zalloc_aligned", 302, mi_zalloc_aligned(302, 256), mi_free)
LEAVES(calloc_aligned, "mi_calloc_aligned", 303, mi_calloc_aligned(3, 101, 256), mi_free)
LEAVES(realloc_aligned, "mi_realloc_aligned", 7003,
       mi_realloc_aligned(mi_malloc_aligned(30, 64), 7003, 64), mi_free)
LEAVES(memalign, "memalign|aligned_alloc|mi_memalign|mi_aligned_alloc", 304, mi_memalign(256, 304),
       mi_free)
LEAVES(aligned_alloc, "memalign|aligned_alloc|mi_memalign|mi_aligned_alloc", 512,
       mi_aligned_alloc(256, 512), mi_free)
LEAVES(posix_memalign, "posix_memalign|mi_posix_memalign", 91, posix_memalign_(), mi_free)
LEAVES(valloc, "valloc|mi_valloc", 33, mi_valloc(33), mi_free)
LEAVES(pvalloc, "pvalloc|mi_pvalloc", 34, mi_pvalloc(34), mi_free)
LEAVES(new, "operator new|operator new[]|mi_new", 60, mi_new(60), mi_free)
LEAVES(new_nothrow, "operator new|operator new[]|mi_new", 61, mi_new_nothrow(61), mi_free)
LEAVES(new_aligned, "operator new|operator new[]|mi_new", 62, mi_new_aligned(62, 64), mi_free)
LEAVES(new_n, "mi_new_n", 63, mi_new_n(7, 9), mi_free)
LEAVES(new_realloc, "mi_new_realloc", 7004, mi_new_realloc(mi_new(9), 7004), mi_free)

/* Blocks of a separate heap are not seen, unless --probe names the function. */
static NOINLINE void leave_heap(void)
{
	mi_heap_t *heap = mi_heap_new();

	mi_free(keep(mi_heap_malloc(heap, 71)));
	keep(mi_heap_malloc(heap, 72));
	if (getenv("HEAP"))
		truth(__func__, "mi_heap_malloc", 2, ANY); /* the heap is a block, too */
}

static void run(void)
{
	leave_malloc();
	leave_malloc_sized();
	leave_small();
	leave_zalloc();
	leave_zalloc_small();
	leave_calloc();
	leave_mallocn();
	leave_realloc();
	leave_reallocn();
	leave_reallocf();
	leave_rezalloc();
	leave_recalloc();
	leave_aligned();
	leave_aligned_at();
	leave_zalloc_aligned();
	leave_calloc_aligned();
	leave_realloc_aligned();
	leave_memalign();
	leave_aligned_alloc();
	leave_posix_memalign();
	leave_valloc();
	leave_pvalloc();
	leave_new();
	leave_new_nothrow();
	leave_new_aligned();
	leave_new_n();
	leave_new_realloc();
	leave_heap();
}

#endif

int main(void)
{
	truth_begin();
	run();
	truth_end();
	return 0;
}
