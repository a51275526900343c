/*
 * The thread that asks to be held spins on its CPU until it is. Nobody else runs there meanwhile, and a thread of
 * ours that the kernel wakes on that CPU comes too late. So there are two, each bound to a CPU of its own:
 * whichever is first takes the request. Who seized a thread is the one who can let it go.
 */
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
#define CATCHERS 2
#define EARLY 256			/* releases that came before their requests, remembered */

struct hold {
	uint64_t number, since;
	pid_t tid;
	unsigned int catcher;	/* who seized it */
	bool released;
};

struct catcher {
	struct holder *holder;
	unsigned int number;
	pthread_t thread;
	int wake;
};

struct holder {
	struct holder_ops ops;
	struct catcher catchers[CATCHERS];
	unsigned int running;
	atomic_bool stop;
	_Atomic pid_t child;

	pthread_mutex_t lock;	/* of those below; the catchers' only */
	unsigned int taking;	/* which of them takes requests now */
	struct hold *holds;
	size_t n, cap;
	uint64_t early[EARLY];

	pthread_mutex_t release_lock;
	uint64_t *releases;
	size_t nreleases, releases_cap;
};

struct holder *holder__new(void)
{
	struct holder *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	pthread_mutex_init(&h->lock, NULL);
	pthread_mutex_init(&h->release_lock, NULL);
	for (unsigned int i = 0; i < CATCHERS; i++)
		h->catchers[i] = (struct catcher){ .holder = h, .number = i,
						   .wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) };
	if (h->catchers[0].wake >= 0 && h->catchers[CATCHERS - 1].wake >= 0)
		return h;
	holder__free(h);
	errno = EMFILE;
	return NULL;
}

static void wake_all(struct holder *h)
{
	for (unsigned int i = 0; i < CATCHERS; i++)
		eventfd_write(h->catchers[i].wake, 1);
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
						  .tid = (pid_t)r->tid, .catcher = h->taking };
	} else {
		return;		/* it is being debugged, or gone */
	}
	h->ops.grant(h->ops.ctx, r->number);
}

void holder__release(struct holder *h, uint64_t number)
{
	if (!h || !number)
		return;
	pthread_mutex_lock(&h->release_lock);
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
	pthread_mutex_unlock(&h->release_lock);
	wake_all(h);
}

static void take_releases(struct holder *h)
{
	pthread_mutex_lock(&h->release_lock);
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
	pthread_mutex_unlock(&h->release_lock);
}

/* How long to wait for what comes next, ms; -1: for ever. */
static int tend(struct holder *h, unsigned int catcher)
{
	uint64_t now = util__now_ns();
	int wait = -1;
	size_t kept = 0;

	for (size_t i = 0; i < h->n; i++) {
		struct hold *hold = &h->holds[i];

		if (hold->catcher != catcher) {
			h->holds[kept++] = *hold;
			continue;
		}
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

/* To the CPU of that number among those that we may use, counted from both ends. */
static void settle_on_cpu(unsigned int catcher)
{
	struct sched_param urgent = { .sched_priority = 1 };
	cpu_set_t allowed, one;
	int n = 0, want;

	/* Where we may not be urgent, we are as quick as others. */
	pthread_setschedparam(pthread_self(), SCHED_FIFO, &urgent);
	if (sched_getaffinity(0, sizeof(allowed), &allowed))
		return;
	want = catcher ? CPU_COUNT(&allowed) - 1 : 0;
	CPU_ZERO(&one);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &allowed) && n++ == want)
			CPU_SET(cpu, &one);
	sched_setaffinity(0, sizeof(one), &one);
}

static void *run(void *arg)
{
	struct catcher *c = arg;
	struct holder *h = c->holder;
	struct pollfd fds[] = {
		{ .fd = h->ops.fd, .events = POLLIN },
		{ .fd = c->wake, .events = POLLIN },
	};
	bool busy = false;
	int wait = -1;

	settle_on_cpu(c->number);
	while (!atomic_load(&h->stop) || busy) {
		eventfd_t count;

		poll(fds, 2, wait);
		eventfd_read(c->wake, &count);
		pthread_mutex_lock(&h->lock);
		h->taking = c->number;
		h->ops.take(h->ops.ctx);
		take_releases(h);
		wait = tend(h, c->number);
		busy = wait >= 0;
		pthread_mutex_unlock(&h->lock);
	}
	return NULL;
}

int holder__start(struct holder *h, const struct holder_ops *ops)
{
	int err = 0;

	h->ops = *ops;
	while (!err && h->running < CATCHERS) {
		struct catcher *c = &h->catchers[h->running];

		err = -pthread_create(&c->thread, NULL, run, c);
		h->running += !err;
	}
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
	atomic_store(&h->stop, true);
	wake_all(h);
	for (unsigned int i = 0; i < h->running; i++)
		pthread_join(h->catchers[i].thread, NULL);
	for (unsigned int i = 0; i < CATCHERS; i++)
		if (h->catchers[i].wake >= 0)
			close(h->catchers[i].wake);
	pthread_mutex_destroy(&h->lock);
	pthread_mutex_destroy(&h->release_lock);
	free(h->holds);
	free(h->releases);
	free(h);
}
