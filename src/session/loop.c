/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The event loop: signals, timers, keys, and the ends of targets. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "session/internal.h"
#include "session/keys.h"
#include "trace/launch.h"
#include "util/log.h"

struct loop {
	int signals, interval, duration; /* descriptors; -1: no such timer */
	bool stop;
	bool forwarded; /* one of our signals was passed to the command */
	uint64_t reports;
};

/* Signals are read from a descriptor. A reader of our output that goes away is a write error, not
 * the end of the run. */
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

/* Opens a timer that is not running yet; -1 if none is wanted (0 seconds). Returns 0 or a negative
 * errno. */
static int open_timer(double seconds, int *fd)
{
	*fd = -1;
	if (seconds <= 0)
		return 0;
	*fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	return *fd < 0 ? -errno : 0;
}

static int start_timer(int fd, double seconds, bool repeat)
{
	struct itimerspec its = { 0 };

	if (fd < 0)
		return 0;
	its.it_value.tv_sec = (time_t)seconds;
	its.it_value.tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9);
	if (!its.it_value.tv_sec && !its.it_value.tv_nsec)
		its.it_value.tv_nsec = 1;
	if (repeat)
		its.it_interval = its.it_value;
	return timerfd_settime(fd, 0, &its, NULL) ? -errno : 0;
}

int session_loop__open(struct session *s)
{
	struct loop *l = calloc(1, sizeof(*l));
	const char *what = "the signals";
	int err;

	if (!l) {
		log__error("cannot start: out of memory");
		return -ENOMEM;
	}
	s->loop = l;
	l->interval = l->duration = -1;
	l->signals = block_signals(&s->mask);
	err = l->signals < 0 ? -errno : 0;
	if (!err) {
		what = "the timer of reports";
		err = open_timer(s->plan->interval_s, &l->interval);
	}
	if (!err) {
		what = "the timer of the duration";
		err = open_timer(s->plan->duration_s, &l->duration);
	}
	if (err)
		log__error("cannot open %s: %s", what, strerror(-err));
	return err;
}

void session_loop__free(struct session *s)
{
	struct loop *l = s->loop;

	if (!l)
		return;
	if (l->signals >= 0)
		close(l->signals);
	if (l->interval >= 0)
		close(l->interval);
	if (l->duration >= 0)
		close(l->duration);
	free(l);
}

/*
 * A signal from the terminal reaches the command too: the command decides, and the run ends when it
 * does. One sent to memtrace alone is passed on to the command, once.
 */
static void handle_signals(struct session *s)
{
	struct loop *l = s->loop;
	struct signalfd_siginfo si;

	while (read(l->signals, &si, sizeof(si)) == sizeof(si)) {
		int status;

		if (si.ssi_signo == SIGCHLD) {
			if (s->launch && launch__ended(s->launch, &status))
				l->stop = true;
		} else if (si.ssi_signo == SIGUSR1) {
			session_reporter__mark(s);
		} else if (!s->launch) {
			l->stop = true;
		} else if (si.ssi_code == SI_KERNEL) {
			continue;
		} else if (l->forwarded) {
			l->stop = true;
		} else {
			kill(launch__pid(s->launch), (int)si.ssi_signo);
			l->forwarded = true;
		}
	}
}

static void handle_key(struct session *s, struct pollfd *fd)
{
	int key = session_keys__next(s->keys);

	if (key == 'm' || key == 'M')
		session_reporter__mark(s);
	if (key < 0)
		fd->fd = -1;
}

static bool has_expired(int fd)
{
	uint64_t n;

	return fd >= 0 && read(fd, &n, sizeof(n)) == sizeof(n);
}

static void end_interval(struct session *s)
{
	struct loop *l = s->loop;

	l->reports++;
	if (s->plan->reports && l->reports >= s->plan->reports)
		l->stop = true; /* the last report is the final one */
	else
		session_reporter__request(s);
}

enum { FD_SIGNALS, FD_INTERVAL, FD_DURATION, FD_QUEUE, FD_KEYS, FD_TARGETS };

static struct pollfd *make_pollfds(const struct session *s)
{
	const struct loop *l = s->loop;
	struct pollfd *fds = calloc(FD_TARGETS + s->ntargets, sizeof(*fds));

	if (!fds)
		return NULL;
	fds[FD_SIGNALS].fd = l->signals;
	fds[FD_INTERVAL].fd = l->interval;
	fds[FD_DURATION].fd = l->duration;
	fds[FD_QUEUE].fd = process_queue__fd(s->queue);
	fds[FD_KEYS].fd = session_keys__fd(s->keys);
	for (size_t i = 0; i < s->ntargets; i++)
		fds[FD_TARGETS + i].fd = s->targets[i].pidfd;
	for (size_t i = 0; i < FD_TARGETS + s->ntargets; i++)
		fds[i].events = POLLIN;
	return fds;
}

static void handle_ready(struct session *s, struct pollfd *fds)
{
	struct loop *l = s->loop;

	handle_signals(s);
	if (fds[FD_QUEUE].revents)
		session_events__handle(s);
	if (fds[FD_KEYS].revents)
		handle_key(s, &fds[FD_KEYS]);
	for (size_t i = 0; i < s->ntargets; i++)
		if (fds[FD_TARGETS + i].revents) {
			s->targets[i].ended = true;
			fds[FD_TARGETS + i].fd = -1;
		}
	session_groups__tend(s);
	if (session_targets__all_ended(s) || has_expired(l->duration))
		l->stop = true;
	else if (!l->stop && has_expired(l->interval))
		end_interval(s);
	if (session_reporter__failed(s))
		l->stop = true;
}

int session_loop__run(struct session *s)
{
	struct pollfd *fds = make_pollfds(s);
	struct loop *l = s->loop;
	int err = fds ? 0 : -ENOMEM;

	if (!err)
		err = start_timer(l->interval, s->plan->interval_s, true);
	if (!err)
		err = start_timer(l->duration, s->plan->duration_s, false);
	while (!err && !l->stop) {
		if (poll(fds, FD_TARGETS + s->ntargets, s->ngroups ? GROUPS_TEND_MS : -1) < 0 &&
		    errno != EINTR)
			err = -errno;
		else
			handle_ready(s, fds);
	}
	if (err)
		log__error("cannot wait for events: %s", strerror(-err));
	free(fds);
	return err;
}
