/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Processes that have a root directory of their own. */
#ifndef ROOTED_H
#define ROOTED_H

#include <sched.h>
#include <signal.h>

#include "scratch.h"

/* A process that lives below `root` until it is ended; -1: that is not allowed here. */
static inline pid_t live_below(const char *root)
{
	int pipes[2];
	pid_t pid;
	char c;

	MUST(pipe2(pipes, O_CLOEXEC) == 0);
	pid = fork();
	if (pid == 0) {
		if (geteuid() != 0 && unshare(CLONE_NEWUSER) != 0)
			_exit(1);
		if (chroot(root) != 0 || chdir("/") != 0 || write(pipes[1], "x", 1) != 1)
			_exit(1);
		pause();
		_exit(0);
	}
	close(pipes[1]);
	if (read(pipes[0], &c, 1) != 1) {
		waitpid(pid, NULL, 0);
		pid = -1;
	}
	close(pipes[0]);
	return pid;
}

static inline void end_life(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

#endif
