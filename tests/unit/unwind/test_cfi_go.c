/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rules of Go's code. */
#include "elf/go_table.h"
#include "go_library.h"
#include "unwind/cfi.h"

static struct unwind_rule at(const struct cfi *c, const struct go_table *t, uint64_t place)
{
	return cfi__find(c, t->text + place);
}

static void check_rules(const struct cfi *c, const struct go_table *t)
{
	struct unwind_rule r;

	CHECK_EQ(at(c, t, 0).kind, UNWIND_GO);
	CHECK_EQ(at(c, t, 16).kind, UNWIND_BOTTOM); /* goexit, by its flag */
	CHECK_EQ(at(c, t, 32).kind, UNWIND_GO);	    /* asmcgocall sets the stack pointer */
	r = at(c, t, 48);			    /* sysMmap has no frame */
	CHECK(r.kind == UNWIND_RSP && r.cfa == 8 && r.saved == 0);
	r = at(c, t, 64); /* crosscall2 */
	CHECK(r.kind == UNWIND_RSP && r.cfa == 8);
	r = at(c, t, 68);
	CHECK(r.kind == UNWIND_RSP && r.cfa == 80 && r.rbp == -2);
	CHECK_EQ(UNWIND_SAVED_RBP(r.saved), UNWIND_AT_CFA);
	CHECK_EQ(at(c, t, 78).kind, UNWIND_RSP);
	CHECK_EQ(at(c, t, 79).kind, UNWIND_SIGNAL); /* a byte before sigreturn */
	CHECK_EQ(at(c, t, 95).kind, UNWIND_SIGNAL);
	CHECK_EQ(at(c, t, 96).kind, UNWIND_BOTTOM); /* mcall */
	CHECK_EQ(at(c, t, 111).kind, UNWIND_BOTTOM);
	CHECK_EQ(cfi__find(c, t->text - 1).kind, UNWIND_NONE);
	for (size_t i = 1; i < c->n; i++)
		CHECK(c->rows[i].vaddr > c->rows[i - 1].vaddr);
}

/* Alone, and between the rules of the code around it, which stay. */
TEST(rules_of_go)
{
	struct program p = open_program(go_library("go", true, ".gopclntab", false));
	struct unwind_rule other = { .kind = UNWIND_RBP, .cfa = 16 };
	struct cfi_source src;
	struct go_table t;
	struct cfi c = { 0 };

	MUST(p.elf && go_table__find(p.elf, &t));
	CHECK_EQ(cfi__source(p.elf, &src), -ENODATA);
	CHECK_EQ(cfi__add_go(&c, &src, p.elf), 0);
	check_rules(&c, &t);
	CHECK_EQ(at(&c, &t, 112).kind, UNWIND_NONE);
	cfi__release(&c);

	c.n = 5;
	c.rows = calloc(c.n, sizeof(*c.rows));
	MUST(c.rows);
	c.rows[0] = (struct cfi_row){ t.text - 8, other };
	c.rows[1] = (struct cfi_row){ t.text - 1, { .kind = UNWIND_NONE } };
	c.rows[2] = (struct cfi_row){ t.text + 20, { .kind = UNWIND_RBX } };
	c.rows[3] = (struct cfi_row){ t.text + 100, other };
	c.rows[4] = (struct cfi_row){ t.text + 120, { .kind = UNWIND_NONE } };
	CHECK_EQ(cfi__add_go(&c, &src, p.elf), 0);
	check_rules(&c, &t);
	CHECK_EQ(at(&c, &t, (uint64_t)-8).kind, UNWIND_RBP);
	CHECK_EQ(at(&c, &t, 112).kind, UNWIND_RBP);
	CHECK_EQ(at(&c, &t, 120).kind, UNWIND_NONE);
	cfi__release(&c);
	close_program(&p);
}

/* A table that speaks of other than code is not believed, nor is any other file. */
TEST(not_go)
{
	struct program p = open_program(go_library("go", true, ".gopclntab", false));
	struct cfi_source src;
	struct cfi c = { 0 };

	CHECK_EQ(cfi__source(p.elf, &src), -ENODATA);
	src.code[0].end -= 24;
	CHECK_EQ(cfi__add_go(&c, &src, p.elf), 0);
	CHECK_EQ(c.n, 0);
	close_program(&p);
	p = open_program("/proc/self/exe");
	CHECK_EQ(cfi__source(p.elf, &src), 0);
	CHECK_EQ(cfi__add_go(&c, &src, p.elf), 0);
	CHECK_EQ(c.n, 0);
	close_program(&p);
}

/* 2,000 functions share 8 KiB that describe each of their bytes: 8 million rows from 120 KiB. */
TEST(shared_descriptions_do_not_fill_memory)
{
	const char *path = in_scratch("bomb");
	struct cfi_source src;
	struct go_table t;
	struct program p;
	struct cfi c = { 0 };

	MUST(run("gcc", "-nostdlib", "-static", "-Wl,--build-id", "-Wl,-e,0", "-o", path,
		 "tests/unit/unwind/go_bomb.s", NULL));
	p = open_program(path);
	MUST(p.elf && go_table__find(p.elf, &t));
	CHECK_EQ(t.n, 2000);
	CHECK_EQ(cfi__source(p.elf, &src), -ENODATA);
	CHECK_EQ(cfi__add_go(&c, &src, p.elf), 0);
	CHECK_EQ(c.n, 0);
	close_program(&p);
}
