/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Adopts processes of the target that already run: those of containers and cgroups, and the
 * descendants of processes that were attached to. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "session/internal.h"
#include "trace/tracer_ops.h"
#include "util/array.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/parse.h"
#include "util/proc.h"

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

/* Starts tracing one that runs. Returns 1, 0 if it is left alone, or a negative errno. */
static int adopt(struct session *s, pid_t pid)
{
	int err = s->trace->add_process(s->tracer, pid, TRACED_NO_MAPS);

	if (!err)
		err = begin_process(s, (uint32_t)pid);
	if (err)
		return err;
	if (session_translated__left_alone(s, pid))
		return 0;
	s->adopted++;
	session_groups__met(s, pid);
	if (session_targets__scan_and_keep(s, pid) == -ESRCH)
		forget_process(s, (uint32_t)pid); /* it ended before it was traced, unreported */
	else					  /* code it unmapped meanwhile was not seen */
		s->trace->change_flags(s->tracer, pid, TRACED_CODE_GONE, TRACED_NO_MAPS);
	return 1;
}

/* Starts tracing the processes of the target that are not traced yet. Returns how many, or a
 * negative errno. */
static int adopt_once(struct session *s)
{
	struct pids pids = { 0 };
	int err = s->trace->list(s->tracer, TRACER_LIST_TARGET, note_pid, &pids), n = 0;

	for (size_t i = 0; i < pids.n && err >= 0; i++) {
		if (s->trace->traces(s->tracer, (pid_t)pids.at[i]))
			continue;
		err = adopt(s, (pid_t)pids.at[i]);
		n += err > 0;
	}
	free(pids.at);
	return err < 0 ? err : n;
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

/* ---- descendants ---- */

struct relative {
	uint32_t pid, parent;
	bool descends; /* from a process that is traced */
};

struct relatives {
	struct relative *at;
	size_t n, cap;
};

static int list_all(struct relatives *all)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	int err = proc ? 0 : -errno;

	while (!err && (entry = readdir(proc))) {
		uint64_t pid;

		if (!isdigit((unsigned char)*entry->d_name) || parse__u64(entry->d_name, &pid))
			continue;
		if (array__grow(&all->at, &all->cap, all->n + 1, sizeof(*all->at)))
			err = -ENOMEM;
		else
			all->at[all->n++] = (struct relative){
				.pid = (uint32_t)pid,
				.parent = proc__parent((uint32_t)pid),
			};
	}
	if (proc)
		closedir(proc);
	return err;
}

static int by_process(const void *a, const void *b)
{
	const struct relative *x = a, *y = b;

	return (x->pid > y->pid) - (x->pid < y->pid);
}

/* Whether its parent is traced, or descends from one that is. memtrace's own processes are not of
 * the target. */
static bool is_descendant(const struct session *s, const struct relatives *all,
			  const struct relative *r)
{
	struct relative key = { .pid = r->parent };
	const struct relative *parent;

	if (!r->parent || r->pid == (uint32_t)getpid() || r->parent == (uint32_t)getpid())
		return false;
	if (s->trace->traces(s->tracer, (pid_t)r->parent))
		return true;
	parent = bsearch(&key, all->at, all->n, sizeof(key), by_process);
	return parent && parent->descends;
}

/* Marks them. A child may have a lower ID than its parent, hence the rounds. */
static void find_descendants(const struct session *s, struct relatives *all)
{
	bool more = true;

	qsort(all->at, all->n, sizeof(*all->at), by_process);
	while (more) {
		more = false;
		for (size_t i = 0; i < all->n; i++) {
			struct relative *r = &all->at[i];

			if (!r->descends && is_descendant(s, all, r))
				r->descends = more = true;
		}
	}
}

/* Returns whether it was; a reason why it could not be is a warning: the others are traced. */
static bool adopt_descendant(struct session *s, uint32_t pid)
{
	int err = adopt(s, (pid_t)pid);

	if (err < 0)
		log__warn("child process %u is not traced: %s", pid, strerror(-err));
	return err > 0;
}

static int adopt_descendants_once(struct session *s)
{
	struct relatives all = { 0 };
	int err = list_all(&all), n = 0;

	if (!err)
		find_descendants(s, &all);
	for (size_t i = 0; i < all.n && !err; i++)
		if (all.at[i].descends && !s->trace->traces(s->tracer, (pid_t)all.at[i].pid))
			n += adopt_descendant(s, all.at[i].pid);
	free(all.at);
	return err ? err : n;
}

int session_adopt__descendants(struct session *s)
{
	int n = 1;

	/* What a child forked before it was traced itself, the next look finds. */
	while (n > 0)
		n = adopt_descendants_once(s);
	return n;
}
