/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collect/ended_processes.h"

#include <stdlib.h>

#include "collect/folded_processes.h"
#include "collect/same_code.h"
#include "collect/site_survey.h"

/* Adds the site to what queries by container or by stack merge. */
static void keep_cohorts(struct process *p, struct site *s)
{
	struct collector *c = p->c;
	struct cohorts *co = same_code__cohorts(p, s);
	struct cohorts *sum;
	uint64_t key;

	if (!co)
		return;
	key = same_code__key(c, c->opts.by, p, s);
	sum = hashmap__get_ptr(c->gone, key);
	if (sum)
		cohorts__unite(sum, co);
	else if (!c->tight && !hashmap__set_ptr(c->gone, key, co))
		return;
	free(co);
}

static void keep_verdict(const struct process *p, struct site *s)
{
	struct judgement j;

	if (!s->cohorts)
		return;
	j = site_survey__judge(p, s, p->ended);
	free(s->cohorts);
	s->cohorts = NULL;
	/* A single block without a verdict would be judged as if it had been the only one. */
	if (j.verdict == VERDICT_UNKNOWN && s->live_blocks != 1)
		return;
	s->left = malloc(sizeof(*s->left));
	if (s->left)
		*s->left = j;
}

static void count_stack_end(struct collector *c, struct site *s)
{
	if (!s->stack)
		return;
	if (!s->frames)
		s->frames = stacks__get(c->stacks, s->stack);
	c->gone_ends[s->kind][s->frames ? s->frames->end : STACK_ENDS] += s->allocs;
	if (s->frames && s->frames->guessed)
		c->gone_ends[s->kind][STACK_ENDS + 1] += s->allocs;
}

/* Adds what the process had to do to that of all that ended. */
static void keep_work(struct process *p)
{
	struct collector *c = p->c;

	if (c->gone_work && p->work) {
		activity__unite(c->gone_work, p->work);
	} else if (p->work) {
		c->gone_work = p->work;
		p->work = NULL;
	}
}

static void fold_process(struct process *p)
{
	struct collector *c = p->c;
	struct site *sites;
	uint32_t n = SITE_HIDDEN + 1;

	p->folded = true;

	for (uint32_t i = n; i < p->nsites; i++) {
		struct site *s = &p->sites[i];

		if (c->opts.by != BY_PROCESS)
			keep_cohorts(p, s);
		if (s->live_blocks || s->mark_bytes || s->mark_blocks) {
			keep_verdict(p, s);
			p->sites[n++] = *s;
			continue;
		}
		count_stack_end(c, s);
		free(s->cohorts);
		free(s->left);
	}
	if (c->opts.by != BY_PROCESS)
		keep_work(p);
	older_frees__free(p->older);
	free(p->work);
	p->older = NULL;
	p->work = NULL;
	if (n > p->nsites)
		return;
	p->nsites = n;
	sites = reallocarray(p->sites, n, sizeof(*sites));
	if (sites) {
		p->sites = sites;
		p->cap_sites = n;
	}
}

void ended_processes__fold_all(struct collector *c)
{
	for (uint32_t i = 0; i < c->npending; i++)
		fold_process(c->pending[i]);
	c->npending = 0;
	folded_processes__bound(c, ENDED_MAX);
}

bool ended_processes__is_pending(const struct process *p)
{
	for (uint32_t i = 0; i < p->c->npending; i++)
		if (p->c->pending[i] == p)
			return true;
	return false;
}

/* Processes that the user named are reported in full to the end. */
void ended_processes__add(struct process *p)
{
	struct collector *c = p->c;

	if (p->named)
		return;
	if (c->npending == PENDING_MAX)
		ended_processes__fold_all(c);
	c->pending[c->npending++] = p;
	folded_processes__ended(c);
}
