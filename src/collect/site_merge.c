/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rows are summed as they come. If a row stands for several processes, their cohorts are summed too
 * and the verdict is on the sum. There a process that ended counts as one whose blocks have all
 * died, because its memory is gone; sites that were folded away (ended_processes.h) have left their
 * cohorts in the collector under the same key.
 */
#include "collect/site_merge.h"

#include <errno.h>
#include <stdlib.h>

#include "collect/same_code.h"
#include "collect/site_survey.h"
#include "util/array.h"

struct merged {
	struct site_row
	    row; /* .pid, .process, .site, .stack: of the process that holds `most` bytes */
	uint64_t key, most;
	uint64_t began;	 /* of the first process */
	uint32_t living; /* processes that have it */
	uint32_t last;	 /* the process that was merged last, to count each once */
	const struct site *holder;
	struct cohorts *sum, *older; /* NULL: none yet */
	struct activity *work;	     /* what its processes had to do; NULL: not known */
};

struct site_merge {
	struct collector *c;
	const struct query *q;
	struct hashmap *index; /* by key */
	struct merged *rows;
	size_t n, cap;
};

struct site_merge *site_merge__new(struct collector *c, const struct query *q)
{
	struct site_merge *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->c = c;
	m->q = q;
	m->index = hashmap__new();
	if (!m->index) {
		free(m);
		return NULL;
	}
	return m;
}

void site_merge__free(struct site_merge *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->n; i++) {
		free(m->rows[i].sum);
		free(m->rows[i].older);
		free(m->rows[i].work);
	}
	free(m->rows);
	hashmap__free(m->index);
	free(m);
}

/* Takes over `with`. Where nothing is known of the cohorts, or there is no memory, the sum goes
 * without. */
static void add_cohorts(struct cohorts **sum, struct cohorts *with)
{
	if (*sum && with) {
		cohorts__unite(*sum, with);
		free(with);
	} else if (with) {
		*sum = with;
	}
}

/* Without memory, the sum goes without as well. */
static void add_work(struct activity **sum, const struct activity *with)
{
	if (!with)
		return;
	if (!*sum)
		*sum = activity__new(with->origin);
	if (*sum)
		activity__unite(*sum, with);
}

static void add_row(struct site_row *sum, const struct site_row *row)
{
	if (row->live_blocks && (!sum->live_blocks || row->oldest > sum->oldest))
		sum->oldest = row->oldest;
	if (row->live_blocks && (!sum->live_blocks || row->newest < sum->newest))
		sum->newest = row->newest;
	sum->live_bytes += row->live_bytes;
	sum->live_blocks += row->live_blocks;
	sum->allocs += row->allocs;
	sum->frees += row->frees;
	sum->alloc_bytes += row->alloc_bytes;
	sum->growth_bytes += row->growth_bytes;
	sum->since_mark_bytes += row->since_mark_bytes;
	sum->since_mark_blocks += row->since_mark_blocks;
	sum->allocs_since += row->allocs_since;
}

static void set_holder(struct merged *to, const struct site *s, const struct site_row *row)
{
	to->most = row->live_bytes;
	to->holder = s;
	to->row.pid = row->pid;
	to->row.process = row->process;
	to->row.site = row->site;
	to->row.stack = row->stack;
	to->row.map_addr = row->map_addr;
}

static struct merged *add_merged(struct site_merge *m, uint64_t key)
{
	if (array__grow(&m->rows, &m->cap, m->n + 1, sizeof(*m->rows)) ||
	    hashmap__set(m->index, key, m->n))
		return NULL;
	m->rows[m->n] = (struct merged){ .key = key, .last = UINT32_MAX, .began = UINT64_MAX };
	return &m->rows[m->n++];
}

int site_merge__add(struct site_merge *m, struct process *p, struct site *s,
		    const struct site_row *row)
{
	uint64_t key = same_code__key(m->c, m->q->by, p, s), began = heap_time(m->c, p->first_seen);
	struct cohorts *older;
	struct merged *to;
	uintptr_t known;

	if (hashmap__get(m->index, key, &known)) {
		to = &m->rows[known];
		add_row(&to->row, row);
		if (row->live_bytes > to->most)
			set_holder(to, s, row);
	} else {
		to = add_merged(m, key);
		if (!to)
			return -ENOMEM;
		to->row = *row;
		to->row.processes = 0;
		set_holder(to, s, row);
	}
	add_cohorts(&to->sum, same_code__cohorts(p, s));
	if (to->last == p->serial)
		return 0;
	to->last = p->serial;
	to->row.processes++;
	to->living += !p->exited;
	to->began = began < to->began ? began : to->began;
	older =
	    s->kind == API_HEAP && p->older && !p->unprobed && !p->exited ? cohorts__new(0) : NULL;
	if (older)
		*older = *p->older;
	add_cohorts(&to->older, older);
	add_work(&to->work, p->work);
	return 0;
}

/* A row of one process is judged as without merging; a sum, if anything of it is live. */
static void judge_row(struct site_merge *m, struct merged *r)
{
	struct judge_facts facts = {
		.now = heap_time(m->c, m->q->now),
		.began = r->began,
		.older = r->older,
	};
	const struct process *p = m->c->processes[r->row.process];
	const struct cohorts *gone = hashmap__get_ptr(m->c->gone, r->key);

	if (!r->row.live_blocks && m->q->top)
		return;
	if (!r->living || !r->sum || (r->row.processes == 1 && !gone)) {
		r->row.judged = site_survey__judge(p, r->holder, m->q->now);
		return;
	}
	if (gone) {
		add_work(&r->work, m->c->gone_work);
		facts.began = gone->origin < facts.began ? gone->origin : facts.began;
		cohorts__unite(r->sum, gone);
	}
	facts.work = r->work;
	r->row.judged = judge__site(r->sum, &facts);
}

int site_merge__finish(struct site_merge *m, struct site_ranking *r, struct snapshot *out)
{
	int err = 0;

	for (size_t i = 0; i < m->n && !err; i++) {
		struct site_row *row = &m->rows[i].row;

		judge_row(m, &m->rows[i]);
		out->total_sites += row->live_blocks > 0;
		if (!m->q->top || site_ranking__wants(m->q, row))
			err = site_ranking__offer(r, row);
	}
	return err;
}
