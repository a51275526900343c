/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Many processes or threads.
 *
 *   crowd stay N     N processes, half of them before the work begins; number i keeps i blocks of
 *                    1000 + i bytes
 *   crowd storm N    N short processes, some at a time, each of which leaves two blocks and ends
 *   crowd threads N  N threads; number i keeps i blocks of 1000 + i bytes
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <signal.h>

#include "truth.h"

#define ROUNDS 200 /* of blocks that come and go */
#define AT_A_TIME 8

static int gate[2], done[2];
static const char *program;

static NOINLINE void take(long i)
{
	for (long n = 0; n < i; n++)
		keep(malloc(1000 + i));
}

static NOINLINE void take_and_give(void)
{
	for (int n = 0; n < ROUNDS; n++)
		free(keep(malloc(50)));
}

static NOINLINE void leave(void)
{
	keep(malloc(100));
	keep(malloc(300));
}

static long sum_of_blocks(long n)
{
	return n * (n + 1) / 2;
}

static long sum_of_bytes(long n)
{
	long sum = 0;

	for (long i = 1; i <= n; i++)
		sum += i * (1000 + i);
	return sum;
}

static void become(const char *what, long i)
{
	char number[24];

	snprintf(number, sizeof(number), "%ld", i);
	execl(program, program, what, number, NULL);
	_exit(127);
}

static pid_t begin(const char *what, long i)
{
	pid_t pid = fork();

	if (pid < 0)
		abort();
	if (!pid)
		become(what, i);
	return pid;
}

/* ---- processes that stay ---- */

enum { GATE = 10, GATE_END, DONE }; /* descriptors in the children */

static int one(long i)
{
	char c;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	close(GATE_END);
	while (read(GATE, &c, 1) > 0)
		;
	take(i);
	take_and_give();
	truth_write(DONE, "", 1);
	for (;;)
		pause();
}

static void await(long n)
{
	char c;

	for (long i = 0; i < n; i++)
		if (read(done[0], &c, 1) != 1)
			abort();
}

static void stay(long n)
{
	if (pipe2(gate, O_CLOEXEC) || pipe2(done, O_CLOEXEC))
		abort();
	dup2(gate[0], GATE);
	dup2(gate[1], GATE_END);
	dup2(done[1], DONE);
	for (long i = 1; i <= n / 2; i++)
		begin("one", i);
	truth_begin();
	close(gate[1]);
	close(GATE_END);
	for (long i = n / 2 + 1; i <= n; i++)
		begin("one", i);
	await(n);
	truth("take", "malloc", sum_of_blocks(n), sum_of_bytes(n));
	truth_end();
}

/* ---- short processes ---- */

static int brief(void)
{
	take_and_give();
	leave();
	_exit(0);
}

static void storm(long n)
{
	int status;
	long running = 0, failed = 0;

	truth_begin();
	for (long i = 0; i < n || running;) {
		if (i < n && running < AT_A_TIME) {
			begin("brief", i++);
			running++;
			continue;
		}
		if (wait(&status) < 0)
			abort();
		running--;
		failed += status != 0;
	}
	if (failed)
		abort();
	truth("leave", "malloc", 2 * n, 400 * n);
	truth_end();
}

/* ---- threads ---- */

static void *run(void *arg)
{
	take((long)arg);
	take_and_give();
	truth_write(done[1], "", 1);
	for (;;)
		pause();
	return NULL;
}

static void threads(long n)
{
	pthread_t t;

	if (pipe2(done, O_CLOEXEC))
		abort();
	truth_begin();
	for (long i = 1; i <= n; i++)
		if (pthread_create(&t, NULL, run, (void *)i))
			abort();
	await(n);
	truth("take", "malloc", sum_of_blocks(n), sum_of_bytes(n));
	truth_end();
}

int main(int argc, char **argv)
{
	long n = argc == 3 ? strtol(argv[2], NULL, 10) : 0;

	if (argc != 3)
		return 2;
	program = argv[0];
	if (!strcmp(argv[1], "one"))
		return one(n);
	if (!strcmp(argv[1], "brief"))
		return brief();
	if (!strcmp(argv[1], "stay"))
		stay(n);
	else if (!strcmp(argv[1], "storm"))
		storm(n);
	else
		threads(n);
	return 0;
}
