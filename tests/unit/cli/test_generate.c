/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The manual page and the completions have every option, and their readers accept them. */
#include "cli/generate.h"

#include "cli/option_row.h"
#include "golden.h"
#include "util/file.h"
#include "util/strbuf.h"

#define TEMPLATE "scripts/memtrace.8.in"
#define MARK "@OPTIONS@\n"

/* The manual page as make assembles it. */
static void manual_page(struct strbuf *sb)
{
	size_t len;
	char *text = file__read(TEMPLATE, &len);
	char *mark = text ? strstr(text, MARK) : NULL;

	CHECK(mark);
	if (mark) {
		strbuf__add(sb, text, (size_t)(mark - text));
		generate__man(sb);
		strbuf__adds(sb, mark + strlen(MARK));
	}
	free(text);
}

/* "min-age" as an option in roff: "\-\-min\-age". */
static const char *in_roff(const char *name)
{
	static char word[128];
	char *to = word;

	to += sprintf(to, "\\-\\-");
	for (; *name && to < word + sizeof(word) - 4; name++) {
		if (*name == '-')
			*to++ = '\\';
		*to++ = *name;
	}
	*to = '\0';
	return word;
}

static void check_has(const struct strbuf *sb, const char *what)
{
	if (!sb->data || !strstr(sb->data, what)) {
		printf("# missing: %s\n", what);
		test_failures++;
	}
}

TEST(every_row_is_complete)
{
	for (size_t i = 0; i < option_row_count; i++) {
		const struct option_row *r = &option_rows[i];

		CHECK(r->heading || r->name || r->value);
		CHECK(r->heading || !r->name || r->take);
		CHECK(!r->help || r->help[strlen(r->help) - 1] != '.');
		CHECK(!r->detail || r->detail[strlen(r->detail) - 1] == '.');
	}
	CHECK(option_row_count > 40);
}

TEST(the_manual_page_has_every_option)
{
	struct strbuf sb = { 0 };

	manual_page(&sb);
	for (size_t i = 0; i < option_row_count; i++) {
		if (option_rows[i].name && option_rows[i].help)
			check_has(&sb, in_roff(option_rows[i].name));
	}
	check_has(&sb, ".TP\n\\fB\\-p\\fR, \\fB\\-\\-pid\\fR \\fIPID\\fR[,\\fIPID\\fR...]\n");
	check_has(&sb, ".TP\n\\fB\\-\\-kind\\fR \\fBheap\\fR|\\fBmap\\fR|\\fBall\\fR\n");
	check_has(&sb, ".TP\n\\fB\\-\\-version\\fR\nPrint the version.\n");
	check_has(&sb, "\nStop after \\fIN\\fP reports.\n");
	strbuf__free(&sb);
}

TEST(the_manual_page_says_which_options_apply_to_recordings)
{
	struct strbuf sb = { 0 };
	struct strbuf section = { 0 };
	const char *from, *to;

	manual_page(&sb);
	from = strstr(sb.data, "\n.SH RECORDINGS\n");
	to = from ? strstr(from + 1, "\n.SH ") : NULL;
	CHECK(to);
	if (to)
		strbuf__add(&section, from, (size_t)(to - from));
	for (size_t i = 0; i < option_row_count; i++) {
		const struct option_row *r = &option_rows[i];

		if (r->help && option__verbs(r) & OF(VERB_REPORT) && strcmp(r->name, "help") != 0 &&
		    strcmp(r->name, "version") != 0)
			check_has(&section, in_roff(r->name));
	}
	strbuf__free(&section);
	strbuf__free(&sb);
}

/* Feeds text to a program that prints only what is wrong with it. */
static void check_accepted(const char *const argv[], const struct strbuf *sb)
{
	struct text said;
	int status;

	CHECK(!sb->error);
	status = run(argv, sb->data, sb->len, &said);
	if (status == 127 && !said.len) { /* fish has 127 for syntax errors, too */
		test_skipped = argv[0];
	} else {
		CHECK_EQ(status, 0);
		CHECK_EQ(said.len, 0);
		if (said.len)
			explain(said.data);
	}
	text_free(&said);
}

TEST(the_manual_page_is_clean)
{
	const char *const groff[] = { "groff", "-ww", "-man", "-Tutf8", "-z", NULL };
	struct strbuf sb = { 0 };

	manual_page(&sb);
	check_accepted(groff, &sb);
	strbuf__free(&sb);
	if (test_skipped)
		SKIP("groff is not installed");
}

static void check_completions(void (*generate)(struct strbuf *), const char *form)
{
	struct strbuf sb = { 0 };
	char want[128];

	generate(&sb);
	for (size_t i = 0; i < option_row_count; i++) {
		if (!option_rows[i].name)
			continue;
		snprintf(want, sizeof(want), form, option_rows[i].name);
		if (option_rows[i].help)
			check_has(&sb, want);
		else
			CHECK(!strstr(sb.data, want));
	}
	strbuf__free(&sb);
}

TEST(completions_have_every_option)
{
	check_completions(generate__bash, "--%s");
	check_completions(generate__zsh, "--%s");
	check_completions(generate__fish, " -l %s ");
}

TEST(bash_accepts_its_completions)
{
	const char *const bash[] = { "bash", "-n", NULL };
	struct strbuf sb = { 0 };

	generate__bash(&sb);
	check_accepted(bash, &sb);
	strbuf__free(&sb);
	if (test_skipped)
		SKIP("bash is not installed");
}

TEST(zsh_accepts_its_completions)
{
	const char *const zsh[] = { "zsh", "-n", NULL };
	struct strbuf sb = { 0 };

	generate__zsh(&sb);
	check_accepted(zsh, &sb);
	strbuf__free(&sb);
	if (test_skipped)
		SKIP("zsh is not installed");
}

TEST(fish_accepts_its_completions)
{
	const char *const fish[] = { "fish", "-n", "/dev/stdin", NULL };
	struct strbuf sb = { 0 };

	generate__fish(&sb);
	check_accepted(fish, &sb);
	strbuf__free(&sb);
	if (test_skipped)
		SKIP("fish is not installed");
}

/* What bash offers for the words of a command line, of which the last is incomplete. */
static void check_bash(const char *words, const char *want)
{
	struct strbuf sb = { 0 };
	struct text said;
	const char *const bash[] = { "bash", NULL };

	generate__bash(&sb);
	strbuf__addf(&sb,
		     "COMP_WORDS=(memtrace %s); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); "
		     "_memtrace; echo \"${COMPREPLY[*]}\"\n",
		     words);
	if (run(bash, sb.data, sb.len, &said) == 127)
		test_skipped = "bash is not installed";
	else
		CHECK_STR(said.data, want);
	text_free(&said);
	strbuf__free(&sb);
}

TEST(what_bash_offers)
{
	check_bash("rec", "record\n");
	check_bash("--so", "--sort\n");
	check_bash("diff a.mt --s", "\n");
	check_bash("report --no", "--no-default-suppressions --no-group\n");
	check_bash("-p 1 --sort gr", "growth\n");
	check_bash("-p 1 --sort = r", "rate\n");
	check_bash("--format ''", "text json pprof folded\n");
	check_bash("--user roo", "root\n");
	check_bash("-p 1 -i ''", "\n");
}

/*
 * What fish offers for an incomplete command line, without descriptions. Since version 4 it also
 * offers what only contains the last word: left out here.
 */
static void check_fish(const char *line, const char *want)
{
	const char *const fish[] = { "fish", "/dev/stdin", NULL };
	struct strbuf sb = { 0 };
	struct text said;

	generate__fish(&sb);
	strbuf__addf(&sb, "complete -C '%s' | cut -f 1 | sed -n '/^%s/p'\n", line,
		     strrchr(line, ' ') + 1);
	if (run(fish, sb.data, sb.len, &said) == 127 && !said.len)
		test_skipped = "fish is not installed";
	else
		CHECK_STR(said.data, want);
	text_free(&said);
	strbuf__free(&sb);
}

TEST(what_fish_offers)
{
	check_fish("memtrace rec", "record\n");
	check_fish("memtrace --so", "--sort\n");
	check_fish("memtrace diff --s", "");
	check_fish("memtrace -p 1 --sort gr", "growth\n");
	check_fish("memtrace report --no", "--no-default-suppressions\n--no-group\n");
}
