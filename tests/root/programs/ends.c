/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Programs that end, or not, by the first argument: leave three blocks (leave), leave nothing
 * (clean), leave a block and crash (crash), allocate nothing (empty), keep a block and then
 * allocate and free for so many seconds (churn N), or leak besides (leak N), allocate and free as
 * fast as can be for a second (storm), fork children that allocate and end at once (forks N).
 */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void *volatile held;

__attribute__((noinline)) static void *take(size_t size)
{
	return held = malloc(size);
}

__attribute__((noinline)) static void *keep(size_t size)
{
	return held = malloc(size);
}

static double seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void work(double until, useconds_t pause, int leaks)
{
	while (seconds() < until) {
		free(take(100));
		if (leaks)
			keep(1000);
		if (pause)
			usleep(pause);
	}
}

static void *hurry(void *arg)
{
	work(seconds() + 1, 0, 0);
	return arg;
}

static void storm(void)
{
	pthread_t threads[8];

	for (int i = 0; i < 8; i++)
		pthread_create(&threads[i], NULL, hurry, NULL);
	for (int i = 0; i < 8; i++)
		pthread_join(threads[i], NULL);
}

static void fork_children(int n)
{
	keep(100);
	for (int i = 0; i < n; i++) {
		if (!fork()) {
			keep(200);
			_exit(0);
		}
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
	}
	while (wait(NULL) > 0)
		;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	int n = argc > 2 ? atoi(argv[2]) : 0;
	int leaks = !strcmp(what, "leak");

	if (!strcmp(what, "leave")) {
		for (int i = 0; i < 2; i++)
			keep(500);
		keep(200);
	} else if (!strcmp(what, "clean")) {
		for (int i = 0; i < 10; i++)
			free(take(100));
	} else if (!strcmp(what, "crash")) {
		keep(200);
		raise(SIGSEGV);
	} else if (!strcmp(what, "churn") || leaks) {
		keep(5000);
		work(seconds() + n, 5000, leaks);
	} else if (!strcmp(what, "storm")) {
		storm();
	} else if (!strcmp(what, "forks")) {
		/* Attached to by then: a line on standard input lets it begin. */
		if (read(STDIN_FILENO, &n, 1) >= 0)
			fork_children(argc > 2 ? atoi(argv[2]) : 0);
	}
	return 0;
}
