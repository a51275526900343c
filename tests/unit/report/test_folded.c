/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ctype.h>

#include "profiles.h"

#define FLAMEGRAPH "/usr/share/perl5/Devel/NYTProf/flamegraph.pl"

static const struct report_style style;

static void compare(const char *name, const struct profile *p)
{
	struct text t = render("folded", p, &style, false);

	check_golden(name, t.data, t.len);
	text_free(&t);
}

TEST(root_first_with_inlined_calls_in_order)
{
	compare("ordinary.folded", &ordinary);
}

TEST(hostile_names)
{
	compare("hostile.folded", &hostile);
}

TEST(no_sites_give_an_empty_file)
{
	struct text t = render("folded", &empty, &style, false);

	CHECK_EQ(t.len, 0);
	text_free(&t);
}

/* FRAME(;FRAME)* COUNT, no frame empty or blank at its ends, no second number before the count. */
static bool well_formed(char *line, size_t frames)
{
	char *count = strrchr(line, ' '), *frame, *rest = line;
	size_t n = 0;

	if (!count || !count[1] || count[1 + strspn(count + 1, "0123456789")] || count[1] == '0')
		return false;
	*count = '\0';
	for (; (frame = strsep(&rest, ";")); n++) {
		if (!*frame || isspace((unsigned char)*frame) ||
		    isspace((unsigned char)frame[strlen(frame) - 1]))
			return false;
	}
	return n == frames && !isdigit((unsigned char)count[-1]);
}

static void check_grammar(const struct profile *p)
{
	struct text t = render("folded", p, &style, false);
	char *rest = t.data, *line;
	size_t i = 0;

	for (; (line = strsep(&rest, "\n")) && *line; i++) {
		while (!p->sites[i].live_bytes)
			i++;
		CHECK(i < p->nsites);
		/* The process, the frames or their absence, the allocation function. */
		CHECK(well_formed(line, 2 + (p->sites[i].nstack ? p->sites[i].nstack : 1)));
	}
	CHECK(!rest);
	CHECK_EQ(i, p->nsites);
	text_free(&t);
}

TEST(every_line_follows_the_grammar)
{
	check_grammar(&ordinary);
	check_grammar(&hostile);
}

TEST(flamegraph_draws_every_frame)
{
	const char *const perl[] = { "perl", FLAMEGRAPH, "--countname=bytes", "--minwidth=0",
				     NULL };
	struct text t = render("folded", &ordinary, &style, false), svg;
	int status;

	if (access(FLAMEGRAPH, R_OK)) {
		text_free(&t);
		SKIP("flamegraph.pl is not installed (libdevel-nytprof-perl)");
	}
	status = run(perl, t.data, t.len, &svg);
	CHECK_EQ(status, 0);
	CHECK(!strstr(svg.data, "Ignored"));
	/* The totals, an inlined call, and a leaf. */
	CHECK(strstr(svg.data, "all (46,985,398 bytes, 100%)"));
	CHECK(strstr(svg.data, "ev_accept (38,587,597 bytes, 82.13%)"));
	CHECK(strstr(svg.data, "mmap (thread stack) (8,392,704 bytes, 17.86%)"));
	CHECK(strstr(svg.data, "mmap (/var/lib/orderd/orders.db) (4,096 bytes, 0.01%)"));
	text_free(&t);
	text_free(&svg);
}

/* flamegraph.pl cannot draw exabytes, so the largest site is made smaller first. */
TEST(flamegraph_takes_hostile_names)
{
	const char *const perl[] = { "perl", FLAMEGRAPH, "--minwidth=0", NULL };
	struct profile_site sites[ARRAY_SIZE(hostile_sites)];
	struct profile p = hostile;
	struct text t, svg;

	if (access(FLAMEGRAPH, R_OK))
		SKIP("flamegraph.pl is not installed (libdevel-nytprof-perl)");
	memcpy(sites, hostile_sites, sizeof(sites));
	sites[0].live_bytes = 1000;
	p.sites = sites;
	t = render("folded", &p, &style, false);
	CHECK_EQ(run(perl, t.data, t.len, &svg), 0);
	CHECK(!strstr(svg.data, "Ignored"));
	CHECK(strstr(svg.data, "all (9,192 samples, 100%)"));
	text_free(&t);
	text_free(&svg);
}

TEST(a_full_disk_is_reported)
{
	CHECK_EQ(render_to_full("folded", &ordinary), -ENOSPC);
}
