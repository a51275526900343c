/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Copies of this program are files that memtrace has not seen before. It leaves a block in its
 * constructor already.
 *
 *   fresh keep N              leaves N more blocks of 100 bytes; ends with status N
 *   fresh load LIBRARY...     opens the libraries one after the other
 *   fresh threads LIBRARY...  opens each in a thread of its own, while other threads allocate
 *   fresh spawn PROGRAM...    runs each as "PROGRAM keep 3", by posix_spawn and by vfork in turn;
 *                             prints the microseconds that the fastest took; its status is the
 *                             number of programs that failed
 *   fresh user ID             ends with status 0 if it runs as that user
 */
#include <dlfcn.h>
#include <pthread.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "keep.h"

extern char **environ;

NOINLINE static void at_birth(void)
{
	keep(malloc(10));
}

__attribute__((constructor)) static void born(void)
{
	at_birth();
}

NOINLINE static void in_main(int n)
{
	for (int i = 0; i < n; i++)
		keep(malloc(100));
}

static void *load(void *path)
{
	if (!dlopen(path, RTLD_NOW)) {
		fprintf(stderr, "%s\n", dlerror());
		exit(99);
	}
	return NULL;
}

NOINLINE static void in_thread(int n)
{
	for (int i = 0; i < n; i++) {
		free(keep(malloc(30)));
		if (!(i % 100))
			keep(malloc(20));
	}
}

static void *work(void *unused)
{
	(void)unused;
	in_thread(5000);
	return NULL;
}

static int threads(int n, char **paths)
{
	pthread_t loaders[n], workers[4];

	for (int i = 0; i < 4; i++)
		if (pthread_create(&workers[i], NULL, work, NULL))
			return 98;
	for (int i = 0; i < n; i++)
		if (pthread_create(&loaders[i], NULL, load, paths[i]))
			return 98;
	for (int i = 0; i < n; i++)
		pthread_join(loaders[i], NULL);
	for (int i = 0; i < 4; i++)
		pthread_join(workers[i], NULL);
	return 0;
}

static pid_t run(char *program, bool by_vfork)
{
	char *argv[] = { program, "keep", "3", NULL };
	pid_t pid;

	if (!by_vfork)
		return posix_spawn(&pid, program, NULL, NULL, argv, environ) ? -1 : pid;
	pid = vfork();
	if (!pid) {
		execv(program, argv);
		_exit(97);
	}
	return pid;
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1e6 + ts.tv_nsec / 1e3;
}

/* The number of programs that failed. */
static int spawn(int n, char **programs)
{
	double took, least = 1e9;
	int wrong = 0;

	for (int i = 0; i < n; i++) {
		double began = now();
		int status = 0;
		pid_t pid = run(programs[i], i % 2);

		if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) ||
		    WEXITSTATUS(status) != 3) {
			fprintf(stderr, "%s: status %#x\n", programs[i], (unsigned int)status);
			wrong++;
		}
		took = now() - began;
		if (took < least)
			least = took;
	}
	fprintf(stderr, "%.0f us\n", least);
	return wrong;
}

int main(int argc, char **argv)
{
	if (argc < 3)
		return 2;
	if (!strcmp(argv[1], "keep")) {
		in_main(atoi(argv[2]));
		return atoi(argv[2]);
	}
	if (!strcmp(argv[1], "load")) {
		for (int i = 2; i < argc; i++)
			load(argv[i]);
		return 0;
	}
	if (!strcmp(argv[1], "threads"))
		return threads(argc - 2, argv + 2);
	if (!strcmp(argv[1], "user"))
		return geteuid() != (uid_t)atoi(argv[2]);
	return spawn(argc - 2, argv + 2);
}
