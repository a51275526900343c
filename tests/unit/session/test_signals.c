/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "session/signals.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "util/clock.h"
#include "util/file.h"

#include "scratch.h"
#include "test.h"

#define SECOND 1000000000ull

static struct signals *signals;

/* Runs `fn` in a process of its own that has a thread for signals; its exit status. */
static int status_of(void (*fn)(void))
{
	const char *errors = in_scratch("errors");
	pid_t pid = fork();
	int status;

	if (!pid) {
		sigset_t before;

		freopen(errors, "w", stderr);
		signals = session_signals__open(&before);
		fn();
		session_signals__free(signals);
		_exit(77);
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static bool said(const char *text)
{
	size_t len;
	char *errors = file__read(in_scratch("errors"), &len);
	bool found = errors && strstr(errors, text);

	free(errors);
	return found;
}

static bool children; /* whose ends are not what is waited for */

static int next_signal(void)
{
	struct pollfd fd = { .fd = session_signals__fd(signals), .events = POLLIN };
	struct signalfd_siginfo si;

	do {
		poll(&fd, 1, 20000);
		if (!session_signals__next(signals, &si))
			return 0;
	} while (si.ssi_signo == SIGCHLD && children);
	return (int)si.ssi_signo;
}

static void hang(void)
{
	for (;;)
		pause();
}

static void all_signals_are_passed_on(void)
{
	const int some[] = { SIGUSR1, SIGCHLD, SIGTERM };

	for (int i = 0; i < 3; i++) {
		CHECK(!session_signals__asked(signals));
		kill(getpid(), some[i]);
		if (next_signal() != some[i])
			_exit(1);
	}
	_exit(session_signals__asked(signals) ? 0 : 2);
}

TEST(signals_are_passed_on)
{
	CHECK_EQ(status_of(all_signals_are_passed_on), 0);
}

static void wait_a_moment(void)
{
	struct timespec later = { .tv_nsec = 300000000 };

	nanosleep(&later, NULL);
}

static void request_twice(void)
{
	kill(getpid(), SIGINT);
	if (next_signal() != SIGINT)
		_exit(1);
	wait_a_moment();
	kill(getpid(), SIGTERM);
	hang();
}

TEST(the_second_request_ends_it)
{
	CHECK_EQ(status_of(request_twice), 128 + SIGTERM);
	CHECK(said("second signal"));
}

static void request_with_command(void)
{
	pid_t pid = fork();

	if (!pid)
		hang();
	children = true;
	session_signals__command(signals, pid);
	for (int i = 0; i < 3; i++) {
		kill(getpid(), SIGINT);
		if (next_signal() != SIGINT)
			_exit(1);
		wait_a_moment();
	}
	if (session_signals__asked(signals))
		_exit(2);
	/* It has ended, and nothing took notice. */
	kill(pid, SIGKILL);
	waitid(P_PID, (id_t)pid, &(siginfo_t){ 0 }, WEXITED | WNOWAIT);
	request_twice();
}

TEST(signals_are_the_commands_until_it_ends)
{
	CHECK_EQ(status_of(request_with_command), 128 + SIGTERM);
}

static void miss_the_deadline(void)
{
	session_signals__expect_end(signals, clock__now_ns() + SECOND / 20);
	hang();
}

TEST(an_end_that_does_not_come)
{
	CHECK_EQ(status_of(miss_the_deadline), 1);
	CHECK(said("cannot end in order"));
}

static void change_the_deadline(void)
{
	session_signals__expect_end(signals, clock__now_ns() + 3600 * SECOND);
	session_signals__expect_end(signals, UINT64_MAX);
	kill(getpid(), SIGINT);
	next_signal();
	session_signals__expect_end(signals, UINT64_MAX);
	session_signals__free(signals);
	_exit(0);
}

TEST(a_deadline_can_be_taken_back)
{
	CHECK_EQ(status_of(change_the_deadline), 0);
}

static void write_note(void *ctx)
{
	write(*(int *)ctx, "x", 1);
}

static int note[2];

static void end_with_cleanup(void)
{
	session_signals__cleanup(signals, write_note, &note[1]);
	request_twice();
}

TEST(it_cleans_up)
{
	char c = 0;

	CHECK_EQ(pipe(note), 0);
	CHECK_EQ(status_of(end_with_cleanup), 128 + SIGTERM);
	CHECK_EQ(read(note[0], &c, 1), 1);
	CHECK_EQ(c, 'x');
}
