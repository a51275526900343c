/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A thread that asks to be held spins on its CPU until a catcher has seized it. No other thread
 * runs there meanwhile, and waking a thread of ours on that CPU would come too late. So there are
 * two catchers, each bound to a CPU of its own: whichever is first takes the request. ptrace
 * belongs to a thread, so only the catcher that seized a thread can release it.
 *
 * Where spinning threads occupy both CPUs, or there is only one, the last thread to ask does not
 * spin: the catcher of its CPU preempts it on its way back to the program. So it is not how long a
 * thread waited that shows whether it was stopped in time, but where it stopped.
 */
#include "trace/holder.h"

#include <elf.h>
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
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "abi/shared.h"
#include "util/clock.h"
#include "util/array.h"

#define LONGEST_NS 5000000000ull /* whatever happens, no thread is held for longer */
#define LONGEST_INSTRUCTION 15
#define EARLY 256 /* releases to remember that came before their requests */

struct hold {
	uint64_t number, since;
	uint64_t ip, sp; /* of the program, when it asked */
	pid_t tid;
	unsigned int catcher; /* the one that seized it */
	bool stopped, released;
};

struct catcher {
	struct holder *holder;
	unsigned int number;
	pthread_t thread;
	int wake;
};

struct holder {
	struct holder_ops ops;
	struct catcher catchers[HOLD_CATCHERS];
	unsigned int running;
	atomic_bool stop;
	_Atomic pid_t child;
	_Atomic uint64_t held, missed;

	pthread_mutex_t lock; /* guards what follows; only catchers take it */
	unsigned int taking;  /* the catcher that takes requests now */
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
	for (unsigned int i = 0; i < HOLD_CATCHERS; i++)
		h->catchers[i] = (struct catcher){ .holder = h,
						   .number = i,
						   .wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) };
	if (h->catchers[0].wake >= 0 && h->catchers[HOLD_CATCHERS - 1].wake >= 0)
		return h;
	holder__free(h);
	errno = EMFILE;
	return NULL;
}

static void wake_all(struct holder *h)
{
	for (unsigned int i = 0; i < HOLD_CATCHERS; i++)
		eventfd_write(h->catchers[i].wake, 1);
}

enum state { RUNNING, STOPPED, GONE };

static enum state look_at_thread(const struct holder *h, const struct hold *hold)
{
	siginfo_t si = { 0 };

	if (waitid(P_PID, (id_t)hold->tid, &si, WSTOPPED | WEXITED | WNOHANG | WNOWAIT | __WALL))
		return GONE;
	/* A non-main thread that calls exec takes over the main thread's ID: that thread is not
	 * ours. */
	if (!si.si_pid)
		return ptrace(PTRACE_INTERRUPT, hold->tid, NULL, NULL) ? GONE : RUNNING;
	if (si.si_code == CLD_EXITED || si.si_code == CLD_KILLED || si.si_code == CLD_DUMPED) {
		/* We must reap a traced thread before its parent hears of its end; a child of ours
		 * is reaped by the thread that waits for it. */
		if (hold->tid != h->child)
			waitpid(hold->tid, NULL, WNOHANG | __WALL);
		return GONE;
	}
	return STOPPED;
}

/* Whether it stopped where it asked, or right after the probed instruction, which may be a
 * return. */
static bool in_time(const struct hold *hold)
{
	struct user_regs_struct regs;
	struct iovec iov = { .iov_base = &regs, .iov_len = sizeof(regs) };
	long back;

	if (ptrace(PTRACE_GETREGSET, hold->tid, (void *)(uintptr_t)NT_PRSTATUS, &iov))
		return false;
	if (regs.rip - hold->ip <= LONGEST_INSTRUCTION)
		return true;
	errno = 0;
	back = ptrace(PTRACE_PEEKDATA, hold->tid, (void *)(uintptr_t)hold->sp, NULL);
	return !errno && (uint64_t)back == regs.rip;
}

static void end_hold(struct holder *h, uint64_t number)
{
	for (size_t i = 0; i < h->n; i++)
		if (h->holds[i].number == number) {
			h->holds[i].released = true;
			return;
		}
	h->early[number % EARLY] = number;
}

static bool has_room(struct holder *h)
{
	return !array__grow(&h->holds, &h->cap, h->n + 1, sizeof(*h->holds));
}

void holder__request(void *holder, const struct hold_request *r)
{
	struct holder *h = holder;
	uint64_t *early = &h->early[r->number % EARLY];
	pid_t tid = (pid_t)r->tid;
	bool held = true;

	if (!tid) {
		end_hold(h, r->number);
		return;
	}
	if (*early == r->number) {
		*early = 0; /* its probes are attached already */
		h->held++;
	} else if (has_room(h) && !ptrace(PTRACE_SEIZE, tid, NULL, NULL)) {
		ptrace(PTRACE_INTERRUPT, tid, NULL, NULL);
		h->holds[h->n++] = (struct hold){ .number = r->number,
						  .since = clock__now_ns(),
						  .ip = r->ip,
						  .sp = r->sp,
						  .tid = tid,
						  .catcher = h->taking };
	} else {
		held = false; /* it is being debugged, or has ended */
		h->missed++;
	}
	h->ops.grant(h->ops.ctx, r->number, held);
}

void holder__release(struct holder *h, uint64_t number)
{
	if (!h || !number)
		return;
	pthread_mutex_lock(&h->release_lock);
	/* A hold without a slot here ends when its time is up. */
	if (!array__grow(&h->releases, &h->releases_cap, h->nreleases + 1, sizeof(*h->releases)))
		h->releases[h->nreleases++] = number;
	pthread_mutex_unlock(&h->release_lock);
	wake_all(h);
}

static void take_releases(struct holder *h)
{
	pthread_mutex_lock(&h->release_lock);
	for (size_t i = 0; i < h->nreleases; i++)
		end_hold(h, h->releases[i]);
	h->nreleases = 0;
	pthread_mutex_unlock(&h->release_lock);
}

/* Advances a hold. Returns false once it is over. */
static bool tend_hold(struct holder *h, struct hold *hold)
{
	enum state state = look_at_thread(h, hold);

	if (state == GONE)
		return false;
	if (state == STOPPED && !hold->stopped) {
		hold->stopped = true;
		if (in_time(hold))
			h->held++;
		else
			h->missed++;
	}
	hold->released |= clock__now_ns() - hold->since > LONGEST_NS;
	if (!hold->stopped || !hold->released)
		return true;
	/* It may have been killed just now: then it still has to be reaped. */
	return ptrace(PTRACE_DETACH, hold->tid, NULL, NULL);
}

/* How long to wait for the next step, in ms; -1: no limit. */
static int tend_holds(struct holder *h, unsigned int catcher)
{
	size_t kept = 0;
	int wait = -1;

	for (size_t i = 0; i < h->n; i++) {
		struct hold *hold = &h->holds[i];

		if (hold->catcher == catcher) {
			if (!tend_hold(h, hold))
				continue;
			/* It may be killed meanwhile, and its parent waits until we have reaped
			 * it. */
			if (wait != 1)
				wait = hold->stopped ? 10 : 1;
		}
		h->holds[kept++] = *hold;
	}
	h->n = kept;
	return wait;
}

/* Binds the catcher to one of the CPUs that we may use: the first catcher counts from the first
 * CPU, the second from the last. */
static void settle_on_cpu(const struct catcher *c)
{
	struct sched_param urgent = { .sched_priority = 1 };
	cpu_set_t allowed, one;
	int n = 0, want, mine = 0;

	/* Without permission for real-time priority, we run at the ordinary one. */
	pthread_setschedparam(pthread_self(), SCHED_FIFO, &urgent);
	if (sched_getaffinity(0, sizeof(allowed), &allowed))
		return;
	want = c->number ? CPU_COUNT(&allowed) - 1 : 0;
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET((size_t)cpu, &allowed) && n++ == want)
			mine = cpu;
	CPU_ZERO(&one);
	CPU_SET((size_t)mine, &one);
	if (!sched_setaffinity(0, sizeof(one), &one))
		c->holder->ops.settled(c->holder->ops.ctx, c->number, mine);
}

static void *run_catcher(void *arg)
{
	struct catcher *c = arg;
	struct holder *h = c->holder;
	struct pollfd fds[] = {
		{ .fd = h->ops.fd, .events = POLLIN },
		{ .fd = c->wake, .events = POLLIN },
	};
	int wait = -1;

	settle_on_cpu(c);
	/* The kernel releases the threads that a catcher still holds when it ends. */
	while (!atomic_load(&h->stop)) {
		eventfd_t count;

		poll(fds, 2, wait);
		eventfd_read(c->wake, &count);
		pthread_mutex_lock(&h->lock);
		h->taking = c->number;
		h->ops.take(h->ops.ctx);
		take_releases(h);
		wait = tend_holds(h, c->number);
		pthread_mutex_unlock(&h->lock);
	}
	return NULL;
}

int holder__start(struct holder *h, const struct holder_ops *ops)
{
	int err = 0;

	h->ops = *ops;
	while (!err && h->running < HOLD_CATCHERS) {
		struct catcher *c = &h->catchers[h->running];

		err = -pthread_create(&c->thread, NULL, run_catcher, c);
		h->running += !err;
	}
	return err;
}

void holder__spare(struct holder *h, pid_t child)
{
	if (h)
		h->child = child;
}

void holder__count(struct holder *h, uint64_t *held, uint64_t *missed)
{
	*held = h ? h->held : 0;
	*missed = h ? h->missed : 0;
}

void holder__stop(struct holder *h)
{
	if (!h)
		return;
	atomic_store(&h->stop, true);
	wake_all(h);
	while (h->running)
		pthread_join(h->catchers[--h->running].thread, NULL);
}

void holder__free(struct holder *h)
{
	if (!h)
		return;
	holder__stop(h);
	for (unsigned int i = 0; i < HOLD_CATCHERS; i++)
		if (h->catchers[i].wake >= 0)
			close(h->catchers[i].wake);
	pthread_mutex_destroy(&h->lock);
	pthread_mutex_destroy(&h->release_lock);
	free(h->holds);
	free(h->releases);
	free(h);
}
