/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keeps blocks of operator new, and catches what it throws when there is no memory. */
#include <cstdio>
#include <new>
#include <unistd.h>

static void *volatile kept;
static volatile size_t huge = ~(size_t)0 / 4;

__attribute__((noinline)) static void known_new(int n)
{
	for (int i = 0; i < n; i++)
		kept = ::operator new(77);
}

__attribute__((noinline)) static int known_thrown()
{
	try {
		kept = ::operator new(huge);
	} catch (const std::bad_alloc &) {
		return 1;
	}
	return 0;
}

int main()
{
	char line[64];
	int caught = 0, n;

	for (int i = 0; i < 5; i++) {
		known_new(5);
		caught += known_thrown();
	}
	n = snprintf(line, sizeof(line), "truth %d %d 0 0\n", 25 * 77, 25);
	if (write(1, line, n) != n)
		return 1;
	return caught == 5 ? 0 : 1;
}
