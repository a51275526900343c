/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rules of Go's code, which has no .eh_frame, from .gopclntab. Go keeps frame pointers in every
 * function that calls others and has a frame (UNWIND_GO). The others differ:
 *
 * - Some are where a stack begins, by Go's own mark or, for mcall, because the goroutine that it
 *   left may run on another thread by now.
 * - Assembly without a frame has its return address on top of the stack. If it sets the stack
 *   pointer (asmcgocall, systemstack), only the frame pointer leads back, past its caller up to Go
 *   1.20.
 * - crosscall2, by which C calls Go, keeps the registers of C in a frame of its own.
 * - A signal handler returns to sigreturn.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "elf/go_table.h"
#include "unwind/cfi_internal.h"
#include "util/array.h"

/* Where Go's frames keep the caller's frame pointer: CFA - 16. */
#define RBP_SLOT (-2)
#define DEPTH_MAX (1 << 20)

struct go_rows {
	struct cfi_row *rows;
	size_t n, cap;
	size_t most; /* or functions share descriptions, so that a small file makes very many */
};

static int push(struct go_rows *g, uint64_t vaddr, struct unwind_rule rule)
{
	if (g->n && g->rows[g->n - 1].vaddr == vaddr)
		g->n--; /* replaced */
	if (g->n && !memcmp(&g->rows[g->n - 1].rule, &rule, sizeof(rule)))
		return 0;
	if (g->n >= g->most)
		return -E2BIG;
	if (array__grow(&g->rows, &g->cap, g->n + 1, sizeof(*g->rows)))
		return -ENOMEM;
	g->rows[g->n++] = (struct cfi_row){ vaddr, rule };
	return 0;
}

static int push_kind(struct go_rows *g, uint64_t vaddr, uint8_t kind)
{
	return push(g, vaddr, (struct unwind_rule){ .kind = kind });
}

/* Describes a function by the depth of its stack. */
static int push_depths(struct go_rows *g, const struct go_table *t, const struct go_function *f)
{
	struct go_steps s;
	struct go_step step;
	int err = push_kind(g, f->start, UNWIND_GO);

	if (err || !go_table__depths(t, f, &s))
		return err;
	while (!err && go_table__next(&s, &step)) {
		struct unwind_rule rule = { .kind = UNWIND_RSP, .cfa = step.value + 8 };

		if (step.value < 0 || step.value > DEPTH_MAX || step.value & 7)
			return push_kind(g, step.start, UNWIND_GO);
		if (step.value) {
			rule.saved = UNWIND_SAVED(UNWIND_AT_CFA, UNWIND_SAME, 0);
			rule.rbp = RBP_SLOT;
		}
		err = push(g, step.start, rule);
	}
	return err;
}

static bool has_no_frame(const struct go_table *t, const struct go_function *f)
{
	struct go_steps s;
	struct go_step step;

	return go_table__depths(t, f, &s) && go_table__next(&s, &step) && !step.value &&
	       step.end == f->end;
}

static int push_function(struct go_rows *g, const struct go_table *t, const struct go_function *f)
{
	static const char sigreturn[] = "runtime.sigreturn";

	/* One byte early: a return address is looked up at the byte before it. */
	if (!strncmp(f->name, sigreturn, sizeof(sigreturn) - 1) && f->start > t->text)
		return push_kind(g, f->start - 1, UNWIND_SIGNAL);
	if (f->flags & GO_TOP_FRAME || !strcmp(f->name, "runtime.mcall"))
		return push_kind(g, f->start, UNWIND_BOTTOM);
	if (!strcmp(f->name, "crosscall2") || (!(f->flags & GO_WRITES_SP) && has_no_frame(t, f)))
		return push_depths(g, t, f);
	return push_kind(g, f->start, UNWIND_GO);
}

/* Puts Go's rows in the place of what is known of their code. */
static int replace_rows(struct cfi *c, const struct go_rows *g, uint64_t end)
{
	uint64_t start = g->rows[0].vaddr;
	struct go_rows all = { .most = SIZE_MAX };
	int err = 0;

	for (size_t i = 0; !err && i < c->n && c->rows[i].vaddr < start; i++)
		err = push(&all, c->rows[i].vaddr, c->rows[i].rule);
	for (size_t i = 0; !err && i < g->n; i++)
		err = push(&all, g->rows[i].vaddr, g->rows[i].rule);
	if (!err)
		err = push(&all, end, cfi__find(c, end));
	for (size_t i = 0; !err && i < c->n; i++)
		if (c->rows[i].vaddr > end)
			err = push(&all, c->rows[i].vaddr, c->rows[i].rule);
	if (err) {
		free(all.rows);
		return err;
	}
	free(c->rows);
	c->rows = all.rows;
	c->n = all.n;
	return 0;
}

static bool is_code(const struct cfi_source *src, uint64_t start, uint64_t end)
{
	for (size_t i = 0; i < src->ncode; i++)
		if (start >= src->code[i].start && end <= src->code[i].end)
			return true;
	return false;
}

int cfi__add_go(struct cfi *c, const struct cfi_source *src, struct elf *e)
{
	struct go_rows g = { 0 };
	struct go_function f;
	struct go_table t;
	uint64_t end = 0;
	int err = 0;

	if (!go_table__find(e, &t))
		return 0;
	g.most = t.len;
	for (uint32_t i = 0; !err && i < t.n; i++) {
		if (!go_table__function(&t, i, &f) || !is_code(src, f.start, f.end))
			goto out; /* damaged: nothing of it is believed */
		end = f.end;
		err = push_function(&g, &t, &f);
	}
	if (!err)
		err = replace_rows(c, &g, end);
	if (!err)
		c->functions += t.n;
	if (err == -E2BIG)
		err = 0;
out:
	free(g.rows);
	return err;
}
