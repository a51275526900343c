/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hands records from the ring buffer to the collector, in a thread of its own, and process events
 * from there to the main thread. */
#include <stdlib.h>
#include <string.h>

#include "session/internal.h"
#include "trace/holder.h"
#include "trace/tracer_ops.h"
#include "util/log.h"

#define POLL_MS 20 /* how long a record may wait in the ring buffer */

int session_events__record(void *ctx, void *data, size_t size)
{
	struct session *s = ctx;

	collector_lock__yield(&s->lock);
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
	while (s->trace->consume(s->tracer) > 0)
		;
	collector_lock__end_records(&s->lock);
	return NULL;
}

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
	if (!process_queue__push(s->queue, &pe))
		holder__release(s->holder, pe.hold);
}

void session_events__handle(struct session *s)
{
	size_t n;
	struct process_event *events = process_queue__take(s->queue, &n);

	for (size_t i = 0; i < n; i++) {
		int err = session_targets__handle(s, &events[i]);

		holder__release(s->holder, events[i].hold);
		if (err)
			log__warn("cannot attach to %u: %s", events[i].pid, strerror(-err));
	}
	free(events);
	s->trace->tend(s->tracer);
}
