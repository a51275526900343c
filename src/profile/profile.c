/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "profile/profile.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "container/frozen.h"
#include "profile/internal.h"
#include "symbols/module.h"
#include "symbols/names_client.h"
#include "profile/judged.h"
#include "profile/languages.h"
#include "profile/run_time_code.h"
#include "profile/unseen.h"
#include "util/proc.h"
#include "util/strbuf.h"

uint64_t profile__processes(const struct profile *p, bool exited)
{
	uint64_t n = 0;

	for (size_t i = 0; i < p->nprocesses; i++)
		if (p->processes[i].exited || !exited)
			n += p->processes[i].processes > 1 ? p->processes[i].processes : 1;
	return n;
}

static double seconds(uint64_t from, uint64_t to)
{
	return to > from ? (double)(to - from) / 1e9 : 0;
}

static uint64_t resident_bytes(const struct profile_input *in, const struct process_row *row)
{
	if (row->exited)
		return 0;
	return in->rss ? in->rss(in->ctx, row->pid) : proc__resident_bytes(row->pid);
}

static bool is_stopped(const struct profile_input *in, const struct process_row *row)
{
	if (row->exited)
		return false;
	if (in->stopped)
		return in->stopped(in->ctx, row->pid);
	return proc__is_stopped(row->pid) || frozen__process(row->pid);
}

/* Where only blocks of certain sizes are counted, what else is allocated is not known. */
static void look_for_unseen(const struct profile_input *in, const struct process_row *row,
			    struct profile_process *pr)
{
	struct proc_memory now;

	if (!in->first || row->exited || in->sized)
		return;
	now = in->memory ? in->memory(in->ctx, row->pid) : proc__memory(row->pid);
	unseen__judge(pr, row, in->snapshot->peak_bytes, &now, in->first);
}

/* The runtime of a process whose objects are not seen; NULL: none is known. */
static const struct language *unseen_runtime(const struct profile_input *in,
					     const struct process_row *row)
{
	const struct language *l;

	if (!row->exe || !in->final || in->recording || row->exited)
		return NULL;
	l = languages__hiding(row->exe, row->pid);
	/* With --probe, the functions in front of the objects may be traced. */
	for (size_t i = 0; l && in->api_names && i < API_ROWS; i++) {
		if (in->api_names[i] && !strncmp(in->api_names[i], l->api, strlen(l->api)))
			return NULL;
	}
	return l;
}

/* Where functions are not probed, any block may be theirs. */
static uint64_t unseen_frees(const struct process_row *row)
{
	return row->unprobed ? row->unmatched_frees : row->unseen_frees;
}

static int add_processes(struct profile_builder *b)
{
	const struct snapshot *snap = b->in->snapshot;

	b->processes = calloc(snap->nprocesses + 1, sizeof(*b->processes));
	if (!b->processes)
		return -ENOMEM;
	for (size_t i = 0; i < snap->nprocesses; i++) {
		const struct process_row *row = &snap->processes[i];
		char comm[EVENT_COMM + 1] = "";

		memcpy(comm, row->comm, EVENT_COMM);
		b->any_living |= !row->exited;
		b->processes[i] = (struct profile_process){
			.pid = row->pid,
			.processes = row->processes,
			.comm = strtab__copy(b->strings, comm),
			.exe = strtab__copy(b->strings, row->exe),
			.container = strtab__copy(b->strings, row->container),
			.unprobed = strtab__copy(b->strings, row->unprobed),
			.exited = row->exited,
			.named = row->named,
			.unseen = unseen_runtime(b->in, row),
			.stopped = is_stopped(b->in, row),
			.debugger = b->in->final && !b->in->recording && !row->exited
					? proc__debugger(row->pid)
					: 0,
			.frozen = b->in->final && !b->in->recording && !row->exited &&
				  frozen__process(row->pid),
			.status = row->status,
			.seen_s = seconds(row->first_seen, row->exited ? row->ended : snap->now),
			.live_bytes = row->live_bytes,
			.live_blocks = row->live_blocks,
			.allocs = row->allocs,
			.frees = row->frees,
			.unmatched_frees = row->unmatched_frees,
			.unseen_frees = unseen_frees(row),
			.alloc_bytes = row->alloc_bytes,
			.free_bytes = row->free_bytes,
			.inherited_frees = row->inherited_frees,
			.allocator_bytes = row->allocator_bytes,
			.mapped_bytes = row->mapped_bytes,
			.rss_bytes = resident_bytes(b->in, row),
		};
		b->profile.unseen_frees += b->processes[i].unseen_frees;
		look_for_unseen(b->in, row, &b->processes[i]);
	}
	b->profile.processes = b->processes;
	b->profile.nprocesses = snap->nprocesses;
	return 0;
}

static void add_totals(struct profile_builder *b)
{
	const struct profile_input *in = b->in;
	const struct snapshot *snap = in->snapshot;
	struct profile *p = &b->profile;

	*p = (struct profile){
		.run = in->run,
		.seq = in->seq,
		.final = in->final,
		.recording = strtab__copy(b->strings, in->recording),
		.wall_ns = in->wall_ns,
		.elapsed_s = seconds(in->start, snap->now),
		.window_s = seconds(in->start, snap->now),
		.interval_s = seconds(snap->since, snap->now),
		.live_bytes = snap->live_bytes,
		.live_blocks = snap->live_blocks,
		.peak_bytes = snap->peak_bytes,
		.growth_bytes = snap->growth_bytes,
		.allocs = snap->allocs,
		.frees = snap->frees,
		.alloc_bytes = snap->alloc_bytes,
		.free_bytes = snap->free_bytes,
		.unmatched_frees = snap->unmatched_frees,
		.inherited_frees = snap->inherited_frees,
		.disinherited = snap->disinherited,
		.superseded = snap->superseded,
		.late = in->late,
		.late_children = in->late_children,
		.outsiders = in->outsiders,
		.lost_events = in->lost_events,
		.lost_stacks =
		    in->lost_stacks.unknown + in->lost_stacks.no_buffer + in->lost_stacks.limited,
		.lost_stacks_by = in->lost_stacks,
		.lost_table = snap->lost_table,
		.limited_blocks = snap->limited_blocks,
		.memory_limit = in->memory_limit,
		.stack_guessed = snap->stack_guessed,
		.stack_collisions = snap->stack_collisions,
		.total_sites = snap->total_sites,
		.folded_stackless = snap->folded_stackless,
		.rest_bytes = snap->rest_bytes,
		.rest_blocks = snap->rest_blocks,
		.marked = snap->marked,
		.mark_s = snap->marked ? seconds(in->start, snap->marked) : 0,
		.since_mark_bytes = snap->since_mark_bytes,
		.since_mark_blocks = snap->since_mark_blocks,
	};
	if (p->interval_s > 0) {
		p->allocs_per_s = (double)snap->allocs_since / p->interval_s;
		p->frees_per_s = (double)snap->frees_since / p->interval_s;
	}
	for (int end = 0; end < STACK_ENDS; end++) {
		p->stack_ends[end] = snap->stack_ends[end];
		if (end == STACK_COMPLETE)
			p->stacks_complete += snap->stack_ends[end];
		else
			p->stacks_truncated += snap->stack_ends[end];
	}
}

/* The names of all processes, each once. */
static void add_unprobed(struct strbuf *sb, const char *names)
{
	char *copy = names ? strdup(names) : NULL, *rest = copy, *name;

	while ((name = strsep(&rest, ","))) {
		name += strspn(name, " ");
		if (!sb->data || !strstr(sb->data, name))
			strbuf__addf(sb, "%s%s", sb->len ? ", " : "", name);
	}
	free(copy);
}

static int add_notice(struct profile_builder *b)
{
	const struct snapshot *snap = b->in->snapshot;
	struct strbuf names = { 0 }, notice = { 0 };
	int err;

	for (size_t i = 0; i < snap->nprocesses; i++)
		add_unprobed(&names, snap->processes[i].unprobed);
	if (names.len) {
		strbuf__addf(&notice, "%s: not traced, and what is allocated there is missing",
			     names.data);
		b->profile.unprobed = strtab__copy(b->strings, names.data);
	}
	if (b->in->notice)
		strbuf__addf(&notice, "%s%s", notice.len ? "; " : "", b->in->notice);
	run_time_code__add(b, &notice);
	if (notice.len)
		b->profile.notice = strtab__copy(b->strings, notice.data);
	err = names.error ? names.error : notice.error;
	strbuf__free(&names);
	strbuf__free(&notice);
	return err;
}

bool profile__is_finding(const struct profile_site *s)
{
	return s->verdict == VERDICT_LEAK || s->verdict == VERDICT_GROWING;
}

uint64_t profile__lost(const struct profile *p)
{
	return p->lost_events + p->lost_stacks + p->lost_table;
}

static void free_scratch(struct profile_builder *b)
{
	hashmap__free(b->mapping_of);
	free(b->named);
	free(b->frames);
	b->mapping_of = NULL;
	b->named = NULL;
	b->frames = NULL;
	b->in = NULL;
}

static void add_unnamed(struct profile_builder *b)
{
	struct names_stats unnamed = { 0 };

	if (b->in->modules)
		modules__unnamed(b->in->modules, &unnamed);
	b->profile.unnamed = (struct profile_unnamed){
		.places = unnamed.lost,
		.files = unnamed.files,
		.failures = unnamed.failures,
		.why = strtab__copy(b->strings, unnamed.why),
	};
}

struct profile *profile__build(const struct profile_input *in)
{
	struct profile_builder *b = calloc(1, sizeof(*b));
	int err = -ENOMEM;

	if (!b)
		return NULL;
	b->in = in;
	b->strings = strtab__new();
	b->mapping_of = hashmap__new();
	b->named = calloc(NAMED_MAX, sizeof(*b->named));
	b->frames = calloc(NAMED_MAX, sizeof(*b->frames));
	b->groups = groups__new();
	if (!b->strings || !b->mapping_of || !b->named || !b->frames || !b->groups)
		goto out;
	add_totals(b);
	err = add_processes(b);
	if (!err)
		err = profile_sites__add(b);
	if (!err)
		err = add_notice(b);
	if (!err)
		add_unnamed(b);
	if (!err)
		judged__decide(&b->profile, in);
	if (!err)
		err = strtab__error(b->strings);
out:
	free_scratch(b);
	if (err) {
		profile__free(&b->profile);
		errno = -err;
		return NULL;
	}
	return &b->profile;
}

void profile__free(struct profile *p)
{
	struct profile_builder *b = (struct profile_builder *)p;

	if (!p)
		return;
	for (size_t i = 0; i < p->nsites; i++)
		free(b->stacks[i]);
	free(b->stacks);
	free(b->sites);
	free(b->suppressed);
	groups__free(b->groups);
	free(b->processes);
	free(b->mappings);
	strtab__free(b->strings);
	free(b);
}
