/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Allocates and frees without pause, until a signal ends it. */
#define _GNU_SOURCE
#include <signal.h>

#include "truth.h"

static volatile sig_atomic_t signalled;

static void note(int sig)
{
	signalled = sig;
}

static NOINLINE void spin(void)
{
	for (int i = 0; i < 1000; i++)
		free(keep(malloc(100)));
}

/* busy [catch]: with "catch", SIGINT and SIGTERM end it with status 3. */
int main(int argc, char **argv)
{
	struct sigaction sa = { .sa_handler = note };

	if (argc > 1 && !strcmp(argv[1], "catch")) {
		sigaction(SIGINT, &sa, NULL);
		sigaction(SIGTERM, &sa, NULL);
	}
	truth_begin();
	keep(malloc(4000));
	truth_publish();
	while (!signalled)
		spin();
	return 3;
}
