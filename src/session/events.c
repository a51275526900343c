/* From the ring to the collector, in a thread of its own; and what processes do, from there to the
 * main thread. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "session/internal.h"
#include "trace/holder.h"
#include "trace/tracer.h"
#include "util/hashmap.h"
#include "util/log.h"

#define POLL_MS 20 /* how long a record may wait in the ring */
#define QUEUE_MAX 65536

/* ---- the collector's lock ---- */

void session__lock(struct session *s)
{
	pthread_mutex_lock(&s->turn);
	atomic_store(&s->wanted, true);
	pthread_mutex_lock(&s->lock);
	atomic_store(&s->wanted, false);
	pthread_mutex_unlock(&s->turn);
}

void session__unlock(struct session *s)
{
	pthread_mutex_unlock(&s->lock);
}

/* The consumer's side: it holds the lock while there are records, and stands back when asked. */
static void stand_back(struct session *s)
{
	pthread_mutex_unlock(&s->lock);
	pthread_mutex_lock(&s->turn);
	pthread_mutex_unlock(&s->turn);
	pthread_mutex_lock(&s->lock);
}

int session_events__record(void *ctx, void *data, size_t size)
{
	struct session *s = ctx;

	if (atomic_load_explicit(&s->wanted, memory_order_relaxed))
		stand_back(s);
	collector__event(s->collector, data, size); /* counts what it could not book */
	return 0;
}

void *session_events__consume(void *arg)
{
	struct session *s = arg;

	while (!atomic_load(&s->stop_consuming)) {
		tracer__wait(s->tracer, POLL_MS);
		pthread_mutex_lock(&s->lock);
		tracer__consume(s->tracer);
		pthread_mutex_unlock(&s->lock);
	}
	pthread_mutex_lock(&s->lock);
	while (tracer__consume(s->tracer) > 0)
		;
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

/* ---- processes: from the consumer to the main thread ---- */

void session_events__of_process(void *ctx, const struct event *ev)
{
	struct session *s = ctx;
	struct process_event pe = { .type = ev->type, .pid = ev->pid };

	if (ev->type == EVENT_CODE && !(ev->flags & EVENT_F_UNKNOWN))
		return;
	if (ev->type == EVENT_FORK) {
		if (((const struct event_fork *)ev)->shares_memory)
			return;
		pe.pid = ((const struct event_fork *)ev)->child;
		pe.parent = ev->pid;
	} else if (ev->type == EVENT_EXEC || ev->type == EVENT_ENTER ||
		   ev->type == EVENT_CANDIDATE) {
		pe.hold = ((const struct event_exec *)ev)->hold;
	} else if (ev->type == EVENT_FILES) {
		pe.hold = ((const struct event_files *)ev)->hold;
	}
	pthread_mutex_lock(&s->queue_lock);
	if (s->queued == s->queue_cap) {
		size_t cap = s->queue_cap ? s->queue_cap * 2 : 64;
		struct process_event *q =
		    cap <= QUEUE_MAX ? realloc(s->queue, cap * sizeof(*q)) : NULL;

		if (q) {
			s->queue = q;
			s->queue_cap = cap;
		}
	}
	if (s->queued < s->queue_cap)
		s->queue[s->queued++] = pe;
	else
		s->queue_dropped++, holder__release(s->holder, pe.hold);
	pthread_mutex_unlock(&s->queue_lock);
	eventfd_write(s->queue_fd, 1);
}

static bool wants_scan(uint8_t type)
{
	return type == EVENT_ENTER || type == EVENT_EXEC || type == EVENT_FILES ||
	       type == EVENT_CODE;
}

/* Where many wait, a process's mappings are read once: by the last that asks for it, or not, if it
 * ended. */
static void mark_superseded(struct process_event *events, size_t n)
{
	struct hashmap *later = n > 1 ? hashmap__new() : NULL;
	uintptr_t known;

	for (size_t i = n; later && i-- > 0;) {
		struct process_event *ev = &events[i];

		if (!wants_scan(ev->type) && ev->type != EVENT_EXIT && ev->type != EVENT_FORK)
			continue;
		ev->superseded = ev->type != EVENT_FORK && hashmap__get(later, ev->pid, &known);
		hashmap__set(later, ev->pid, 1);
	}
	hashmap__free(later);
}

void session_events__handle(struct session *s)
{
	struct process_event *events;
	eventfd_t count;
	size_t n;

	eventfd_read(s->queue_fd, &count);
	pthread_mutex_lock(&s->queue_lock);
	events = s->queue;
	n = s->queued;
	s->queue = NULL;
	s->queued = s->queue_cap = 0;
	pthread_mutex_unlock(&s->queue_lock);
	mark_superseded(events, n);
	for (size_t i = 0; i < n; i++) {
		int err = session_targets__handle(s, &events[i]);

		holder__release(s->holder, events[i].hold);
		if (err)
			log__warn("cannot attach to %u: %s", events[i].pid, strerror(-err));
	}
	free(events);
	tracer__tend(s->tracer);
}
