/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The event loop: signals, timers, keys, and the ends of targets. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "session/internal.h"
#include "session/keys.h"
#include "session/signals.h"
#include "session/unused_files.h"
#include "trace/launch.h"
#include "util/clock.h"
#include "util/log.h"

struct loop {
	int interval, duration; /* descriptors; -1: no such timer */
	bool stop;
	bool forwarded; /* one of our signals was passed to the command */
	bool more;	/* process events were left unhandled, so that the rest gets its turn */
	uint64_t reports;
};

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
	s->signals = session_signals__open(&s->mask);
	err = s->signals ? 0 : -errno;
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
	session_signals__free(s->signals);
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

	while (session_signals__next(s->signals, &si)) {
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
			session_signals__ending(s->signals);
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

/* A duration beyond what the clock can count has no end. */
static uint64_t duration_ns(const struct session *s)
{
	return s->plan->duration_s < 1e9 ? (uint64_t)(s->plan->duration_s * 1e9) : UINT64_MAX / 4;
}

enum { FD_SIGNALS, FD_INTERVAL, FD_DURATION, FD_QUEUE, FD_KEYS, FD_TARGETS };

static struct pollfd *make_pollfds(const struct session *s)
{
	const struct loop *l = s->loop;
	struct pollfd *fds = calloc(FD_TARGETS + s->ntargets, sizeof(*fds));

	if (!fds)
		return NULL;
	fds[FD_SIGNALS].fd = session_signals__fd(s->signals);
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
	if (fds[FD_QUEUE].revents || l->more || session_targets__next_look(s) <= clock__now_ns())
		l->more = session_events__handle(s);
	if (fds[FD_KEYS].revents)
		handle_key(s, &fds[FD_KEYS]);
	for (size_t i = 0; i < s->ntargets; i++)
		if (fds[FD_TARGETS + i].revents) {
			s->targets[i].ended = true;
			fds[FD_TARGETS + i].fd = -1;
		}
	session_groups__tend(s);
	unused_files__tend(s->unused, clock__now_ns());
	session_tidy__tend(s);
	if (session_targets__all_ended(s) || has_expired(l->duration))
		l->stop = true;
	else if (!l->stop && has_expired(l->interval))
		end_interval(s);
	if (session_reporter__failed(s))
		l->stop = true;
}

/* For how long to wait, as poll takes it. */
static int wait_ms(const struct session *s)
{
	uint64_t now = clock__now_ns(), next = session_targets__next_look(s);
	uint64_t unused = unused_files__next(s->unused);
	int ms = s->ngroups ? GROUPS_TEND_MS : TIDY_MS, look;

	if (s->loop->more || next <= now)
		return 0;
	if (unused < next)
		next = unused > now ? unused : now;
	if (next == UINT64_MAX)
		return ms;
	/* Looks are postponed by seconds at most. */
	look = next - now < 60000000000 ? (int)((next - now) / 1000000) + 1 : 60000;
	return ms < look ? ms : look;
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
	if (!err && s->plan->duration_s > 0)
		session_signals__expect_end(s->signals, clock__now_ns() + duration_ns(s) +
							    SESSION_END_PATIENCE_NS);
	while (!err && !l->stop) {
		if (poll(fds, FD_TARGETS + s->ntargets, wait_ms(s)) < 0 && errno != EINTR)
			err = -errno;
		else
			handle_ready(s, fds);
	}
	if (err)
		log__error("cannot wait for events: %s", strerror(-err));
	free(fds);
	return err;
}
