/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every allocation function of the C library: success, failure and the special cases of its manual
 * page, each in a function of its own.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <stdint.h>

#include "truth.h"

static volatile size_t huge = PTRDIFF_MAX - 65536;
static volatile size_t half = SIZE_MAX / 2;
static volatile size_t none;

static void must(int ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "unexpected: %s\n", what);
	abort();
}

static NOINLINE void leak_malloc(void)
{
	for (int i = 0; i < 3; i++)
		keep(malloc(100));
	truth(__func__, "malloc", 3, 300);
}

static NOINLINE void free_malloc(void)
{
	for (int i = 0; i < 5; i++)
		free(keep(malloc(200)));
}

static NOINLINE void leak_malloc_zero(void)
{
	if (keep(malloc(none)))
		truth(__func__, "malloc", 1, 0);
}

static NOINLINE void fail_malloc(void)
{
	must(!keep(malloc(huge)), "malloc(huge)");
}

static NOINLINE void leak_calloc(void)
{
	keep(calloc(7, 30));
	keep(calloc(7, 30));
	truth(__func__, "calloc", 2, 420);
}

static NOINLINE void overflow_calloc(void)
{
	must(!keep(calloc(half, 4)), "calloc(half, 4)");
}

static NOINLINE void leak_realloc_null(void)
{
	keep(realloc(keep(NULL), 64));
	truth(__func__, "realloc", 1, 64);
}

static NOINLINE void realloc_grow(void)
{
	void *p = keep(malloc(16));

	keep(realloc(p, 20)); /* possibly in place */
	truth(__func__, "realloc", 1, 20);
}

static NOINLINE void realloc_move(void)
{
	void *p = keep(malloc(1000)), *fence = keep(malloc(1000));

	must(keep(realloc(p, 100000)) != p, "realloc in place");
	free(fence);
	truth(__func__, "realloc", 1, 100000);
}

static NOINLINE void realloc_big(void)
{
	void *p = keep(malloc(1 << 20));

	keep(realloc(p, 4 << 20));
	truth(__func__, "realloc", 1, 4 << 20);
}

static NOINLINE void realloc_shrink(void)
{
	void *p = keep(malloc(3000));

	keep(realloc(p, 10));
	truth(__func__, "realloc", 1, 10);
}

static NOINLINE void realloc_twice(void)
{
	void *p = keep(realloc(keep(NULL), 10));

	p = keep(realloc(p, 5000));
	keep(realloc(p, 6000));
	truth(__func__, "realloc", 1, 6000);
}

/* Frees in glibc; in other libraries it returns a block of 0 bytes. */
static NOINLINE void realloc_to_zero(void)
{
	void *p = keep(malloc(50));

	if (keep(realloc(p, none)))
		truth(__func__, "realloc", 1, 0);
}

static NOINLINE void realloc_fails(void)
{
	void *p = keep(malloc(77));

	must(!keep(realloc(p, huge)), "realloc(p, huge)");
	truth(__func__, "malloc", 1, 77);
}

static NOINLINE void realloc_then_free(void)
{
	void *p = keep(realloc(keep(NULL), 5));

	free(keep(realloc(p, 50000)));
}

static NOINLINE void leak_reallocarray(void)
{
	void *p = keep(malloc(8));

	keep(reallocarray(NULL, 10, 12));
	keep(reallocarray(p, 100, 3));
	truth(__func__, "reallocarray", 2, 420);
}

static NOINLINE void reallocarray_overflows(void)
{
	void *p = keep(malloc(9));

	must(!keep(reallocarray(p, half, 4)), "reallocarray(p, half, 4)");
	truth(__func__, "malloc", 1, 9);
}

static NOINLINE void leak_posix_memalign(void)
{
	void *p = NULL;

	must(!posix_memalign(&p, 64, 500), "posix_memalign");
	keep(p);
	truth(__func__, "posix_memalign", 1, 500);
}

/* The pointer keeps its old value: no block was allocated at 0x1234. */
static NOINLINE void posix_memalign_fails(void)
{
	void *p = (void *)0x1230;

	must(posix_memalign(&p, 3, 500) == EINVAL, "posix_memalign(3)");
	must(posix_memalign(&p, 64, huge) == ENOMEM, "posix_memalign(huge)");
}

static NOINLINE void free_posix_memalign(void)
{
	void *p = NULL;

	must(!posix_memalign(&p, 4096, 500), "posix_memalign");
	free(keep(p));
}

static NOINLINE void leak_aligned_alloc(void)
{
	keep(aligned_alloc(128, 256));
	truth(__func__, "aligned_alloc", 1, 256);
}

static NOINLINE void fail_aligned_alloc(void)
{
	must(!keep(aligned_alloc(64, huge & ~(size_t)63)), "aligned_alloc(huge)");
}

static NOINLINE void leak_memalign(void)
{
	keep(memalign(256, 300));
	truth(__func__, "memalign|aligned_alloc", 1, 300);
}

static NOINLINE void leak_valloc(void)
{
	keep(valloc(100));
	truth(__func__, "valloc", 1, 100);
}

static NOINLINE void free_null(void)
{
	for (int i = 0; i < 10; i++)
		free((void *)none);
}

#ifdef __GLIBC__
static NOINLINE void leak_pvalloc(void)
{
	keep(pvalloc(100));
	truth(__func__, "pvalloc", 1, 100);
}
#endif

/* An old name of free, which new programs cannot be linked to. */
static NOINLINE void call_cfree(void)
{
#if defined(__GLIBC__) && !defined(STATIC)
	void (*cfree_)(void *) =
	    (void (*)(void *))(intptr_t)dlvsym(RTLD_DEFAULT, "cfree", "GLIBC_2.2.5");

	if (cfree_ && !getenv("LD_PRELOAD")) /* it cannot free the blocks of another allocator */
		cfree_(keep(malloc(33)));
#endif
}

/* AddressSanitizer's strdup does not call an allocation function that has a name. */
static NOINLINE void leak_strdup(void)
{
#ifndef __SANITIZE_ADDRESS__
	keep(strdup("twelve bytes"));
	keep(strndup("cut after seven", 7));
	truth(__func__, "malloc", 2, 13 + 8);
#endif
}

static NOINLINE void leak_asprintf(void)
{
	char *s = NULL;

	must(asprintf(&s, "%d and %s", 42, "so on") == 12, "asprintf");
	keep(s);
	truth(__func__, "*", 1, ANY);
}

static NOINLINE void leak_getline(const char *path)
{
	char *line = NULL;
	size_t cap = 0;
	FILE *f = fopen(path, "re");

	must(f && getline(&line, &cap, f) > 0, "getline");
	fclose(f);
	keep(line);
	truth(__func__, "*", 1, ANY);
}

static NOINLINE void leak_memstream(void)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	must(f != NULL, "open_memstream");
	for (int i = 0; i < 1000; i++)
		fputs("0123456789", f);
	must(!fclose(f) && len == 10000, "fclose");
	keep(text);
	truth(__func__, "*", 1, ANY);
}

int main(int argc, char **argv)
{
	(void)argc;
	truth_begin();
	leak_malloc();
	free_malloc();
	leak_malloc_zero();
	fail_malloc();
	leak_calloc();
	overflow_calloc();
	leak_realloc_null();
	realloc_grow();
	realloc_move();
	realloc_big();
	realloc_shrink();
	realloc_twice();
	realloc_to_zero();
	realloc_fails();
	realloc_then_free();
	leak_reallocarray();
	reallocarray_overflows();
	leak_posix_memalign();
	posix_memalign_fails();
	free_posix_memalign();
	leak_aligned_alloc();
	fail_aligned_alloc();
	leak_memalign();
	leak_valloc();
#ifdef __GLIBC__
	leak_pvalloc();
#endif
	free_null();
	call_cfree();
	leak_strdup();
	leak_asprintf();
	leak_getline(argv[0]);
	leak_memstream();
	truth_end();
	return 0;
}
