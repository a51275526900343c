/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Children, and theirs, that free and reallocate blocks that they inherited. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "truth.h"

#define BLOCKS 40
#define GENERATIONS 7
#define EACH 10
#define MANY 100000

static void *blocks[BLOCKS], *own[2];
static void *of_generation[GENERATIONS + 1][EACH];
static void *many[MANY];

static NOINLINE void before_fork(void)
{
	for (int i = 0; i < BLOCKS; i++)
		blocks[i] = keep(malloc(100 + i));
}

static NOINLINE void in_child(void)
{
	own[0] = keep(malloc(70));
	own[1] = keep(malloc(71));
}

static NOINLINE void grown_in_child(void)
{
	blocks[6] = keep(realloc(blocks[6], 5000));
}

static void reap(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		abort();
}

/*
 * A child of a process that memtrace is attached to is not probed at once. It allocates until the
 * test, which sees these blocks in a report, makes the file $TRACED.GENERATION.
 */
static void wait_for_tracer(int generation)
{
	const char *traced = getenv("TRACED");
	char file[512];

	if (!traced)
		return;
	snprintf(file, sizeof(file), "%s.%d", traced, generation);
	while (access(file, F_OK)) {
		keep(malloc(33));
		usleep(1000);
	}
}

/* ---- ways to fork ---- */

static pid_t by_fork(void (*child)(void))
{
	pid_t pid = fork();

	if (!pid)
		child();
	return pid;
}

/* The C library does not know of it. */
static pid_t by_system_call(void (*child)(void))
{
	pid_t pid = (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, 0L);

	if (!pid)
		child();
	return pid;
}

struct forker {
	void (*child)(void);
	pid_t pid;
};

static void *fork_in_thread(void *arg)
{
	struct forker *f = arg;

	f->pid = by_fork(f->child);
	return NULL;
}

static pid_t by_thread(void (*child)(void))
{
	struct forker f = { child, 0 };
	pthread_t thread;

	if (pthread_create(&thread, NULL, fork_in_thread, &f) || pthread_join(thread, NULL))
		abort();
	return f.pid;
}

static pid_t (*fork_to)(void (*child)(void)) = by_fork;

/* ---- a child and a grandchild ---- */

static void grandchild(void)
{
	wait_for_tracer(2);
	free(blocks[20]);
	free(blocks[21]);
	free(own[1]);
	_exit(0);
}

static void child(void)
{
	wait_for_tracer(1);
	for (int i = 0; i < 6; i++)
		free(blocks[i]);
	grown_in_child();
	in_child();
	reap(fork_to(grandchild));
	free(own[1]);
	_exit(0);
}

static void fork_mode(void)
{
	before_fork();
	reap(fork_to(child));
	for (int i = 2; i < BLOCKS; i++)
		free(blocks[i]);
	truth("before_fork", "malloc", 2, 201);
}

/* ---- many generations ---- */

static NOINLINE void own_blocks(int generation)
{
	for (int i = 0; i < EACH; i++)
		of_generation[generation][i] = keep(malloc(50));
}

static int generation;

/* Each frees one block of every generation before it. */
static void next_generation(void)
{
	generation++;
	wait_for_tracer(generation);
	for (int i = 0; i < generation; i++)
		free(of_generation[i][generation]);
	own_blocks(generation);
	if (generation < GENERATIONS)
		reap(fork_to(next_generation));
	_exit(0);
}

static void deep_mode(void)
{
	own_blocks(0);
	reap(fork_to(next_generation));
	truth("own_blocks", "malloc", EACH, 50 * EACH);
}

/* ---- children that have no memory of their own ---- */

static int free_some(void *unused)
{
	(void)unused;
	for (int i = 0; i < 5; i++)
		free(blocks[i]);
	return 0;
}

static void vfork_mode(void)
{
	pid_t pid;

	before_fork();
	pid = vfork();
	if (!pid) {
		free_some(NULL);
		_exit(0);
	}
	reap(pid);
	for (int i = 5; i < BLOCKS - 2; i++)
		free(blocks[i]);
	truth("before_fork", "malloc", 2, 200 + BLOCKS - 2 + BLOCKS - 1);
}

static void shared_mode(void)
{
	static char stack[1 << 16] __attribute__((aligned(16)));

	before_fork();
	reap(clone(free_some, stack + sizeof(stack), CLONE_VM | SIGCHLD, NULL));
	for (int i = 5; i < BLOCKS - 2; i++)
		free(blocks[i]);
	truth("before_fork", "malloc", 2, 200 + BLOCKS - 2 + BLOCKS - 1);
}

/* ---- a leak beside the frees of inherited blocks ---- */

static NOINLINE void lose(void)
{
	keep(malloc(64));
}

static void leak_child(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (int i = 0;; i += 10) {
		for (int k = i; k < i + 10; k++) {
			if (k < MANY)
				free(many[k]);
			free(keep(malloc(24)));
			lose();
		}
		usleep(10000);
	}
}

static void leak_mode(void)
{
	for (int i = 0; i < MANY; i++)
		many[i] = keep(malloc(16));
	reap(fork_to(leak_child));
}

static const struct mode {
	const char *name;
	void (*run)(void);
	pid_t (*fork_to)(void (*child)(void));
} modes[] = {
	{ "fork", fork_mode, by_fork },	    { "clone", fork_mode, by_system_call },
	{ "thread", fork_mode, by_thread }, { "deep", deep_mode, by_fork },
	{ "vfork", vfork_mode, by_fork },   { "shared", shared_mode, by_fork },
	{ "leak", leak_mode, by_fork },
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < sizeof(modes) / sizeof(*modes); i++) {
		if (strcmp(argv[1], modes[i].name))
			continue;
		fork_to = modes[i].fork_to;
		truth_begin();
		modes[i].run();
		truth_end();
		return 0;
	}
	return 2;
}
