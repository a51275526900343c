/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "session/process_queue.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "abi/event.h"
#include "util/array.h"
#include "util/hashmap.h"

struct process_queue {
	pthread_mutex_t lock;
	struct process_event *events;
	size_t n, cap;
	uint64_t dropped;
	int fd;
};

struct process_queue *process_queue__new(void)
{
	struct process_queue *q = calloc(1, sizeof(*q));
	int err;

	if (!q)
		return NULL;
	q->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (q->fd < 0) {
		err = errno;
		free(q);
		errno = err;
		return NULL;
	}
	pthread_mutex_init(&q->lock, NULL);
	return q;
}

void process_queue__free(struct process_queue *q)
{
	if (!q)
		return;
	close(q->fd);
	pthread_mutex_destroy(&q->lock);
	free(q->events);
	free(q);
}

int process_queue__fd(const struct process_queue *q)
{
	return q->fd;
}

static bool has_room(struct process_queue *q)
{
	return q->n < PROCESS_QUEUE_MAX &&
	       !array__grow(&q->events, &q->cap, q->n + 1, sizeof(*q->events));
}

bool process_queue__push(struct process_queue *q, const struct process_event *ev)
{
	bool room;

	pthread_mutex_lock(&q->lock);
	room = has_room(q);
	if (room)
		q->events[q->n++] = *ev;
	else
		q->dropped++;
	pthread_mutex_unlock(&q->lock);
	eventfd_write(q->fd, 1);
	return room;
}

uint64_t process_queue__dropped(struct process_queue *q)
{
	uint64_t dropped;

	pthread_mutex_lock(&q->lock);
	dropped = q->dropped;
	pthread_mutex_unlock(&q->lock);
	return dropped;
}

/* Returns whether the event says that mappings must be read, or of which process. */
static bool is_about_mappings(uint8_t type)
{
	return type == EVENT_ENTER || type == EVENT_EXEC || type == EVENT_FILES ||
	       type == EVENT_CODE || type == EVENT_EXIT || type == EVENT_FORK;
}

/* What the later events of a process ID come to, for a program that runs now. */
enum later {
	LATER_READ = 1, /* its mappings will be read */
	LATER_OVER,	/* it will have ended, or another will run in its place */
	LATER_OTHER,	/* the process ID will be another process's */
};

static enum later look_back(enum later known, uint8_t type)
{
	if (type == EVENT_FORK)
		return LATER_OTHER;
	if (type == EVENT_EXIT || type == EVENT_EXEC)
		return LATER_OVER;
	return known ? known : LATER_READ;
}

/*
 * When many events wait, a process's mappings are read once: for the last event that needs them, or
 * not at all if it has ended. A fork is never superseded: a later event of the child does not give
 * it what it has from its parent.
 */
static void mark_superseded(struct process_event *events, size_t n)
{
	struct hashmap *later = n > 1 ? hashmap__new() : NULL;
	uintptr_t known;

	for (size_t i = n; later && i-- > 0;) {
		struct process_event *ev = &events[i];

		if (!is_about_mappings(ev->type))
			continue;
		if (!hashmap__get(later, ev->pid, &known))
			known = 0;
		ev->superseded = ev->type != EVENT_FORK && known;
		ev->missed = ev->type == EVENT_EXEC && known >= LATER_OVER;
		hashmap__set(later, ev->pid, look_back((enum later)known, ev->type));
	}
	hashmap__free(later);
}

struct process_event *process_queue__take(struct process_queue *q, size_t *n)
{
	struct process_event *events;
	eventfd_t count;

	eventfd_read(q->fd, &count);
	pthread_mutex_lock(&q->lock);
	events = q->events;
	*n = q->n;
	q->events = NULL;
	q->n = q->cap = 0;
	pthread_mutex_unlock(&q->lock);
	mark_superseded(events, *n);
	return events;
}
