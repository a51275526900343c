/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A library that is opened while the program runs, and bound lazily. */
#include <stdlib.h>

void oracle_point(void) __attribute__((weak));
void lib_call(void (*fn)(void));
int lib_chosen(int x);

static int chosen(int x)
{
	return x + 1;
}

/* Runs when lib_chosen is first called: below the loader's resolver, whose CFA hangs on rbx. */
__attribute__((used)) static int (*resolve(void))(int)
{
	if (oracle_point)
		oracle_point();
	return chosen;
}

int lib_chosen(int x) __attribute__((ifunc("resolve")));

__attribute__((constructor)) static void on_load(void)
{
	free(malloc(1));
}

__attribute__((destructor)) static void on_unload(void)
{
	free(malloc(2));
}

void lib_call(void (*fn)(void))
{
	volatile int x = lib_chosen(1);

	fn();
	free(malloc((size_t)x));
}
