/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "trace/apart.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define STACK_BYTES ((size_t)64 << 10)
#define GUARD_BYTES ((size_t)4 << 10)

struct job {
	void (*work)(void *arg);
	void *arg;
};

/* A kill of the process group, as a shell's or timeout's, does not mean this process. */
static int run_job(void *job)
{
	const struct job *j = job;

	syscall(SYS_setpgid, 0, 0);
	j->work(j->arg);
	syscall(SYS_exit_group, 0);
	return 0;
}

/* clone() by a name that sanitizers do not intercept: they take what it starts for a fork. */
int __clone(int (*fn)(void *arg), void *stack, int flags, void *arg, ...);

/* CLONE_VFORK: this thread, whose errno the process shares, sleeps meanwhile. */
static bool run_in_process(struct job *j, char *stack)
{
	sigset_t all, before;
	int status;
	pid_t pid;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	/* Without a signal at its end: nothing else waits for it. */
	pid = __clone(run_job, stack + STACK_BYTES, CLONE_VM | CLONE_FILES | CLONE_VFORK, j);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (pid < 0)
		return false;
	while (waitpid(pid, &status, __WALL) < 0 && errno == EINTR)
		;
	return true;
}

void apart__run(void (*work)(void *arg), void *arg)
{
	char *stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	struct job j = { work, arg };
	bool ran = false;

	if (stack != MAP_FAILED) {
		if (!mprotect(stack, GUARD_BYTES, PROT_NONE))
			ran = run_in_process(&j, stack);
		munmap(stack, STACK_BYTES);
	}
	if (!ran)
		work(arg);
}
