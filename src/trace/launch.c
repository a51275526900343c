/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "trace/launch.h"

#define EXEC_FAILED 127

struct launch {
	pid_t pid;
	int go[2];     /* a byte: exec now; closed: do not */
	int failed[2]; /* exec's errno, or nothing */
	bool held;     /* ptraced, and stopped whenever we look */
	bool ended;
	int status;
};

static int become_user(const struct passwd *pw)
{
	if (initgroups(pw->pw_name, pw->pw_gid) || setgid(pw->pw_gid) || setuid(pw->pw_uid))
		return -errno;
	if (setenv("HOME", pw->pw_dir, 1) || setenv("USER", pw->pw_name, 1) ||
	    setenv("LOGNAME", pw->pw_name, 1) || setenv("SHELL", pw->pw_shell, 1))
		return -errno;
	return 0;
}

__attribute__((noreturn)) static void run_child(struct launch *l, char **argv,
						const struct passwd *pw, const sigset_t *mask,
						const struct rlimit *files)
{
	char go;
	int err = 0;

	close(l->go[1]);
	close(l->failed[0]);
	sigprocmask(SIG_SETMASK, mask, NULL);
	/* Programs that use select() break beyond 1024. */
	if (files)
		setrlimit(RLIMIT_NOFILE, files);
	if (read(l->go[0], &go, 1) != 1)
		_exit(EXEC_FAILED);
	if (pw)
		err = become_user(pw);
	if (!err) {
		execvp(argv[0], argv);
		err = -errno;
	}
	if (write(l->failed[1], &err, sizeof(err)) != sizeof(err))
		_exit(EXEC_FAILED);
	_exit(EXEC_FAILED);
}

static void close_pair(int fds[2])
{
	for (int i = 0; i < 2; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	fds[0] = fds[1] = -1;
}

struct launch *launch__new(char **argv, const char *user, const sigset_t *mask,
			   const struct rlimit *files)
{
	struct launch *l = calloc(1, sizeof(*l));
	const struct passwd *pw = NULL;
	int err;

	if (!l)
		return NULL;
	l->go[0] = l->go[1] = l->failed[0] = l->failed[1] = -1;
	errno = 0;
	if (user && !(pw = getpwnam(user))) {
		err = errno ? errno : ENOENT;
		goto fail;
	}
	if (pipe2(l->go, O_CLOEXEC) || pipe2(l->failed, O_CLOEXEC)) {
		err = errno;
		goto fail;
	}
	l->pid = fork();
	if (l->pid < 0) {
		err = errno;
		goto fail;
	}
	if (!l->pid)
		run_child(l, argv, pw, mask, files);
	close(l->go[0]);
	close(l->failed[1]);
	l->go[0] = l->failed[1] = -1;
	if (ptrace(PTRACE_SEIZE, l->pid, NULL, PTRACE_O_TRACEEXEC)) {
		err = errno;
		close_pair(l->go);
		waitpid(l->pid, NULL, 0);
		goto fail;
	}
	l->held = true;
	return l;
fail:
	close_pair(l->go);
	close_pair(l->failed);
	free(l);
	errno = err;
	return NULL;
}

pid_t launch__pid(const struct launch *l)
{
	return l->pid;
}

/* Waits for the next stop, and delivers the program's own signals on the way. Returns the wait
 * status, or -1 once the program has ended. */
static int next_stop(struct launch *l, int wanted_event, int wanted_signal)
{
	int status;

	for (;;) {
		pid_t got = waitpid(l->pid, &status, __WALL);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 || WIFEXITED(status) || WIFSIGNALED(status)) {
			l->held = false;
			l->ended = true;
			l->status = got < 0 ? 0 : status;
			return -1;
		}
		if (wanted_event && status >> 8 == (SIGTRAP | wanted_event << 8))
			return status;
		if (wanted_signal && status >> 8 == wanted_signal)
			return status;
		/* A group stop is left in place; an event stop is continued; another signal is
		 * delivered. */
		if (status >> 16 == PTRACE_EVENT_STOP && WSTOPSIG(status) != SIGTRAP)
			ptrace(PTRACE_LISTEN, l->pid, NULL, NULL);
		else
			ptrace(PTRACE_CONT, l->pid, NULL,
			       (long)(status >> 16 ? 0 : WSTOPSIG(status)));
	}
}

int launch__exec(struct launch *l)
{
	int err = 0;

	if (write(l->go[1], "g", 1) != 1)
		return -errno;
	close_pair(l->go);
	if (next_stop(l, PTRACE_EVENT_EXEC, 0) >= 0)
		return 0;
	if (read(l->failed[0], &err, sizeof(err)) == sizeof(err))
		return err;
	return -ECHILD;
}

int launch__run_to_libraries(struct launch *l)
{
	if (!l->held)
		return 0;
	if (ptrace(PTRACE_CONT, l->pid, NULL, NULL))
		return errno == ESRCH ? 0 : -errno;
	return next_stop(l, 0, SIGCONT) >= 0;
}

int launch__release(struct launch *l)
{
	if (!l->held)
		return 0;
	l->held = false;
	return ptrace(PTRACE_DETACH, l->pid, NULL, NULL) ? -errno : 0;
}

bool launch__ended(struct launch *l, int *status)
{
	siginfo_t si = { 0 };

	/* Peek first: the stop of a thread that is being held is for its catcher to reap. */
	if (!l->ended && !waitid(P_PID, (id_t)l->pid, &si, WEXITED | WNOHANG | WNOWAIT) &&
	    si.si_pid &&
	    (si.si_code == CLD_EXITED || si.si_code == CLD_KILLED || si.si_code == CLD_DUMPED))
		l->ended = waitpid(l->pid, &l->status, WNOHANG) == l->pid;
	*status = l->status;
	return l->ended;
}

void launch__free(struct launch *l)
{
	if (!l)
		return;
	if (l->held) {
		kill(l->pid, SIGKILL);
		waitpid(l->pid, NULL, __WALL);
	}
	close_pair(l->go);
	close_pair(l->failed);
	free(l);
}
