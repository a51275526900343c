/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loads each file, a C library, into a new namespace of the dynamic loader: several C libraries in
 * a process, of one file or of several, each with a heap of its own.
 */
#define _GNU_SOURCE
#include <dlfcn.h>

#include "probed.h"
#include "truth.h"

typedef void *alloc_fn(size_t size);
typedef void free_fn(void *p);

static NOINLINE void leak_there(const char *file)
{
	void *lib = dlmopen(LM_ID_NEWLM, file, RTLD_NOW | RTLD_LOCAL);
	alloc_fn *alloc = lib ? (alloc_fn *)(intptr_t)dlsym(lib, "malloc") : NULL;
	free_fn *release = lib ? (free_fn *)(intptr_t)dlsym(lib, "free") : NULL;

	if (!alloc || !release) {
		fprintf(stderr, "%s\n", dlerror());
		abort();
	}
	wait_until_probed((const void *)(intptr_t)alloc);
	wait_until_probed((const void *)(intptr_t)release);
	release(keep(alloc(500)));
	keep(alloc(501));
}

static NOINLINE void leak_here(void)
{
	keep(malloc(400));
	truth(__func__, "malloc", 1, 400);
}

int main(int argc, char **argv)
{
	truth_begin();
	leak_here();
	for (int i = 1; i < argc; i++)
		leak_there(argv[i]);
	truth_end();
	return 0;
}
