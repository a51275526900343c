/*
 * What is kept of processes that ended. A report still tells of all their sites once; after that
 * only those are kept that hold anything, or did at the mark, with the verdict on them in place of
 * their cohorts. The rest goes into sums, so that a host may start thousands of processes.
 */
#include "collect/internal.h"

#include <stdlib.h>

/* Into what queries by container or by stack merge. */
static void remember(struct process *p, struct site *s)
{
	struct collector *c = p->c;
	struct cohorts *co = merge__cohorts(p, s);
	uintptr_t known;
	uint64_t key;

	if (!co)
		return;
	key = merge__key(c, c->opts.by, p, s);
	if (hashmap__get(c->gone, key, &known))
		cohorts__unite((struct cohorts *)known, co);
	else if (!hashmap__set(c->gone, key, (uintptr_t)co))
		return;
	free(co);
}

static void leave_verdict(const struct process *p, struct site *s)
{
	struct judgement j;

	if (!s->cohorts)
		return;
	j = survey__judge(p, s, p->ended);
	free(s->cohorts);
	s->cohorts = NULL;
	if (j.verdict == VERDICT_UNKNOWN)
		return;
	s->left = malloc(sizeof(*s->left));
	if (s->left)
		*s->left = j;
}

static void count_gone(struct collector *c, struct site *s)
{
	if (!s->stack)
		return;
	if (!s->frames)
		s->frames = stacks__get(c->stacks, s->stack);
	c->gone_ends[s->kind][s->frames ? s->frames->end : STACK_ENDS] += s->allocs;
	if (s->frames && s->frames->guessed)
		c->gone_ends[s->kind][STACK_ENDS + 1] += s->allocs;
}

static void fold(struct process *p)
{
	struct collector *c = p->c;
	struct site *sites;
	uint32_t n = SITE_HIDDEN + 1;

	for (uint32_t i = n; i < p->nsites; i++) {
		struct site *s = &p->sites[i];

		if (c->opts.by != BY_PROCESS)
			remember(p, s);
		if (s->live_blocks || s->mark_bytes || s->mark_blocks) {
			leave_verdict(p, s);
			p->sites[n++] = *s;
			continue;
		}
		count_gone(c, s);
		free(s->cohorts);
		free(s->left);
	}
	free(p->older);
	p->older = NULL;
	if (n > p->nsites)
		return;
	p->nsites = n;
	sites = reallocarray(p->sites, n, sizeof(*sites));
	if (sites) {
		p->sites = sites;
		p->cap_sites = n;
	}
}

void ended__fold_all(struct collector *c)
{
	for (uint32_t i = 0; i < c->npending; i++)
		fold(c->pending[i]);
	c->npending = 0;
}

bool ended__is_pending(const struct process *p)
{
	for (uint32_t i = 0; i < p->c->npending; i++)
		if (p->c->pending[i] == p)
			return true;
	return false;
}

/* What the user named is told of in full to the end. */
void ended__add(struct process *p)
{
	struct collector *c = p->c;

	if (p->named)
		return;
	if (c->npending == PENDING)
		ended__fold_all(c);
	c->pending[c->npending++] = p;
}
