#include "joints/holder.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ground/shared.h"
#include "ground/util.h"

#define LONGEST_NS 5000000000ull	/* whatever happens, nobody is held for longer */
#define EARLY 256			/* releases that came before their requests, remembered */

struct hold {
	uint64_t number, since;
	pid_t pid, tid;
	bool released;
};

struct holder {
	struct holder_ops ops;
	pthread_t thread;
	bool running;
	atomic_bool stop;
	_Atomic pid_t child;
	int wake;

	/* the thread's own */
	struct hold *holds;
	size_t n, cap;
	uint64_t early[EARLY];

	pthread_mutex_t lock;	/* of those below */
	uint64_t *releases;
	size_t nreleases, releases_cap;
};

struct holder *holder__new(void)
{
	struct holder *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	pthread_mutex_init(&h->lock, NULL);
	h->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (h->wake < 0) {
		free(h);
		return NULL;
	}
	return h;
}

/* True once the thread is stopped, or gone. */
static bool stopped(const struct holder *h, const struct hold *hold, bool *gone)
{
	siginfo_t si = { 0 };

	*gone = true;
	if (waitid(P_PID, (id_t)hold->tid, &si, WSTOPPED | WEXITED | WNOHANG | WNOWAIT | __WALL))
		return true;
	if (!si.si_pid)
		return false;
	*gone = si.si_code == CLD_EXITED || si.si_code == CLD_KILLED || si.si_code == CLD_DUMPED;
	/* A traced thread's end is ours to take before its parent hears of it; a child's is its waiter's. */
	if (!*gone || hold->tid != h->child)
		waitpid(hold->tid, NULL, WNOHANG | __WALL);
	return true;
}

/* Lets a thread go once it has stopped. False: not yet. */
static bool let_go(const struct holder *h, const struct hold *hold)
{
	bool gone;

	if (!stopped(h, hold, &gone))
		return false;
	if (!gone)
		ptrace(PTRACE_DETACH, hold->tid, NULL, NULL);
	return true;
}

void holder__request(void *holder, const struct hold_request *r)
{
	struct holder *h = holder;
	uint64_t *early = &h->early[r->number % EARLY];

	if (*early != r->number && h->n == h->cap) {
		size_t cap = h->cap ? h->cap * 2 : 16;
		struct hold *holds = reallocarray(h->holds, cap, sizeof(*holds));

		if (!holds)
			return;
		h->holds = holds;
		h->cap = cap;
	}
	if (*early == r->number) {
		*early = 0;	/* its probes are in already */
	} else if (!ptrace(PTRACE_SEIZE, (pid_t)r->tid, NULL, NULL)) {
		ptrace(PTRACE_INTERRUPT, (pid_t)r->tid, NULL, NULL);
		h->holds[h->n++] = (struct hold){ .number = r->number, .since = util__now_ns(),
						  .pid = (pid_t)r->pid, .tid = (pid_t)r->tid };
	} else {
		return;		/* it is being debugged, or gone */
	}
	h->ops.grant(h->ops.ctx, r->number);
}

void holder__release(struct holder *h, uint64_t number)
{
	if (!h || !number)
		return;
	pthread_mutex_lock(&h->lock);
	if (h->nreleases == h->releases_cap) {
		size_t cap = h->releases_cap ? h->releases_cap * 2 : 64;
		uint64_t *more = reallocarray(h->releases, cap, sizeof(*more));

		if (more) {
			h->releases = more;
			h->releases_cap = cap;
		}
	}
	/* One that finds no room is let go when its time is over. */
	if (h->nreleases < h->releases_cap)
		h->releases[h->nreleases++] = number;
	pthread_mutex_unlock(&h->lock);
	eventfd_write(h->wake, 1);
}

static void take_releases(struct holder *h)
{
	eventfd_t count;

	eventfd_read(h->wake, &count);
	pthread_mutex_lock(&h->lock);
	for (size_t i = 0; i < h->nreleases; i++) {
		size_t k = 0;

		while (k < h->n && h->holds[k].number != h->releases[i])
			k++;
		if (k < h->n)
			h->holds[k].released = true;
		else
			h->early[h->releases[i] % EARLY] = h->releases[i];
	}
	h->nreleases = 0;
	pthread_mutex_unlock(&h->lock);
}

/* How long to wait for what comes next, ms; -1: for ever. */
static int tend(struct holder *h)
{
	uint64_t now = util__now_ns();
	int wait = -1;
	size_t kept = 0;

	for (size_t i = 0; i < h->n; i++) {
		struct hold *hold = &h->holds[i];

		hold->released |= atomic_load(&h->stop) || now - hold->since > LONGEST_NS;
		if (hold->released && let_go(h, hold))
			continue;
		if (hold->released)
			wait = 1;
		else if (wait < 0)
			wait = 1000;
		h->holds[kept++] = *hold;
	}
	h->n = kept;
	return wait;
}

static void *run(void *arg)
{
	struct holder *h = arg;
	struct pollfd fds[] = {
		{ .fd = h->ops.fd, .events = POLLIN },
		{ .fd = h->wake, .events = POLLIN },
	};
	struct sched_param urgent = { .sched_priority = 1 };
	int wait = -1;

	/* Somebody spins until we come. Where that is not allowed we are as quick as others. */
	pthread_setschedparam(pthread_self(), SCHED_FIFO, &urgent);
	while (!atomic_load(&h->stop) || h->n) {
		poll(fds, 2, wait);
		h->ops.take(h->ops.ctx);
		take_releases(h);
		wait = tend(h);
	}
	return NULL;
}

int holder__start(struct holder *h, const struct holder_ops *ops)
{
	int err;

	h->ops = *ops;
	err = -pthread_create(&h->thread, NULL, run, h);
	h->running = !err;
	return err;
}

void holder__spare(struct holder *h, pid_t child)
{
	if (h)
		h->child = child;
}

void holder__free(struct holder *h)
{
	if (!h)
		return;
	if (h->running) {
		atomic_store(&h->stop, true);
		eventfd_write(h->wake, 1);
		pthread_join(h->thread, NULL);
	}
	close(h->wake);
	pthread_mutex_destroy(&h->lock);
	free(h->holds);
	free(h->releases);
	free(h);
}
