/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Opens libraries while it runs: one that allocates, and one with an allocator of its own. */
#define _GNU_SOURCE
#include <dlfcn.h>

#include "probed.h"
#include "truth.h"

static void call(void *library, const char *name)
{
	void (*function)(void) = (void (*)(void))(intptr_t)dlsym(library, name);

	if (!function) {
		fprintf(stderr, "%s\n", dlerror());
		abort();
	}
	function();
}

int main(int argc, char **argv)
{
	void *library;

	if (argc < 2)
		return 2;
	truth_begin();
	for (int i = 0; i < 5; i++) { /* closed and opened again, mostly at the same address */
		library = dlopen(argv[1], RTLD_NOW);
		if (!library)
			abort();
		wait_until_probed(dlsym(library, "je_malloc"));
		usleep(100000); /* a tracer may need a moment to notice the new mapping */
		call(library, "plugin_leaks");
		if (i < 4)
			dlclose(library);
		else
			call(library, "plugin_leaks_own"); /* its heap is inside the library */
	}
	truth("plugin_leaks", "malloc", 5, 5 * 123);
	truth("plugin_leaks_own", "je_malloc", 1, 45);
	truth_end();
	return 0;
}
