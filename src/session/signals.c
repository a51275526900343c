/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "session/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/clock.h"

/* One request may come as two signals: timeout(1), for one, sends its own to the process and to the
 * process group. */
#define SAME_REQUEST_NS 200000000ull

struct signals {
	int fd;	     /* of the signals */
	int pipe[2]; /* to the main thread */
	int wake;
	pthread_t thread;
	bool runs;
	atomic_bool stop;
	atomic_int command;		/* 0: none */
	atomic_uint_least64_t asked_at; /* ns; 0: nothing asked for the end yet */
	atomic_uint_least64_t deadline; /* ns; UINT64_MAX: none */
	pthread_mutex_t lock;		/* guards the rest */
	void (*cleanup)(void *ctx);
	void *cleanup_ctx;
};

/* Writes only where that cannot block. */
static void say(const char *text)
{
	struct pollfd fd = { .fd = STDERR_FILENO, .events = POLLOUT };
	ssize_t n;

	if (poll(&fd, 1, 0) == 1 && fd.revents & POLLOUT)
		n = write(STDERR_FILENO, text, strlen(text));
	else
		n = 0;
	(void)n;
}

static _Noreturn void end_at_once(struct signals *sg, int status, const char *why)
{
	pthread_mutex_lock(&sg->lock);
	if (sg->cleanup)
		sg->cleanup(sg->cleanup_ctx);
	say(why);
	_exit(status);
}

static bool asks_for_end(uint32_t signo)
{
	return signo == SIGINT || signo == SIGTERM || signo == SIGHUP || signo == SIGQUIT;
}

static bool command_lives(struct signals *sg)
{
	pid_t pid = atomic_load(&sg->command);
	siginfo_t si = { 0 };

	if (!pid || waitid(P_PID, (id_t)pid, &si, WEXITED | WNOHANG | WNOWAIT))
		return false;
	return si.si_pid != pid ||
	       (si.si_code != CLD_EXITED && si.si_code != CLD_KILLED && si.si_code != CLD_DUMPED);
}

static void handle_request(struct signals *sg, uint32_t signo)
{
	uint64_t asked_at = atomic_load(&sg->asked_at), now = clock__now_ns();

	if (asked_at && now - asked_at > SAME_REQUEST_NS)
		end_at_once(sg, 128 + (int)signo,
			    "memtrace: ended by a second signal, without a final report\n");
	if (!asked_at && !command_lives(sg))
		session_signals__ending(sg);
}

static void take_signals(struct signals *sg)
{
	struct signalfd_siginfo si;
	ssize_t n;

	while (read(sg->fd, &si, sizeof(si)) == sizeof(si)) {
		if (asks_for_end(si.ssi_signo))
			handle_request(sg, si.ssi_signo);
		/* A full pipe has enough of them. */
		n = write(sg->pipe[1], &si, sizeof(si));
		(void)n;
	}
}

/* Returns for how long to wait, as poll takes it. */
static int check_deadline(struct signals *sg)
{
	uint64_t deadline = atomic_load(&sg->deadline), now = clock__now_ns();

	if (deadline == UINT64_MAX)
		return -1;
	if (now >= deadline)
		end_at_once(sg, 1,
			    "memtrace: cannot end in order: a process or file that was being read "
			    "does not answer; ended without a final report\n");
	return deadline - now > 1000000000 ? 1000 : (int)((deadline - now) / 1000000) + 1;
}

static void *run_signals(void *arg)
{
	struct signals *sg = arg;
	struct pollfd fds[] = { { .fd = sg->fd, .events = POLLIN },
				{ .fd = sg->wake, .events = POLLIN } };
	eventfd_t count;

	while (!atomic_load(&sg->stop)) {
		poll(fds, 2, check_deadline(sg));
		eventfd_read(sg->wake, &count);
		take_signals(sg);
	}
	return NULL;
}

/* A reader of our output that goes away is a write error, not the end of the run. */
static int block_signals(sigset_t *before)
{
	sigset_t set, blocked;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGQUIT);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGUSR1);
	blocked = set;
	sigaddset(&blocked, SIGPIPE);
	/* In the background, memtrace does without keys. */
	sigaddset(&blocked, SIGTTIN);
	sigaddset(&blocked, SIGTTOU);
	pthread_sigmask(SIG_BLOCK, &blocked, before);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

struct signals *session_signals__open(sigset_t *before)
{
	struct signals *sg = calloc(1, sizeof(*sg));
	int err;

	if (!sg)
		return NULL;
	sg->pipe[0] = sg->pipe[1] = -1;
	atomic_init(&sg->deadline, UINT64_MAX);
	pthread_mutex_init(&sg->lock, NULL);
	sg->fd = block_signals(before);
	sg->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (sg->fd < 0 || sg->wake < 0 || pipe2(sg->pipe, O_CLOEXEC | O_NONBLOCK)) {
		err = errno;
	} else {
		err = pthread_create(&sg->thread, NULL, run_signals, sg);
		sg->runs = !err;
	}
	if (!err)
		return sg;
	session_signals__free(sg);
	errno = err;
	return NULL;
}

static void wake_thread(struct signals *sg)
{
	eventfd_write(sg->wake, 1);
}

void session_signals__free(struct signals *sg)
{
	if (!sg)
		return;
	if (sg->runs) {
		atomic_store(&sg->stop, true);
		wake_thread(sg);
		pthread_join(sg->thread, NULL);
	}
	for (int i = 0; i < 2; i++)
		if (sg->pipe[i] >= 0)
			close(sg->pipe[i]);
	if (sg->wake >= 0)
		close(sg->wake);
	if (sg->fd >= 0)
		close(sg->fd);
	pthread_mutex_destroy(&sg->lock);
	free(sg);
}

int session_signals__fd(const struct signals *sg)
{
	return sg->pipe[0];
}

bool session_signals__next(struct signals *sg, struct signalfd_siginfo *si)
{
	return read(sg->pipe[0], si, sizeof(*si)) == sizeof(*si);
}

void session_signals__cleanup(struct signals *sg, void (*fn)(void *ctx), void *ctx)
{
	pthread_mutex_lock(&sg->lock);
	sg->cleanup = fn;
	sg->cleanup_ctx = ctx;
	pthread_mutex_unlock(&sg->lock);
}

void session_signals__command(struct signals *sg, pid_t pid)
{
	atomic_store(&sg->command, pid);
}

void session_signals__ending(struct signals *sg)
{
	uint64_t now = clock__now_ns(), none = 0;
	uint64_t deadline = now + SESSION_END_PATIENCE_NS, before = UINT64_MAX;

	if (!atomic_compare_exchange_strong(&sg->asked_at, &none, now))
		return;
	while (deadline < before && !atomic_compare_exchange_weak(&sg->deadline, &before, deadline))
		;
	wake_thread(sg);
}

bool session_signals__asked(const struct signals *sg)
{
	return atomic_load(&sg->asked_at);
}

void session_signals__expect_end(struct signals *sg, uint64_t deadline)
{
	atomic_store(&sg->deadline, deadline);
	wake_thread(sg);
}
