/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads letters from standard input, and answers each with a line: leak blocks of 1000 bytes (l),
 * leak others (k, o), fill or empty a table of 64 blocks of 4096 bytes (t, e), use buffered
 * standard output (b), leak a little every 10 ms for 10 s (s), end with status 7 (q).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void *table[64];
static void *volatile lost;

__attribute__((noinline)) static void session_new(void)
{
	lost = malloc(1000);
}

__attribute__((noinline)) static void known_leak(void)
{
	lost = strdup("thirty-one bytes and terminator");
}

__attribute__((noinline)) static void other_leak(void)
{
	lost = malloc(100);
}

__attribute__((noinline)) static void table_fill(void)
{
	for (int i = 0; i < 64; i++)
		table[i] = malloc(4096);
}

static void table_empty(void)
{
	for (int i = 0; i < 64; i++) {
		free(table[i]);
		table[i] = NULL;
	}
}

static void times(int n, void (*what)(void))
{
	while (n--)
		what();
}

static void leak_slowly(void)
{
	session_new();
	known_leak();
	usleep(10000);
}

static void obey(char c)
{
	switch (c) {
	case 'l':
		return times(100, session_new);
	case 'k':
		return times(50, known_leak);
	case 'o':
		return times(10, other_leak);
	case 't':
		return table_fill();
	case 'e':
		return table_empty();
	case 'b':
		setvbuf(stdout, NULL, _IOFBF, 0);
		fputs("buffered\n", stdout);
		fflush(stdout);
		return;
	case 's':
		return times(1000, leak_slowly);
	case 'q':
		_exit(7);
	}
}

int main(void)
{
	char c;

	while (read(0, &c, 1) == 1) {
		obey(c);
		if (write(1, "ok\n", 3) != 3)
			return 1;
	}
	return 0;
}
