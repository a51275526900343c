/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/summary.h"

#include "report/number.h"
#include "report/rate_unit.h"
#include "report/verdict_line.h"
#include "util/format.h"

enum run_outcome summary__outcome(const struct criteria *c, const struct profile *p)
{
	bool open = !c->checks->n && c->any_leak && p->judged.reasons;

	for (size_t i = 0; i < c->checks->n; i++) {
		if (conditions__is_met(&c->checks->items[i], p))
			return OUTCOME_FAILED;
		open |= !conditions__is_ruled_out(&c->checks->items[i], p);
	}
	if (!c->checks->n && c->any_leak && p->leak.groups)
		return OUTCOME_FAILED;
	return open && !c->allow_unjudged ? OUTCOME_UNJUDGED : OUTCOME_PASSED;
}

static void add_growing(struct strbuf *sb, const struct profile *p)
{
	char n[64], size[32];

	strbuf__addf(sb, "%s growing (%s)", number__count(n, sizeof(n), p->growing.groups),
		     format__size(size, sizeof(size), p->growing.group_bytes));
}

static void add_leaks(struct strbuf *sb, const struct profile *p)
{
	char n[64], size[32], rate[32];
	double bps = p->leak.group_rate_bps;

	strbuf__addf(sb, "%s (%s", number__noun(n, sizeof(n), p->leak.groups, "leak"),
		     format__size(size, sizeof(size), p->leak.group_bytes));
	if (bps > 0)
		strbuf__addf(sb, ", %s",
			     rate_unit__print(rate, sizeof(rate), rate_unit__of(p), bps));
	strbuf__addc(sb, ')');
}

/* What was found; nothing, where nothing was and that says nothing. */
static void add_findings(struct strbuf *sb, const struct profile *p)
{
	uint64_t shown = p->total_sites - p->suppressed_sites;
	bool partly = !p->judged.reasons && p->judged.open_sites && !p->leak.groups;
	char n[64];

	if (p->leak.groups)
		add_leaks(sb, p);
	else if (!p->judged.reasons)
		strbuf__adds(sb, "no leak found");
	if (p->growing.groups) {
		strbuf__adds(sb, sb->len ? ", " : "");
		add_growing(sb, p);
	}
	if (!sb->len)
		return;
	if (!shown) {
		strbuf__adds(sb, ": nothing is outstanding");
		return;
	}
	if (partly)
		shown = p->judged.sites;
	strbuf__addf(
	    sb, " in %s",
	    number__noun(n, sizeof(n), shown, partly ? "judged call stack" : "call stack"));
}

/* The header of a report has a line of its own for it. */
static void add_late(struct strbuf *sb, const struct profile *p)
{
	char n[32];

	if (p->late)
		strbuf__addf(sb, "; %s %s probed", number__count(n, sizeof(n), p->late),
			     p->late == 1 ? "program, library or child ran before it was"
					  : "programs, libraries or children ran before they were");
}

void summary__add_outcome(struct strbuf *sb, const struct profile *p, const struct criteria *c)
{
	const struct conditions *checks = c->checks;
	enum run_outcome outcome = summary__outcome(c, p);
	const char *separator = "; FAILED: ";

	if (!checks->n && !c->any_leak)
		return;
	if (outcome == OUTCOME_UNJUDGED)
		strbuf__adds(sb, "; NOT PASSED (--allow-unjudged lets it pass)");
	else if (outcome == OUTCOME_PASSED)
		strbuf__adds(sb, "; passed");
	else if (!checks->n)
		strbuf__adds(sb, "; FAILED");
	for (size_t i = 0; i < checks->n; i++) {
		if (!conditions__is_met(&checks->items[i], p))
			continue;
		strbuf__addf(sb, "%s%s", separator, checks->items[i].text);
		separator = ", ";
	}
}

void summary__add(struct strbuf *sb, const struct profile *p, const struct criteria *c)
{
	bool unjudged_only;
	char n[64];

	add_findings(sb, p);
	unjudged_only = !sb->len;
	if (p->suppressed_sites && !unjudged_only)
		strbuf__addf(sb, ", %s suppressed",
			     number__count(n, sizeof(n), p->suppressed_sites));
	if (p->judged.reasons) {
		strbuf__adds(sb, sb->len ? "; " : "");
		strbuf__adds(sb, sb->len ? verdict_line__otherwise(p) : "");
		strbuf__adds(sb, "not judged: ");
		verdict_line__reasons(sb, p, "; ");
	} else {
		verdict_line__gaps(sb, p, "; ");
		add_late(sb, p);
	}
	if (unjudged_only && p->suppressed_sites)
		strbuf__addf(sb, "; %s suppressed",
			     number__count(n, sizeof(n), p->suppressed_sites));
	verdict_line__fates(sb, p);
	if (profile__lost(p) && !(p->judged.reasons & UNJUDGED_LOST))
		strbuf__adds(sb, ", some data was lost");
	summary__add_outcome(sb, p, c);
}
