/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Adopts the processes of containers and cgroups that already run. */
#include <errno.h>
#include <stdlib.h>

#include "session/internal.h"
#include "trace/tracer_ops.h"
#include "util/array.h"
#include "util/clock.h"

struct pids {
	uint32_t *at;
	size_t n, cap;
};

static int note_pid(void *ctx, const struct listed *l)
{
	struct pids *p = ctx;

	if (p->n && p->at[p->n - 1] == l->pid)
		return 0;
	if (array__grow(&p->at, &p->cap, p->n + 1, sizeof(*p->at)))
		return -ENOMEM;
	p->at[p->n++] = l->pid;
	return 0;
}

static int begin_process(struct session *s, uint32_t pid)
{
	struct event_exec ev = { .ev = {
				     .type = EVENT_ENTER, .pid = pid, .time = clock__now_ns() } };
	int err;

	collector_lock__take(&s->lock);
	err = collector__event(s->collector, &ev, sizeof(ev));
	collector_lock__release(&s->lock);
	return err;
}

static void forget_process(struct session *s, uint32_t pid)
{
	struct event ev = { .type = EVENT_EXIT, .pid = pid, .time = clock__now_ns() };

	s->trace->drop_process(s->tracer, (pid_t)pid);
	collector_lock__take(&s->lock);
	collector__event(s->collector, &ev, sizeof(ev));
	collector_lock__release(&s->lock);
}

/* Starts tracing the processes of the target that are not traced yet. Returns how many, or a
 * negative errno. */
static int adopt_once(struct session *s)
{
	struct pids pids = { 0 };
	int err = s->trace->list(s->tracer, TRACER_LIST_TARGET, note_pid, &pids), n = 0;

	for (size_t i = 0; i < pids.n && !err; i++) {
		pid_t pid = (pid_t)pids.at[i];

		if (s->trace->traces(s->tracer, pid))
			continue;
		n++;
		err = s->trace->add_process(s->tracer, pid, TRACED_NO_MAPS);
		if (!err)
			err = begin_process(s, (uint32_t)pid);
		if (err)
			break;
		s->adopted++;
		session_groups__met(s, pid);
		if (session_targets__scan(s, pid) == -ESRCH)
			forget_process(s, (uint32_t)pid); /* it ended before it was traced,
							   * unreported */
		else /* code it unmapped meanwhile was not seen */
			s->trace->change_flags(s->tracer, pid, TRACED_CODE_GONE, TRACED_NO_MAPS);
	}
	free(pids.at);
	return err ? err : n;
}

int session_adopt__running(struct session *s)
{
	int n = 1, all = 0;

	for (int i = 0; i < 4 && n > 0; i++) {
		n = adopt_once(s);
		all += n > 0 ? n : 0;
	}
	return n < 0 ? n : all;
}
