/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hands records from the ring buffer to the collector, in a thread of its own, and process events
 * from there to the main thread. */
#include <stdlib.h>
#include <string.h>

#include "session/internal.h"
#include "session/unused_files.h"
#include "trace/holder.h"
#include "trace/tracer_ops.h"
#include "util/clock.h"
#include "util/log.h"

#define POLL_MS 20 /* how long a record may wait in the ring buffer */
/* For how long the main thread handles process events before it looks at signals and timers. */
#define HANDLE_NS 100000000ull
/* The records left at the end that were not booked after this time are given up, and counted as
 * lost. */
#define DRAIN_NS 3000000000ull

int session_events__record(void *ctx, void *data, size_t size)
{
	struct session *s = ctx;

	collector_lock__yield(&s->lock);
	if (s->drain_until && clock__now_ns() > s->drain_until) {
		atomic_fetch_add(&s->given_up, 1);
		return 0;
	}
	collector__event(s->collector, data, size); /* counts what it cannot book */
	return 0;
}

void *session_events__consume(void *arg)
{
	struct session *s = arg;

	while (!atomic_load(&s->stop_consuming)) {
		s->trace->wait(s->tracer, POLL_MS);
		collector_lock__begin_records(&s->lock);
		s->trace->consume(s->tracer);
		collector_lock__end_records(&s->lock);
	}
	collector_lock__begin_records(&s->lock);
	s->drain_until = clock__now_ns() + DRAIN_NS;
	while (s->trace->consume(s->tracer) > 0)
		;
	collector_lock__end_records(&s->lock);
	return NULL;
}

void session_events__of_process(void *ctx, const struct event *ev)
{
	struct session *s = ctx;
	struct process_event pe = { .type = ev->type, .pid = ev->pid, .time = ev->time };

	if (ev->type == EVENT_CODE && !(ev->flags & EVENT_F_UNKNOWN))
		return;
	if (ev->type == EVENT_FORK) {
		if (((const struct event_fork *)ev)->shares_memory)
			return;
		pe.pid = ((const struct event_fork *)ev)->child;
		pe.parent = ev->pid;
	} else if (ev->type == EVENT_EXEC || ev->type == EVENT_ENTER ||
		   ev->type == EVENT_CANDIDATE || ev->type == EVENT_TRANSLATED) {
		pe.hold = ((const struct event_exec *)ev)->hold;
	} else if (ev->type == EVENT_FILES) {
		pe.hold = ((const struct event_files *)ev)->hold;
	}
	if (!process_queue__push(s->queue, &pe))
		holder__release(s->holder, pe.hold);
}

static void handle_event(struct session *s, const struct process_event *ev)
{
	int err = session_targets__handle(s, ev);

	unused_files__changed(s->unused);
	holder__release(s->holder, ev->hold);
	if (err)
		log__warn("cannot attach to %u: %s", ev->pid, strerror(-err));
}

bool session_events__handle(struct session *s)
{
	uint64_t until = clock__now_ns() + HANDLE_NS;

	if (s->next_event == s->nevents) {
		free(s->events);
		s->events = process_queue__take(s->queue, &s->nevents);
		s->next_event = 0;
	}
	while (s->next_event < s->nevents && clock__now_ns() < until)
		handle_event(s, &s->events[s->next_event++]);
	session_targets__look_again(s, until);
	s->trace->tend(s->tracer);
	return s->next_event < s->nevents;
}
