/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The scripted tracer's state: what a test prepares, what its script sends, and what came of it. */
#ifndef FAKE_STATE_H
#define FAKE_STATE_H

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "abi/event.h"
#include "probe/discover.h"
#include "symbols/module.h"
#include "trace/tracer_ops.h"
#include "util/clock.h"

#include "test.h"

#define FAKE_PATIENCE_S 20 /* how long a script waits for what is to come */
#define FAKE_PROCESSES 16

struct fake_record {
	struct fake_record *next;
	size_t size;
	uint64_t data[8];
};

/* What the test prepares, and what came of it. The lock guards all that threads share. */
struct tracer {
	pthread_mutex_t lock;
	pthread_cond_t changed;

	/* Prepared before the run; errors are negative. */
	void (*script)(void);
	int create_error, consumer_error, start_error, attach_error;
	void (*while_attaching)(void); /* called by the main thread, without the lock */
	void (*while_forking)(void);   /* the same */
	void (*while_scanning)(void);  /* the same */
	uint32_t running[FAKE_PROCESSES];
	size_t nrunning; /* of the target already */
	struct counters counters;
	unsigned int count_ms;	      /* how long the reporter's counting takes */
	void (*while_counting)(void); /* the reporter calls it when its counting begins */
	pthread_t main;		      /* the session's */

	bool in_use;
	pthread_t thread;
	bool has_thread;
	tracer_record_fn consume;
	void *consume_ctx;
	tracer_hold_fn hold;
	void *hold_ctx;
	struct hold_request request; /* number 0: none */
	int holds_fd;
	struct fake_record *first, **last;
	size_t consumed;
	struct {
		uint32_t pid, flags;
	} traced[FAKE_PROCESSES];
	size_t ntraced;
	char *log;
	size_t log_len;
};

static struct tracer fake;

/* ---- for tests and scripts ---- */

static void fake__log(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static void fake__log(const char *fmt, ...)
{
	char line[128];
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(line, sizeof(line) - 1, fmt, args);
	va_end(args);
	line[n++] = '\n';
	pthread_mutex_lock(&fake.lock);
	fake.log = realloc(fake.log, fake.log_len + (size_t)n + 1);
	memcpy(fake.log + fake.log_len, line, (size_t)n);
	fake.log_len += (size_t)n;
	fake.log[fake.log_len] = '\0';
	pthread_cond_broadcast(&fake.changed);
	pthread_mutex_unlock(&fake.lock);
}

/* How many lines of the log are this one. The caller has the lock. */
static inline int fake__lines(const char *line)
{
	size_t len = strlen(line);
	int n = 0;

	for (const char *p = fake.log; p && *p; p = strchr(p, '\n') + 1)
		n += !strncmp(p, line, len) && p[len] == '\n';
	return n;
}

static inline int fake__count(const char *line)
{
	int n;

	pthread_mutex_lock(&fake.lock);
	n = fake__lines(line);
	pthread_mutex_unlock(&fake.lock);
	return n;
}

/* Waits until the session has asked for this so many times, or is not going to. */
static inline bool fake__await(int times, const char *fmt, ...)
{
	struct timespec until;
	char line[128];
	va_list args;
	int err = 0;
	bool came;

	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += FAKE_PATIENCE_S;
	pthread_mutex_lock(&fake.lock);
	while (fake__lines(line) < times && !err)
		err = pthread_cond_timedwait(&fake.changed, &fake.lock, &until);
	came = fake__lines(line) >= times;
	if (!came)
		printf("# \"%s\" did not come; the log is:\n%s", line, fake.log ? fake.log : "");
	pthread_mutex_unlock(&fake.lock);
	return came;
}

static inline void fake__send(const void *data, size_t size)
{
	struct fake_record *r = calloc(1, sizeof(*r));

	memcpy(r->data, data, size);
	r->size = size;
	pthread_mutex_lock(&fake.lock);
	*fake.last = r;
	fake.last = &r->next;
	pthread_cond_broadcast(&fake.changed);
	pthread_mutex_unlock(&fake.lock);
}

static inline struct event fake__head(enum event_type type, pid_t pid)
{
	return (
	    struct event){ .type = (uint8_t)type, .pid = (uint32_t)pid, .time = clock__now_ns() };
}

static inline void fake__fork(pid_t parent, pid_t child)
{
	struct event_fork ev = { .ev = fake__head(EVENT_FORK, parent), .child = (uint32_t)child };

	fake__send(&ev, sizeof(ev));
}

static inline void fake__exec(pid_t pid, uint64_t hold)
{
	struct event_exec ev = { .ev = fake__head(EVENT_EXEC, pid), .comm = "new", .hold = hold };

	fake__send(&ev, sizeof(ev));
}

static inline void fake__files(pid_t pid)
{
	struct event_files ev = { .ev = fake__head(EVENT_FILES, pid) };

	fake__send(&ev, sizeof(ev));
}

static inline void fake__exit(pid_t pid)
{
	struct event ev = fake__head(EVENT_EXIT, pid);

	fake__send(&ev, sizeof(ev));
}

static inline void fake__alloc(pid_t pid, uint64_t addr, uint64_t size)
{
	struct event_alloc ev = { fake__head(EVENT_ALLOC, pid), addr, size, 0 };

	ev.ev.api = API_FIRST_FUNCTION;
	fake__send(&ev, sizeof(ev));
}

/* A thread asks to be held. */
static inline void fake__ask_hold(uint64_t number, pid_t tid)
{
	pthread_mutex_lock(&fake.lock);
	fake.request =
	    (struct hold_request){ .number = number, .pid = (uint32_t)tid, .tid = (uint32_t)tid };
	pthread_mutex_unlock(&fake.lock);
	eventfd_write(fake.holds_fd, 1);
}

static inline uint32_t fake__flags(pid_t pid)
{
	uint32_t flags = UINT32_MAX;

	pthread_mutex_lock(&fake.lock);
	for (size_t i = 0; i < fake.ntraced; i++)
		if (fake.traced[i].pid == (uint32_t)pid)
			flags = fake.traced[i].flags;
	pthread_mutex_unlock(&fake.lock);
	return flags;
}

/* As the BPF side does, at any time. */
static inline void fake__set_flag(pid_t pid, uint32_t flag)
{
	pthread_mutex_lock(&fake.lock);
	for (size_t i = 0; i < fake.ntraced; i++)
		if (fake.traced[i].pid == (uint32_t)pid)
			fake.traced[i].flags |= flag;
	pthread_mutex_unlock(&fake.lock);
}

static inline void fake__reset(void)
{
	pthread_condattr_t attr;

	free(fake.log);
	memset(&fake, 0, sizeof(fake));
	fake.last = &fake.first;
	fake.holds_fd = -1;
	fake.main = pthread_self();
	pthread_mutex_init(&fake.lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&fake.changed, &attr);
	pthread_condattr_destroy(&attr);
}

#endif
