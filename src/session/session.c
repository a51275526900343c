/* The event loop and the one way out. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "probe/spec.h"
#include "run/verdict.h"
#include "session/internal.h"
#include "session/keys.h"
#include "symbols/module.h"
#include "symbols/symbolizer.h"
#include "trace/holder.h"
#include "trace/launch.h"
#include "trace/tracer.h"
#include "util/hashmap.h"
#include "util/log.h"
#include "util/util.h"

#define GROUPS_MS 300 /* how often containers are looked after */

void session__count(struct session *s)
{
	uint64_t held, missed;

	tracer__counters(s->tracer, &s->counters);
	holder__count(s->holder, &held, &missed);
	s->counters.holds = held;
	s->counters.holds_missed += missed;
	s->counters.late += missed;
	s->counters.outsiders = atomic_load(&s->outsiders);
}

/* ---- the loop ---- */

struct loop {
	int signals, interval, duration;
	bool stop;
	bool lent; /* the command got a signal from us */
	uint64_t reports;
};

static int timer(double seconds, bool repeat)
{
	struct itimerspec its = { 0 };
	int fd;

	if (seconds <= 0)
		return -1;
	its.it_value.tv_sec = (time_t)seconds;
	its.it_value.tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9);
	if (!its.it_value.tv_sec && !its.it_value.tv_nsec)
		its.it_value.tv_nsec = 1;
	if (repeat)
		its.it_interval = its.it_value;
	fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (fd >= 0)
		timerfd_settime(fd, 0, &its, NULL);
	return fd;
}

/*
 * A signal of the terminal reaches the command too: its affair, and we end when it does. One sent
 * to us alone is passed on to the command, once.
 */
static void handle_signal(struct session *s, struct loop *l)
{
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
		} else if (l->lent) {
			l->stop = true;
		} else {
			kill(launch__pid(s->launch), (int)si.ssi_signo);
			l->lent = true;
		}
	}
}

static void handle_keys(struct session *s, struct pollfd *fd)
{
	int key = session_keys__next(s->keys);

	if (key == 'm' || key == 'M')
		session_reporter__mark(s);
	if (key < 0)
		fd->fd = -1;
}

static bool expired(int fd)
{
	uint64_t n;

	return fd >= 0 && read(fd, &n, sizeof(n)) == sizeof(n);
}

static void on_interval(struct session *s, struct loop *l)
{
	l->reports++;
	if (s->plan->reports && l->reports >= s->plan->reports)
		l->stop = true; /* the last one is the final one */
	else
		session_reporter__request(s);
}

#define FDS 5 /* and one for each target */

static int loop(struct session *s, struct loop *l)
{
	size_t n = FDS + s->ntargets;
	struct pollfd *fds = calloc(n, sizeof(*fds));

	if (!fds)
		return -ENOMEM;
	fds[0] = (struct pollfd){ .fd = l->signals, .events = POLLIN };
	fds[1] = (struct pollfd){ .fd = l->interval, .events = POLLIN };
	fds[2] = (struct pollfd){ .fd = l->duration, .events = POLLIN };
	fds[3] = (struct pollfd){ .fd = s->queue_fd, .events = POLLIN };
	fds[4] = (struct pollfd){ .fd = session_keys__fd(s->keys), .events = POLLIN };
	for (size_t i = 0; i < s->ntargets; i++)
		fds[FDS + i] = (struct pollfd){ .fd = s->targets[i].pidfd, .events = POLLIN };
	while (!l->stop) {
		if (poll(fds, n, s->ngroups ? GROUPS_MS : -1) < 0 && errno != EINTR)
			break;
		handle_signal(s, l);
		if (fds[3].revents)
			session_events__handle(s);
		if (fds[4].revents)
			handle_keys(s, &fds[4]);
		for (size_t i = 0; i < s->ntargets; i++)
			if (fds[FDS + i].revents) {
				s->targets[i].ended = true;
				fds[FDS + i].fd = -1;
			}
		session_groups__tend(s);
		if (session_targets__all_ended(s) || expired(l->duration))
			l->stop = true;
		else if (!l->stop && expired(l->interval))
			on_interval(s, l);
		if (s->report_error)
			l->stop = true;
	}
	free(fds);
	return 0;
}

/* ---- beginning and end ---- */

/* Signals are read from a descriptor; a reader that goes away is an error of writing, not the end.
 */
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
	/* Sent to the background, we do without keys. */
	sigaddset(&blocked, SIGTTIN);
	sigaddset(&blocked, SIGTTOU);
	pthread_sigmask(SIG_BLOCK, &blocked, before);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static struct session *new_session(const struct plan *plan)
{
	struct session *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->plan = plan;
	probe_specs__names(&plan->probes, s->api_names);
	pthread_mutex_init(&s->lock, NULL);
	pthread_mutex_init(&s->turn, NULL);
	pthread_mutex_init(&s->queue_lock, NULL);
	pthread_mutex_init(&s->report_lock, NULL);
	pthread_cond_init(&s->report_cond, NULL);
	s->queue_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	/* A command's processes come and go faster than links of their own can be made. */
	s->per_file =
	    (plan->command && plan->children) || session_groups__any(plan) || plan->no_miss;
	return s;
}

static void free_session(struct session *s)
{
	session_keys__close(s->keys);
	session_reporter__free(s);
	if (s->consuming) {
		atomic_store(&s->stop_consuming, true);
		pthread_join(s->consumer, NULL);
	}
	holder__free(s->holder);
	identities__free(s->seen_by_main);
	identities__free(s->seen_by_collector);
	hashmap__free(s->probed);
	tracer__free(s->tracer);
	session_groups__free(s);
	recorder__free(s->recorder);
	symbolizer__free(s->symbolizer);
	collector__free(s->collector);
	session_targets__free(s);
	modules__free(s->modules);
	open_files__free(s);
	launch__free(s->launch);
	if (s->queue_fd >= 0)
		close(s->queue_fd);
	free(s->queue);
	free(s);
}

static int load_probes(struct session *s)
{
	const struct plan *plan = s->plan;
	char why[256] = "";

	s->tracer = tracer__new(
	    &(struct tracer_opts){
		.method = plan->attach,
		.ring_bytes = plan->ring_bytes,
		.stack_mode = plan->stack_mode,
		.max_depth = plan->max_depth,
		.modules = s->modules,
		.unwind_memory = plan->unwind_memory,
		.children = plan->children,
		.syscalls = plan->query.map,
		.probe_throwing = plan->probe_throwing,
		.holding = plan->command || plan->no_miss,
	    },
	    why, sizeof(why));
	if (s->tracer)
		return 0;
	log__error("cannot load the probes: %s", why);
	return errno ? -errno : -EINVAL;
}

static int take_holds(void *session)
{
	return tracer__take_holds(((struct session *)session)->tracer);
}

static void grant(void *session, uint64_t number, bool is_held)
{
	tracer__grant(((struct session *)session)->tracer, number, is_held);
}

static void settled(void *session, unsigned int catcher, int cpu)
{
	tracer__settle(((struct session *)session)->tracer, catcher, cpu);
}

/* Whoever maps unknown code waits until it is probed. */
static int start_holder(struct session *s)
{
	int err;

	s->holder = holder__new();
	if (!s->holder)
		return -errno;
	err = tracer__set_holder(s->tracer, holder__request, s->holder);
	return err ? err
		   : holder__start(s->holder,
				   &(struct holder_ops){ .fd = tracer__holds_fd(s->tracer),
							 .take = take_holds,
							 .grant = grant,
							 .settled = settled,
							 .ctx = s });
}

static void lock_for_recorder(void *session)
{
	session__lock(session);
}

static void unlock_for_recorder(void *session)
{
	session__unlock(session);
}

static bool open_recorder(struct session *s)
{
	s->recorder = recorder__open(&(struct recorder_opts){
	    .plan = s->plan,
	    .modules = s->modules,
	    .api_names = s->api_names,
	    .lock = lock_for_recorder,
	    .unlock = unlock_for_recorder,
	    .ctx = s,
	});
	return s->recorder;
}

/* Time counts from here, when all is loaded and nothing attached. */
static int make_parts(struct session *s)
{
	const struct plan *plan = s->plan;
	int err;

	s->modules = modules__new();
	s->probed = hashmap__new();
	err = s->modules && s->probed ? open_files__use_server(s) : -ENOMEM;
	if (!err)
		err = load_probes(s);
	if (!err && (plan->command || plan->no_miss))
		err = start_holder(s);
	if (!err) {
		s->seen_by_main = tracer__identities(s->tracer);
		s->seen_by_collector = tracer__identities(s->tracer);
		err = s->seen_by_main && s->seen_by_collector ? 0 : -ENOMEM;
	}
	if (err)
		return err;
	s->start = util__now_ns();
	if (plan->record && !open_recorder(s))
		return -EIO;
	s->collector = collector__new(&(struct collector_opts){
	    .modules = s->modules,
	    .refresh = session_targets__refresh,
	    .refresh_ctx = s,
	    .witness = s->recorder ? &recorder__witness : NULL,
	    .witness_ctx = s->recorder,
	    .notify = session_events__of_process,
	    .notify_ctx = s,
	    .min_size = plan->min_size,
	    .max_size = plan->max_size,
	    .min_age = plan->query.min_age,
	    .by = plan->query.by,
	    .children = plan->children,
	    .start = s->start,
	});
	s->symbolizer = s->collector ? symbolizer__new(s->modules) : NULL;
	if (!s->symbolizer) {
		log__error("cannot begin: %s", strerror(errno));
		return -errno;
	}
	if (s->recorder)
		recorder__attach(s->recorder, s->collector, s->symbolizer);
	return session_reporter__describe(s);
}

static const char *what_keys_do(const struct session *s)
{
	return s->keys ? "m sets a mark, Ctrl-C ends" : "Ctrl-C ends";
}

static void announce_groups(const struct session *s, const char *functions)
{
	const struct group *g = &s->groups[0];
	char others[80] = "", more[32] = "";
	size_t n = atomic_load(&s->outsiders);

	if (n)
		snprintf(others, sizeof(others),
			 "; %zu process%s of others map%s these files, and pay for it", n,
			 n == 1 ? "" : "es", n == 1 ? "s" : "");
	if (s->ngroups > 1)
		snprintf(more, sizeof(more), " and %zu more", s->ngroups - 1);
	log__info("%s %s%s, %zu process%s%s (%s probes)%s; a report every %g s, %s",
		  g->present ? "attached to" : "waiting for", g->present ? g->name : g->wanted,
		  more, s->adopted, s->adopted == 1 ? "" : "es", functions,
		  tracer__method(s->tracer), others, s->plan->interval_s, what_keys_do(s));
}

static void announce(struct session *s)
{
	char name[128] = "";
	const struct plan *plan = s->plan;
	int n = 0;

	if (plan->query.heap)
		n = snprintf(name, sizeof(name), ", %zu functions in %zu file%s",
			     s->probed_functions, s->probed_files, s->probed_files == 1 ? "" : "s");
	if (plan->query.heap && plan->probes.n)
		snprintf(name + n, sizeof(name) - n, ", %zu of %zu of --probe",
			 probe_report__found(s), plan->probes.n);
	if (s->launch)
		log__info("tracing %s[%d]%s (%s probes)", plan->command[0], launch__pid(s->launch),
			  name, tracer__method(s->tracer));
	else if (s->ngroups)
		announce_groups(s, name);
	else if (s->ntargets == 1)
		log__info("attached to %d%s (%s probes); a report every %g s, %s",
			  s->targets[0].pid, name, tracer__method(s->tracer), plan->interval_s,
			  what_keys_do(s));
	else
		log__info("attached to %zu processes%s (%s probes); a report every %g s, %s",
			  s->ntargets, name, tracer__method(s->tracer), plan->interval_s,
			  what_keys_do(s));
}

static int begin(struct session *s)
{
	int err;

	for (size_t i = 0; i < s->plan->npids; i++) {
		err = session_targets__check(s->plan->pids[i]);
		if (err)
			return err;
	}
	err = session_groups__find(s);
	if (!err)
		err = session_reporter__open(s);
	if (!err)
		err = make_parts(s);
	if (err)
		return err;
	err = tracer__set_consumer(s->tracer, session_events__record, s);
	if (!err)
		err = -pthread_create(&s->consumer, NULL, session_events__consume, s);
	s->consuming = !err;
	if (!err)
		err = tracer__start(s->tracer);
	if (err) {
		log__error("cannot start tracing: %s", strerror(-err));
		return err;
	}
	err = session_targets__open(s);
	if (!err)
		err = session_groups__open(s);
	if (!err && s->plan->command)
		err = session_targets__launch(s);
	if (!err) {
		/* A command's terminal is its own. */
		s->keys = s->plan->command ? NULL : session_keys__open();
		announce(s);
		probe_report__complain(s);
		err = session_reporter__start(s);
	}
	return err;
}

/* Detaches first, then books what is in the ring, then tells. */
static int finish(struct session *s)
{
	int err;

	s->ended = util__now_ns();
	tracer__detach(s->tracer);
	holder__stop(s->holder); /* the report may take a while */
	session__count(s);
	atomic_store(&s->stop_consuming, true);
	pthread_join(s->consumer, NULL);
	s->consuming = false;
	session__count(s);
	if (s->counters.holds || s->counters.holds_missed)
		log__debug("%llu threads were held until their code was probed, %llu could not be",
			   (unsigned long long)s->counters.holds,
			   (unsigned long long)s->counters.holds_missed);
	session_reporter__stop(s);
	err = session_reporter__final(s);
	return err;
}

/* The command's own status; it may outlive the tracing. */
static int command_status(struct session *s)
{
	int status;

	if (!launch__ended(s->launch, &status)) {
		log__info("tracing is over; waiting for %s[%d]", s->plan->command[0],
			  launch__pid(s->launch));
		while (!launch__ended(s->launch, &status))
			poll(NULL, 0, 50);
	}
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int session__run(const struct plan *plan)
{
	struct session *s = new_session(plan);
	struct loop l = { .interval = -1, .duration = -1 };
	int err, status = 1;

	if (!s) {
		log__error("cannot begin: out of memory");
		return 1;
	}
	l.signals = block_signals(&s->mask);
	open_files__raise_limit(s);
	err = begin(s);
	if (!err) {
		l.interval = timer(plan->interval_s, true);
		l.duration = timer(plan->duration_s, false);
		err = loop(s, &l);
		if (!err)
			err = finish(s);
	}
	if (!err)
		status = s->launch ? command_status(s) : 0;
	if (!err && s->reports.failed)
		status = verdict__status(plan);
	free_session(s);
	if (l.interval >= 0)
		close(l.interval);
	if (l.duration >= 0)
		close(l.duration);
	close(l.signals);
	return status;
}
