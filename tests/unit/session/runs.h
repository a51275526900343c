/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs of a session with the scripted tracer of fake_tracer.h: their targets, their plan, and what
 * they wrote. */
#ifndef RUNS_H
#define RUNS_H

#include "session/session.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "report/report.h"
#include "run/plan.h"
#include "util/array.h"
#include "util/file.h"

#include "fake_tracer.h"
#include "scratch.h"

/* ---- a clock that the test can set ---- */

static _Atomic long wall_offset_s;

/* In the C library's place, for all of this program. */
int clock_gettime(clockid_t clock, struct timespec *ts)
{
	int err = (int)syscall(SYS_clock_gettime, clock, ts);

	if (clock == CLOCK_REALTIME)
		ts->tv_sec += wall_offset_s;
	return err;
}

/* ---- running ---- */

static char *errors, *output; /* what the last run wrote */

static inline char *read_text(const char *path)
{
	size_t len;
	char *text = file__read(path, &len);

	return text ? text : strdup("");
}

/* A process to be traced: it has this program's mappings, and waits. */
static inline pid_t new_process(void)
{
	pid_t pid;

	in_scratch(""); /* before the fork: a child that runs a session writes to it as well */
	pid = fork();
	if (!pid) {
		for (;;)
			pause();
	}
	return pid;
}

static inline void end_process(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static inline struct plan new_plan(pid_t pid)
{
	struct plan plan = plan__default();

	fake__reset();
	plan.format = report__find("json");
	plan.output = in_scratch("output");
	if (pid) {
		plan.pids = malloc(sizeof(*plan.pids));
		plan.pids[0] = (uint32_t)pid;
		plan.npids = 1;
	}
	return plan;
}

/* Runs, with standard error going to a file; the exit status. */
static inline int run_session(struct plan *plan)
{
	int saved = dup(STDERR_FILENO), status;
	int fd = open(in_scratch("errors"), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
	sigset_t mask;

	unlink(in_scratch("output"));
	sigprocmask(SIG_SETMASK, NULL, &mask);
	dup2(fd, STDERR_FILENO);
	close(fd);
	status = session__run_with(plan, &fake_ops);
	dup2(saved, STDERR_FILENO);
	close(saved);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	plan__release(plan);
	CHECK(!fake.in_use);
	free(errors);
	free(output);
	errors = read_text(in_scratch("errors"));
	output = read_text(in_scratch("output"));
	return status;
}

static inline bool said(const char *text)
{
	bool found = strstr(errors, text);

	if (!found)
		printf("# \"%s\" is not in:\n# %s\n", text, errors);
	return found;
}

/* The number after the last `key` in the reports, which is that of the final one; -1: none. */
static inline long long last_number(const char *key)
{
	const char *p = output, *last = NULL;

	for (; (p = strstr(p, key)); p += strlen(key))
		last = p + strlen(key);
	return last ? strtoll(last, NULL, 10) : -1;
}

#define LOST "\"lost\":{\"events\":"

static inline void end_run(void)
{
	kill(getpid(), SIGINT);
}

static pid_t target;

#endif
