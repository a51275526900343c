/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Descriptors that cannot be had: what a run says of it. */
#include "runs.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>

/* From now on a system call fails in this process. */
static bool break_call(unsigned int number, int err)
{
	struct sock_filter rows[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned int)err),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { .len = ARRAY_SIZE(rows), .filter = rows };

	return !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) &&
	       !prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog);
}

#define NO_SECCOMP 99

static int run_without(unsigned int number, int err, pid_t pid)
{
	pid_t runner = fork();
	struct plan plan;
	int status;

	if (runner) {
		waitpid(runner, &status, 0);
		free(errors);
		errors = read_text(in_scratch("errors"));
		return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	}
	alarm(20);
	plan = new_plan(pid);
	plan.duration_s = 0.01;
	if (!break_call(number, err))
		_exit(NO_SECCOMP);
	_exit(run_session(&plan));
}

TEST(what_cannot_be_opened_ends_the_run)
{
	static const struct {
		unsigned int number;
		int err;
		const char *text;
	} rows[] = {
		{ SYS_signalfd4, EMFILE, "cannot open the signals: Too many open files" },
		{ SYS_timerfd_create, EMFILE, "cannot open the timer of reports: Too many" },
		{ SYS_timerfd_settime, EINVAL, "cannot wait for events: Invalid argument" },
		{ SYS_eventfd2, ENOMEM, "cannot open the signals: Cannot allocate memory" },
		{ SYS_pidfd_open, ENOMEM, "cannot attach to %d: Cannot allocate memory" },
		{ SYS_poll, ENOMEM, "cannot wait for events: Cannot allocate memory" },
	};
	pid_t pid = new_process();
	char text[128];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int status = run_without(rows[i].number, rows[i].err, pid);

		if (status == NO_SECCOMP) {
			end_process(pid);
			SKIP("there are no seccomp filters here");
		}
		CHECK_EQ(status, 1);
		snprintf(text, sizeof(text), rows[i].text, pid);
		CHECK(said(text));
	}
	end_process(pid);
}

/* A run with so few of them that something cannot be opened: it says what, or manages. */
static int run_with_descriptors(rlim_t n)
{
	pid_t pid = fork();
	struct plan plan;
	int status;

	if (pid) {
		waitpid(pid, &status, 0);
		return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	}
	alarm(20);
	plan = new_plan(target);
	plan.duration_s = 0.01;
	plan.no_miss = n % 2;
	dup2(open(in_scratch("errors"), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600),
	     STDERR_FILENO);
	closefrom(3);
	setrlimit(RLIMIT_NOFILE, &(struct rlimit){ n, n });
	_exit(session__run_with(&plan, &fake_ops));
}

TEST(a_run_without_descriptors_says_what_it_could_not_open)
{
	int failed = 0;

	target = new_process();
	for (rlim_t n = 3; n < 24; n++) {
		int status = run_with_descriptors(n);

		CHECK(status == 0 || status == 1);
		failed += status == 1;
		free(errors);
		errors = read_text(in_scratch("errors"));
		if (status == 1)
			CHECK(said("memtrace: "));
	}
	CHECK(failed > 5);
	end_process(target);
}
