/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rows are summed as they come: the living processes' in one row, and what ended processes left in
 * another, since no later event tells of that. The verdict on a row of the living is on the sum of
 * their cohorts and of those of ended processes with the same code, whose blocks died as they
 * ended: what each worker allocates and takes along is no growth. It is a leak as well where one
 * site alone is, however much the others do. The verdict on what ended processes left is the
 * strongest on any of them, as of its end. Sites that were folded away (ended_processes.h) have
 * left their cohorts in the collector under the same key.
 */
#include "collect/site_merge.h"

#include <errno.h>
#include <stdlib.h>

#include "collect/same_code.h"
#include "collect/site_survey.h"
#include "util/array.h"

/* The verdicts on each site of a row by itself. */
struct parts {
	uint32_t n;
	struct judgement worst;
	double grown;	      /* bytes: by all that have this verdict, from `from` to `to` */
	uint64_t from, to;    /* ns since the run's start */
	uint64_t open_bytes;  /* live in sites without a verdict */
	uint64_t worst_bytes; /* live in those with the worst */
};

struct merged {
	struct site_row
	    row; /* .pid, .process, .site, .stack: of the process that holds `most` bytes */
	uint64_t key, most;
	uint64_t began; /* of the first process */
	uint64_t age;	/* of the youngest when it was first seen */
	bool exited;	/* its processes */
	uint32_t last;	/* the process that was merged last, to count each once */
	struct parts parts;
	struct cohorts *sum;	   /* NULL: none yet */
	struct cohorts *quiet;	   /* of sites where nothing comes any more; not in `sum` */
	struct older_frees *older; /* NULL: none */
	struct activity *work;	   /* what its processes had to do; NULL: not known */
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
		free(m->rows[i].quiet);
		older_frees__free(m->rows[i].older);
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

static void add_copy(struct cohorts **sum, const struct cohorts *with)
{
	struct cohorts *copy = cohorts__new(0);

	if (copy)
		*copy = *with;
	add_cohorts(sum, copy);
}

/* Without memory, the sum is less than it should be. */
static void add_older(struct older_frees **sum, const struct older_frees *with)
{
	if (!*sum)
		*sum = older_frees__copy(with);
	else
		older_frees__unite(*sum, with);
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

static void set_holder(struct merged *to, const struct site_row *row)
{
	to->most = row->live_bytes;
	to->row.pid = row->pid;
	to->row.process = row->process;
	to->row.site = row->site;
	to->row.stack = row->stack;
	to->row.map_addr = row->map_addr;
}

static struct merged *find_merged(struct site_merge *m, uint64_t key, bool exited)
{
	uintptr_t known;

	return hashmap__get(m->index, hash__mix(key, exited), &known) ? &m->rows[known] : NULL;
}

static struct merged *add_merged(struct site_merge *m, uint64_t key, bool exited)
{
	if (array__grow(&m->rows, &m->cap, m->n + 1, sizeof(*m->rows)) ||
	    hashmap__set(m->index, hash__mix(key, exited), m->n))
		return NULL;
	m->rows[m->n] = (struct merged){
		.key = key,
		.exited = exited,
		.last = UINT32_MAX,
		.began = UINT64_MAX,
		.age = UINT64_MAX,
	};
	return &m->rows[m->n++];
}

/* ---- the sites by themselves ---- */

/* Growth that is only too recent to be called a leak weighs least of all growth. */
static unsigned int weight_of(const struct judgement *j)
{
	return 2u * j->verdict + (j->verdict == VERDICT_GROWING && j->doubt != DOUBT_YOUNG);
}

static void weigh_site(struct parts *parts, const struct judgement *j, uint64_t now, uint64_t bytes)
{
	uint64_t span = j->leaking ? j->leaking : j->window;
	struct judgement *worst = &parts->worst;

	if (j->verdict == VERDICT_UNKNOWN)
		parts->open_bytes += bytes;
	if (!parts->n++ || weight_of(j) > weight_of(worst)) {
		*worst = *j;
		parts->from = UINT64_MAX;
		parts->to = 0;
		parts->grown = 0;
		parts->worst_bytes = 0;
	}
	if (weight_of(j) != weight_of(worst))
		return;
	parts->worst_bytes += bytes;
	if (j->rate > worst->rate)
		*worst = *j;
	parts->grown += j->rate * (double)span / 1e9;
	parts->from = now - span < parts->from ? now - span : parts->from;
	parts->to = now > parts->to ? now : parts->to;
}

/* The worst, with the rate of all that are as bad. */
static struct judgement worst_of(const struct parts *parts)
{
	struct judgement j = parts->worst;

	if (parts->n < 2 || parts->to <= parts->from)
		return j;
	j.rate = parts->grown / ((double)(parts->to - parts->from) / 1e9);
	if (j.verdict == VERDICT_LEAK)
		j.leaking = parts->to - parts->from;
	return j;
}

/* ---- rows ---- */

static void add_process(struct site_merge *m, struct merged *to, const struct process *p,
			const struct site *s)
{
	uint64_t began = heap_time(m->c, p->first_seen);

	if (to->last == p->serial)
		return;
	to->last = p->serial;
	to->row.processes += s->holders ? s->holders : 1;
	to->began = began < to->began ? began : to->began;
	to->age = p->age < to->age ? p->age : to->age;
	if (s->kind == API_HEAP && p->older && !p->unprobed && !p->exited)
		add_older(&to->older, p->older);
	add_work(&to->work, p->work);
}

/* Nothing came for most of the process's life: what such sites hold is more only where there are
 * more processes. */
static bool is_quiet(const struct site_merge *m, const struct process *p, const struct site *s,
		     const struct judgement *j)
{
	uint64_t now = heap_time(m->c, m->q->now), last;

	if (p->exited || j->verdict != VERDICT_PLATEAU || !s->cohorts)
		return !p->exited && j->verdict == VERDICT_STARTUP;
	last = cohorts__last(s->cohorts);
	return now > last && (now - last) * 2 >= now - heap_time(m->c, p->first_seen);
}

int site_merge__add(struct site_merge *m, struct process *p, struct site *s,
		    const struct site_row *row)
{
	uint64_t key = same_code__key(m->c, m->q->by, p, s);
	struct merged *to = find_merged(m, key, p->exited);
	struct judgement j = { 0 };

	if (to) {
		add_row(&to->row, row);
		if (row->live_bytes > to->most)
			set_holder(to, row);
	} else {
		to = add_merged(m, key, p->exited);
		if (!to)
			return -ENOMEM;
		to->row = *row;
		to->row.processes = 0;
		set_holder(to, row);
	}
	add_process(m, to, p, s);
	if (row->live_blocks || !m->q->top) {
		j = site_survey__judge(p, s, m->q->now);
		weigh_site(&to->parts, &j, heap_time(m->c, p->exited ? p->ended : m->q->now),
			   row->live_bytes);
	}
	if (!p->folded)
		add_cohorts(is_quiet(m, p, s, &j) ? &to->quiet : &to->sum,
			    same_code__cohorts(p, s));
	return 0;
}

/* What ended processes left. What several of them kept to their end, each since another start, came
 * and went with them. */
static struct judgement judge_ended(const struct merged *r)
{
	struct judgement j = worst_of(&r->parts);

	if (j.verdict >= VERDICT_GROWING || r->parts.n < 2)
		return j;
	if (r->parts.open_bytes * 2 > r->row.live_bytes)
		j.verdict = VERDICT_UNKNOWN;
	else if (j.verdict != VERDICT_UNKNOWN && r->row.processes > 1)
		j.verdict = VERDICT_CHURN;
	return j;
}

/* Adds what is known of processes that ended to a row of living ones. False: nothing is. */
static bool add_ended(struct site_merge *m, struct merged *r, struct judge_facts *facts)
{
	const struct merged *ended = find_merged(m, r->key, true);
	const struct cohorts *gone =
	    m->c->opts.by == m->q->by ? hashmap__get_ptr(m->c->gone, r->key) : NULL;

	if (ended && ended->sum) {
		add_copy(&r->sum, ended->sum);
		add_work(&r->work, ended->work);
		facts->began = ended->began < facts->began ? ended->began : facts->began;
		facts->age = ended->age < facts->age ? ended->age : facts->age;
	}
	if (gone) {
		add_copy(&r->sum, gone);
		add_work(&r->work, m->c->gone_work);
		facts->began = gone->origin < facts->began ? gone->origin : facts->began;
		facts->age = 0;
	}
	return gone || (ended && ended->sum);
}

/* Without the sites where nothing comes any more, there is still a leak, if it is one: otherwise
 * just more processes came. */
static struct judgement judge_sum(const struct merged *r, const struct judge_facts *facts)
{
	struct judgement coming = { 0 }, all;
	struct cohorts sum;

	if (r->sum)
		coming = judge__site(r->sum, facts);
	if (!r->quiet || coming.verdict == VERDICT_LEAK)
		return coming;
	sum = *r->quiet;
	if (r->sum)
		cohorts__unite(&sum, r->sum);
	all = judge__site(&sum, facts);
	if (all.verdict != VERDICT_LEAK)
		return all;
	all.verdict = VERDICT_GROWING;
	all.leaking = 0;
	return all;
}

/* A site that is no longer healthy is not made so by others that are, unless it holds less. */
static struct judgement weigh_parts(const struct merged *r, const struct judgement *all)
{
	struct judgement alone = worst_of(&r->parts);
	bool healthy = all->verdict != VERDICT_UNKNOWN && all->verdict < VERDICT_GROWING;

	if (all->verdict != VERDICT_LEAK && alone.verdict == VERDICT_LEAK)
		return alone;
	if (!healthy || alone.verdict != VERDICT_GROWING || alone.doubt == DOUBT_YOUNG ||
	    r->parts.worst_bytes * 2 < r->row.live_bytes)
		return *all;
	if (alone.doubt == DOUBT_FEW)
		alone = (struct judgement){ .window = all->window, .longest = all->longest };
	return alone;
}

static struct judgement judge_living(struct site_merge *m, struct merged *r)
{
	struct judge_facts facts = {
		.now = heap_time(m->c, m->q->now),
		.began = r->began,
		.age = r->age,
		.older = r->older,
	};
	bool ended = add_ended(m, r, &facts);
	struct judgement all;

	if ((!r->sum && !r->quiet) || (!ended && r->parts.n == 1 && r->row.processes == 1))
		return worst_of(&r->parts);
	facts.work = r->work;
	all = judge_sum(r, &facts);
	if (!r->row.live_blocks && all.verdict >= VERDICT_GROWING)
		all.verdict = VERDICT_UNKNOWN; /* to a cohort, it still held something */
	return weigh_parts(r, &all);
}

int site_merge__finish(struct site_merge *m, struct site_ranking *r, struct snapshot *out)
{
	int err = 0;

	for (size_t i = 0; i < m->n && !err; i++) {
		struct site_row *row = &m->rows[i].row;

		if (row->live_blocks || !m->q->top)
			row->judged = m->rows[i].exited ? judge_ended(&m->rows[i])
							: judge_living(m, &m->rows[i]);
		out->total_sites += row->live_blocks > 0;
		if (!m->q->top || site_ranking__wants(m->q, row))
			err = site_ranking__offer(r, row);
	}
	return err;
}
