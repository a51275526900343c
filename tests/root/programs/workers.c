/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A master with workers that exist before the work begins: 3 children, each with 2 children of its
 * own. Each of the nine leaves as many blocks of 1,000 bytes as its number says.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "truth.h"

enum { CHILDREN = 3, OF_EACH = 2, WORKERS = CHILDREN * (1 + OF_EACH) };

static int gate[2], there[2], done[2];

static NOINLINE void in_worker(int n)
{
	for (int i = 0; i < n; i++)
		keep(malloc(1000));
}

static void await(int fd, int n)
{
	char c;

	for (int i = 0; i < n; i++)
		if (read(fd, &c, 1) != 1)
			abort();
}

static void work(int n)
{
	char c;

	truth_write(there[1], "", 1);
	while (read(gate[0], &c, 1) > 0)
		;
	in_worker(n);
	truth_write(done[1], "", 1);
	for (;;)
		pause();
}

static void begin(int n, int children)
{
	pid_t pid = fork();

	if (pid < 0)
		abort();
	if (pid)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	close(gate[1]);
	for (int i = 1; i <= children; i++)
		begin(n + i, 0);
	work(n);
}

int main(void)
{
	if (pipe2(gate, O_CLOEXEC) || pipe2(there, O_CLOEXEC) || pipe2(done, O_CLOEXEC))
		abort();
	for (int i = 0; i < CHILDREN; i++)
		begin(1 + i * (1 + OF_EACH), OF_EACH);
	await(there[0], WORKERS);
	truth_begin();
	close(gate[1]);
	await(done[0], WORKERS);
	truth("in_worker", "malloc", WORKERS * (WORKERS + 1) / 2,
	      WORKERS * (WORKERS + 1) / 2 * 1000L);
	truth_end();
	return 0;
}
