/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Forks a child that does nothing, as long as the parent lives. */
#include <signal.h>
#include <sys/wait.h>

#include "truth.h"

int main(void)
{
	pid_t child;

	truth_begin();
	child = fork();
	if (!child)
		for (;;)
			pause();
	truth_end();
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	return 0;
}
