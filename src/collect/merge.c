/*
 * One row for the sites of many processes that are the same code. Rows are summed as they come;
 * where a row is of several processes, so are their cohorts, and the verdict is on the sum. A
 * process that ended counts there as one whose blocks have all died, because its memory is gone;
 * what is merged of sites that were folded away (collector_ended.c) lies ready under the same key.
 */
#include "collect/internal.h"

#include <errno.h>
#include <stdlib.h>

#include "symbols/module.h"

struct merged {
	struct site_row row; /* .pid, .process, .site, .stack: of the holder of `most` bytes */
	uint64_t key, most;
	uint64_t began;	 /* of the first process */
	uint32_t living; /* processes that have it */
	uint32_t last;	 /* the process that was merged last, to count each once */
	const struct site *holder;
	struct cohorts *sum, *older; /* NULL: none yet */
};

struct merging {
	struct collector *c;
	const struct query *q;
	struct hashmap *index; /* by key */
	struct merged *rows;
	size_t n, cap;
};

/* ---- what is the same ---- */

static uint64_t module_code(struct collector *c, uint32_t id)
{
	struct module *mod = c->opts.modules ? modules__get(c->opts.modules, id) : NULL;
	uint8_t build_id[BUILD_ID_MAX];
	uint64_t code;
	uintptr_t known;
	size_t len;

	if (hashmap__get(c->module_codes, id, &known))
		return known;
	len = mod ? module__build_id(mod, build_id) : 0;
	code = hash__mix(len, len ? 0 : id);
	for (size_t i = 0; i < len; i++)
		code = hash__mix(code, build_id[i]);
	hashmap__set(c->module_codes, id, code); /* or it is made again */
	return code;
}

static uint64_t code_of(struct collector *c, const struct process *p, struct site *s)
{
	uint64_t code = 1;

	if (s->code)
		return s->code;
	if (!s->frames && s->stack)
		s->frames = stacks__get(c->stacks, s->stack);
	/* What is not known, or in no file, is this process's own. */
	if (!s->frames)
		return hash__mix(s->stack, (uint64_t)p->serial + 1);
	for (unsigned int i = 0; i < s->frames->n; i++) {
		const struct frame *f = &s->frames->frames[i];

		if (f->module == FRAME_NO_MODULE)
			code = hash__mix(hash__mix(code, (uint64_t)p->serial + 1), f->pc);
		else
			code = hash__mix(hash__mix(code, module_code(c, f->module)), f->offset);
	}
	return s->code = code ? code : 1;
}

uint64_t merge__key(struct collector *c, enum merge_by by, const struct process *p, struct site *s)
{
	uint64_t what = (uint64_t)s->map_flags << 16 | s->api << 8 | s->kind;
	uint64_t key = hash__mix(code_of(c, p, s), what);

	/* Names are kept once: the same name is the same pointer. */
	return by == BY_CONTAINER ? hash__mix(key, (uintptr_t)p->container) : key;
}

struct cohorts *merge__cohorts(const struct process *p, const struct site *s)
{
	uint64_t birth;
	struct cohorts *co;
	struct block b;

	if (!s->cohorts && s->live_blocks != 1)
		return NULL;
	birth = heap_time(p->c, s->oldest);
	if (!s->cohorts && !p->exited && heap__site_oldest(p->heap, (uint32_t)(s - p->sites), &b))
		birth = b.birth;
	co = cohorts__new(s->cohorts ? 0 : birth);
	if (!co)
		return NULL;
	if (s->cohorts)
		*co = *s->cohorts;
	else
		cohorts__came(co, birth, birth, s->live_bytes);
	if (p->exited)
		cohorts__end(co, heap_time(p->c, p->ended));
	return co;
}

/* ---- rows ---- */

struct merging *merge__new(struct collector *c, const struct query *q)
{
	struct merging *m = calloc(1, sizeof(*m));

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

void merge__free(struct merging *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->n; i++) {
		free(m->rows[i].sum);
		free(m->rows[i].older);
	}
	free(m->rows);
	hashmap__free(m->index);
	free(m);
}

/* Where nothing is known of the cohorts, or there is no memory, the sum goes without. */
static void unite(struct cohorts **sum, struct cohorts *with)
{
	if (*sum && with) {
		cohorts__unite(*sum, with);
		free(with);
	} else if (with) {
		*sum = with;
	}
}

static void sum_up(struct site_row *sum, const struct site_row *row)
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

static struct merged *new_row(struct merging *m, uint64_t key)
{
	size_t cap = m->cap ? m->cap * 2 : 64;
	struct merged *rows;

	if (m->n == m->cap) {
		rows = reallocarray(m->rows, cap, sizeof(*rows));
		if (!rows)
			return NULL;
		m->rows = rows;
		m->cap = cap;
	}
	if (hashmap__set(m->index, key, m->n))
		return NULL;
	m->rows[m->n] = (struct merged){ .key = key, .last = UINT32_MAX, .began = UINT64_MAX };
	return &m->rows[m->n++];
}

int merge__add(struct merging *m, struct process *p, struct site *s, const struct site_row *row)
{
	uint64_t key = merge__key(m->c, m->q->by, p, s), began = heap_time(m->c, p->first_seen);
	struct cohorts *older;
	struct merged *to;
	uintptr_t known;

	if (hashmap__get(m->index, key, &known)) {
		to = &m->rows[known];
		sum_up(&to->row, row);
		if (row->live_bytes > to->most)
			set_holder(to, s, row);
	} else {
		to = new_row(m, key);
		if (!to)
			return -ENOMEM;
		to->row = *row;
		to->row.processes = 0;
		set_holder(to, s, row);
	}
	unite(&to->sum, merge__cohorts(p, s));
	if (to->last == p->serial)
		return 0;
	to->last = p->serial;
	to->row.processes++;
	to->living += !p->exited;
	to->began = began < to->began ? began : to->began;
	older = s->kind == API_HEAP && p->older && !p->exited ? cohorts__new(0) : NULL;
	if (older)
		*older = *p->older;
	unite(&to->older, older);
	return 0;
}

/* One process's alone is judged as ever; the sum, where anything lives of it. */
static void judge_row(struct merging *m, struct merged *r)
{
	struct judge_facts facts = {
		.now = heap_time(m->c, m->q->now),
		.began = r->began,
		.older = r->older,
	};
	const struct process *p = m->c->processes[r->row.process];
	uintptr_t known;
	bool more = hashmap__get(m->c->gone, r->key, &known);

	if (!r->row.live_blocks && m->q->top)
		return;
	if (!r->living || !r->sum || (r->row.processes == 1 && !more)) {
		r->row.judged = survey__judge(p, r->holder, m->q->now);
		return;
	}
	if (more) {
		const struct cohorts *gone = (const struct cohorts *)known;

		facts.began = gone->origin < facts.began ? gone->origin : facts.began;
		cohorts__unite(r->sum, gone);
	}
	r->row.judged = judge__site(r->sum, &facts);
}

int merge__finish(struct merging *m, struct ranking *r, struct snapshot *out)
{
	int err = 0;

	for (size_t i = 0; i < m->n && !err; i++) {
		struct site_row *row = &m->rows[i].row;

		judge_row(m, &m->rows[i]);
		out->total_sites += row->live_blocks > 0;
		if (!m->q->top || survey__has_place(m->q, row))
			err = rank__offer(r, row);
	}
	return err;
}
