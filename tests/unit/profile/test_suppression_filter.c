/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The effect of suppressions on a profile. */
#include "profile/suppression_filter.h"

#include <stdbool.h>

#include "collect/collector.h"
#include "probe/alloc_functions.h"
#include "profile/profile.h"
#include "symbols/module.h"
#include "symbols/symbolizer.h"
#include "util/array.h"
#include "test.h"

/* ---- the filter alone ---- */

static struct suppressions *rules_of(const char *text)
{
	struct suppressions *rules = suppressions__new();
	const char *why;
	size_t line;

	CHECK_EQ(suppressions__add_text(rules, text, strlen(text), "t.supp", &line, &why), 0);
	return rules;
}

TEST(a_stack_is_looked_up_once)
{
	struct suppressions *rules = rules_of("leak:one\nleak:two\nleak:/lib.so\nleak:file.c");
	struct suppression_filter *s = suppression_filter__new(rules);
	struct named_frame two[] = { { .func = "leaf" }, { .func = "two" } };
	struct named_frame by_module = { .module = "/opt/lib.so" },
			   by_file = { .file = "/a/file.c" };

	CHECK_EQ(suppression_filter__count(s), 4);
	CHECK_EQ(suppression_filter__known(s, 77), SUPPRESSION_NEW);
	CHECK_EQ(suppression_filter__look(s, 77, two, 2), 1);
	CHECK_EQ(suppression_filter__known(s, 77), 1);
	CHECK_EQ(suppression_filter__known(s, 78), SUPPRESSION_NEW);
	CHECK_EQ(suppression_filter__look(s, 78, two, 1), SUPPRESSION_NONE);
	CHECK_EQ(suppression_filter__known(s, 78), SUPPRESSION_NONE);
	CHECK_EQ(suppression_filter__look(s, 0, &by_module, 1), 2);
	CHECK_EQ(suppression_filter__look(s, UINT64_MAX, &by_file, 1), 3);
	CHECK(!suppression_filter__has_matched(s, 0));
	CHECK(suppression_filter__has_matched(s, 1) && suppression_filter__has_matched(s, 2) &&
	      suppression_filter__has_matched(s, 3));
	CHECK_STR(suppression_filter__rule(s, 1)->source, "t.supp:2");
	CHECK(!suppression_filter__is_builtin(s, 1));
	suppression_filter__free(s);
	suppressions__free(rules);
}

/* ---- in a profile ---- */

#define CODE(name)                                                                                 \
	__attribute__((noinline, used)) static void name(void)                                     \
	{                                                                                          \
		__asm__ volatile("nop; nop; nop; nop");                                            \
	}

CODE(code_a)
CODE(code_b)
CODE(code_c)
CODE(code_d)
CODE(code_e)
CODE(_IO_file_doallocate) /* a function of the C library that has a built-in rule */

static void (*const codes[])(void) = { code_a, code_b, code_c, code_d, code_e };

static uint64_t file_offset(const void *address)
{
	unsigned long start, end, offset;
	FILE *f = fopen("/proc/self/maps", "re");
	uint64_t found = 0;
	char line[512];

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx %*s %lx", &start, &end, &offset) == 3 &&
		    (unsigned long)address >= start && (unsigned long)address < end)
			found = (unsigned long)address - start + offset;
	}
	if (f)
		fclose(f);
	return found;
}

struct fixture {
	struct modules *modules;
	struct symbolizer *symbolizer;
	struct stack *stacks[ARRAY_SIZE(codes)];
	struct site_row rows[ARRAY_SIZE(codes) + 1];
	struct process_row process;
	struct snapshot snap;
	struct profile_run run;
	struct suppressions *rules;
	struct suppression_filter *filter;
	struct profile_input in;
};

static const struct stack *find_stack(void *ctx, uint64_t id)
{
	struct fixture *f = ctx;

	return id && id <= ARRAY_SIZE(codes) ? f->stacks[id - 1] : NULL;
}

/* Five sites of 1000, 900, 800, 9 and 7 bytes, by code_a to code_e, and a mapping of 3000 by
 * code_a. */
static void setup(struct fixture *f, const char *rules)
{
	static const uint64_t bytes[] = { 1000, 900, 800, 9, 7 };
	uint32_t module;

	*f = (struct fixture){ .modules = modules__new(), .run = { .sort = SORT_BYTES } };
	f->symbolizer = symbolizer__new(f->modules);
	module = (uint32_t)modules__add_path(f->modules, "/proc/self/exe");
	f->rows[0] = (struct site_row){ .stack = 1,
					.kind = API_MAP,
					.live_bytes = 3000,
					.live_blocks = 1,
					.since_mark_bytes = 3000 };
	for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
		f->stacks[i] = calloc(1, sizeof(struct stack) + sizeof(struct frame));
		*f->stacks[i] =
		    (struct stack){ .id = i + 1, .pid = 1, .n = 1, .end = STACK_COMPLETE };
		f->stacks[i]->frames[0] = (struct frame){ .pc = 0x1000,
							  .module = module,
							  .offset = file_offset(codes[i]) + 3 };
		f->rows[i + 1] = (struct site_row){ .stack = i + 1,
						    .kind = API_HEAP,
						    .live_bytes = bytes[i],
						    .live_blocks = 2,
						    .since_mark_bytes = 5,
						    .since_mark_blocks = 1 };
	}
	f->process = (struct process_row){ .pid = 1, .exited = true, .mapped_bytes = 3000 };
	f->snap = (struct snapshot){
		.now = 1,
		.heap = true,
		.live_bytes = 2716,
		.live_blocks = 10,
		.total_sites = 8,
		.rest_bytes = 50,
		.rest_blocks = 2,
		.sites = f->rows,
		.nsites = ARRAY_SIZE(f->rows),
		.processes = &f->process,
		.nprocesses = 1,
	};
	f->rules = rules_of(rules);
	f->filter = suppression_filter__new(f->rules);
	f->in = (struct profile_input){
		.run = &f->run,
		.snapshot = &f->snap,
		.symbolizer = f->symbolizer,
		.modules = f->modules,
		.stack = find_stack,
		.ctx = f,
		.filter = f->filter,
	};
}

static void teardown(struct fixture *f)
{
	for (size_t i = 0; i < ARRAY_SIZE(codes); i++)
		free(f->stacks[i]);
	suppression_filter__free(f->filter);
	suppressions__free(f->rules);
	symbolizer__free(f->symbolizer);
	modules__free(f->modules);
}

/* "RANK:FUNCTION=BYTES ..." */
static const char *sites(const struct profile *p)
{
	static char text[512];
	char *s = text;

	*s = '\0';
	for (size_t i = 0; i < p->nsites; i++)
		s += snprintf(s, sizeof(text) - (size_t)(s - text), "%s%u:%s=%llu", i ? " " : "",
			      p->sites[i].rank, p->sites[i].nstack ? p->sites[i].stack->func : "?",
			      (unsigned long long)p->sites[i].live_bytes);
	return text;
}

TEST(suppressed_sites_make_room_for_others)
{
	struct fixture f;
	struct profile *p;

	setup(&f, "leak:^code_b$\nleak:^code_d$");
	f.in.top = 3;
	p = profile__build(&f.in);
	CHECK_STR(sites(p), "1:code_a=3000 2:code_a=1000 3:code_c=800");
	CHECK_EQ(p->total_sites, 8);
	CHECK_EQ(p->nsuppressed, 1); /* sites below the top were not looked at */
	CHECK_STR(p->suppressed[0].pattern, "leak:^code_b$");
	CHECK_STR(p->suppressed[0].source, "t.supp:1");
	CHECK(!p->suppressed[0].reason);
	CHECK_EQ(p->suppressed[0].sites, 1);
	CHECK_EQ(p->suppressed[0].live_bytes, 900);
	CHECK_EQ(p->suppressed[0].live_blocks, 2);
	CHECK_EQ(p->suppressed_sites, 1);
	CHECK_EQ(p->suppressed_live_bytes, 900);
	CHECK_EQ(p->suppressed_live_blocks, 2);
	CHECK_EQ(p->suppressed_since_mark, 5);
	CHECK_EQ(p->rest_bytes, 50 + 9 + 7);
	CHECK_EQ(p->rest_blocks, 2 + 4);
	CHECK_EQ(suppression_filter__known(f.filter, 4), SUPPRESSION_NEW);
	profile__free(p);
	teardown(&f);
}

TEST(thorough_looks_below_the_top)
{
	struct fixture f;
	struct profile *p;

	setup(&f, "leak:^code_b$\nleak:^code_d$");
	f.in.top = 3;
	f.in.thorough = true;
	p = profile__build(&f.in);
	CHECK_STR(sites(p), "1:code_a=3000 2:code_a=1000 3:code_c=800");
	CHECK_EQ(p->nsuppressed, 2);
	CHECK_EQ(p->suppressed_live_bytes, 909);
	CHECK_EQ(p->rest_bytes, 50 + 7);
	profile__free(p);

	/* A result is remembered for later reports, even below the top. */
	f.in.thorough = false;
	p = profile__build(&f.in);
	CHECK_EQ(p->nsuppressed, 2);
	CHECK_EQ(p->rest_bytes, 50 + 7);
	profile__free(p);
	teardown(&f);
}

TEST(suppressed_mappings_are_not_in_the_totals)
{
	struct fixture f;
	struct profile *p;

	setup(&f, "leak:code_a");
	p = profile__build(&f.in);
	CHECK_STR(sites(p), "1:code_b=900 2:code_c=800 3:code_d=9 4:code_e=7");
	CHECK_EQ(p->suppressed[0].sites, 2);
	CHECK_EQ(p->suppressed[0].live_bytes, 4000);
	CHECK_EQ(p->suppressed_live_bytes, 1000); /* live_bytes is of the heap */
	CHECK_EQ(p->suppressed_since_mark, 5);
	profile__free(p);
	f.snap.heap = false;
	p = profile__build(&f.in);
	CHECK_EQ(p->suppressed_live_bytes, 4000);
	profile__free(p);
	teardown(&f);
}

TEST(without_a_filter_all_is_shown)
{
	struct fixture f;
	struct profile *p;

	setup(&f, "leak:code");
	f.in.filter = NULL;
	p = profile__build(&f.in);
	CHECK_EQ(p->nsites, 6);
	CHECK_EQ(p->nsuppressed, 0);
	profile__free(p);
	f.in.top = 1;
	p = profile__build(&f.in);
	CHECK_STR(sites(p), "1:code_a=3000");
	CHECK_EQ(p->rest_bytes, 50 + 2716);
	profile__free(p);
	teardown(&f);
}

TEST(unknown_stacks_pass_and_are_looked_up_again)
{
	struct fixture f;
	struct profile *p;

	setup(&f, "leak:*");
	f.rows[2].stack = 99;
	f.rows[3].stack = 0;
	p = profile__build(&f.in);
	CHECK_STR(sites(p), "1:?=900 2:?=800");
	CHECK_EQ(suppression_filter__known(f.filter, 99), SUPPRESSION_NEW);
	profile__free(p);
	teardown(&f);
}

TEST(empty_sites_are_shown_only_by_rate_and_mark)
{
	struct fixture f;
	struct profile *p;

	setup(&f, "leak:code_b");
	f.rows[1].live_bytes = f.rows[1].live_blocks = 0;
	f.rows[2].live_bytes = f.rows[2].live_blocks = 0;
	f.in.top = 2;
	p = profile__build(&f.in);
	CHECK_STR(sites(p), "1:code_a=3000 2:code_c=800");
	CHECK_EQ(p->suppressed_sites, 0);
	profile__free(p);
	f.run.since_mark = true;
	p = profile__build(&f.in);
	CHECK_STR(sites(p), "1:code_a=3000 2:code_a=0");
	profile__free(p);
	f.in.top = 0;
	f.run.since_mark = false;
	p = profile__build(&f.in);
	CHECK_STR(sites(p), "1:code_a=3000 2:code_a=0 3:code_c=800 4:code_d=9 5:code_e=7");
	profile__free(p);
	teardown(&f);
}

TEST(small_sites)
{
	struct fixture f;
	struct profile *p;

	setup(&f, "leak:nothing");
	p = profile__build(&f.in);
	for (size_t i = 0; i < p->nsites; i++) /* 1% of 2716 is 27 */
		CHECK_EQ(p->sites[i].small, i >= 4);
	CHECK_EQ(p->small_sites, 0);
	profile__free(p);
	f.in.top = 5;
	f.rows[0].live_bytes = 29; /* of 3000 mapped bytes */
	p = profile__build(&f.in);
	CHECK(p->sites[0].small);
	CHECK(!p->sites[1].small);
	CHECK_EQ(p->small_sites, 1);
	CHECK_EQ(p->small_bytes, 7);
	CHECK_EQ(p->small_blocks, 2);
	profile__free(p);
	teardown(&f);
}

TEST(marks)
{
	struct fixture f;
	struct profile *p;

	setup(&f, "leak:nothing");
	f.snap.now = 12000000000;
	f.snap.since_mark_bytes = -7;
	f.snap.since_mark_blocks = 9;
	f.in.start = 2000000000;
	p = profile__build(&f.in);
	CHECK(!p->marked);
	CHECK(p->mark_s == 0);
	CHECK_EQ(p->since_mark_bytes, -7);
	CHECK_EQ(p->since_mark_blocks, 9);
	CHECK_EQ(p->sites[1].since_mark_bytes, 5);
	CHECK_EQ(p->sites[1].since_mark_blocks, 1);
	profile__free(p);
	f.snap.marked = 5000000000;
	p = profile__build(&f.in);
	CHECK(p->marked);
	CHECK(p->mark_s == 3);
	profile__free(p);
	teardown(&f);
}

/* ---- findings ---- */

TEST(findings_are_summed_wherever_they_rank)
{
	struct fixture f;
	struct profile *p;

	setup(&f, "leak:^code_b$");
	f.rows[1].judged = (struct judgement){ .verdict = VERDICT_LEAK, .rate = 10 };
	f.rows[2].judged = (struct judgement){ .verdict = VERDICT_LEAK, .rate = 1000 };
	f.rows[4].judged = (struct judgement){ .verdict = VERDICT_LEAK, .rate = 1 };
	f.rows[5].judged = (struct judgement){ .verdict = VERDICT_GROWING, .rate = 3 };
	f.in.top = 2;
	p = profile__build(&f.in);
	CHECK_STR(sites(p), "1:code_a=3000 2:code_a=1000");
	CHECK_EQ(p->leak.sites, 2); /* the one of code_b is suppressed */
	CHECK_EQ(p->leak.live_bytes, 1009);
	CHECK(p->leak.rate_bps == 11);
	CHECK_EQ(p->growing.sites, 1);
	CHECK_EQ(p->growing.live_bytes, 7);
	CHECK_EQ(p->small_sites, 0); /* a finding is not small */
	CHECK_EQ(p->rest_bytes, 50 + 800 + 9 + 7);
	profile__free(p);
	teardown(&f);
}

TEST(built_in_rules_do_not_hide_findings)
{
	struct suppressions *rules = suppressions__new();
	struct fixture f;
	struct profile *p;

	CHECK_EQ(suppressions__add_builtin(rules), 0);
	setup(&f, "");
	suppression_filter__free(f.filter);
	f.in.filter = f.filter = suppression_filter__new(rules);
	f.rows[0].stack = 0;
	f.stacks[0]->frames[0].offset = file_offset(_IO_file_doallocate) + 3;
	p = profile__build(&f.in);
	CHECK_STR(sites(p), "1:?=3000 2:code_b=900 3:code_c=800 4:code_d=9 5:code_e=7");
	CHECK_STR(p->suppressed[0].source, "built-in");
	CHECK(p->suppressed[0].reason);
	profile__free(p);
	f.rows[1].judged = (struct judgement){ .verdict = VERDICT_GROWING };
	p = profile__build(&f.in);
	CHECK_EQ(p->nsuppressed, 0);
	CHECK_STR(p->sites[1].stack->func, "_IO_file_doallocate");
	CHECK_EQ(p->growing.sites, 1);
	profile__free(p);
	teardown(&f);
	suppressions__free(rules);
}
