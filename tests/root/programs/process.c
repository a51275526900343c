/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Processes that fork, vfork and exec. */
#define _GNU_SOURCE
#include <errno.h>
#include <spawn.h>
#include <sys/wait.h>

#include "truth.h"

extern char **environ;
static void *inherited[10];

static NOINLINE void before_fork(void)
{
	for (int i = 0; i < 10; i++)
		inherited[i] = keep(malloc(100));
}

static NOINLINE void in_child(void)
{
	for (int i = 0; i < 3; i++)
		keep(malloc(1000));
}

static NOINLINE void in_vfork_child(void)
{
	keep(malloc(24));
}

static NOINLINE void after_fork(void)
{
	keep(malloc(50));
}

static NOINLINE void after_exec(void)
{
	keep(malloc(60));
	keep(malloc(60));
}

static void reap(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		fprintf(stderr, "the child ended with %#x\n", status);
		abort();
	}
}

/* A tracer may need a moment if files are new, or if its probes belong to processes. */
static void wait_for_tracer(void)
{
	if (getenv("GO") || getenv("SLOWLY"))
		usleep(300000);
}

/* The child frees some of the blocks that it inherited, and ends without freeing its own. */
static void fork_mode(void)
{
	pid_t pid;

	before_fork();
	pid = fork();
	if (!pid) {
		wait_for_tracer();
		for (int i = 0; i < 4; i++)
			free(inherited[i]);
		in_child();
		_exit(0);
	}
	after_fork();
	reap(pid);
	free(inherited[9]);
	truth("before_fork", "malloc", 9, 900);
	truth("after_fork", "malloc", 1, 50);
}

static void vfork_mode(void)
{
	char *argv[] = { "true", NULL };
	pid_t pid = vfork();

	if (!pid) {
		in_vfork_child();
		_exit(0);
	}
	reap(pid);
	after_fork();
	for (int i = 0; i < 20; i++) {
		if (posix_spawnp(&pid, "true", NULL, NULL, argv, environ))
			abort();
		reap(pid);
	}
	truth("in_vfork_child", "malloc", 1, 24);
	truth("after_fork", "malloc", 1, 50);
}

static void many_mode(void)
{
	pid_t pids[50];

	before_fork();
	for (int i = 0; i < 50; i++) {
		pids[i] = fork();
		if (!pids[i]) {
			free(inherited[0]);
			in_child();
			_exit(0);
		}
	}
	for (int i = 0; i < 50; i++)
		reap(pids[i]);
	truth("before_fork", "malloc", 10, 1000);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (!strcmp(what, "again")) { /* the image that was exec'ed */
		wait_for_tracer();
		after_exec();
		truth("after_exec", "malloc", 2, 120);
		truth_publish();
		return 0;
	}
	truth_begin();
	if (!strcmp(what, "fork")) {
		fork_mode();
	} else if (!strcmp(what, "many")) {
		many_mode();
	} else if (!strcmp(what, "vfork")) {
		vfork_mode();
	} else if (!strcmp(what, "exec")) {
		before_fork();
		execl(argc > 2 ? argv[2] : argv[0], argv[0], "again", NULL);
		abort();
	} else if (!strcmp(what, "child-exec")) {
		pid_t pid;

		before_fork();
		pid = fork();
		if (!pid) {
			in_child();
			execl(argc > 2 ? argv[2] : argv[0], argv[0], "again", NULL);
			_exit(1);
		}
		reap(pid);
		after_fork();
		return 0; /* the child writes the truth */
	} else {
		return 2;
	}
	truth_end();
	return 0;
}
