/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/text_verdicts.h"

#include <stdio.h>

#include "profile/names.h"
#include "report/number.h"
#include "report/rate_unit.h"
#include "report/verdict_line.h"

#define INDENT 4
#define NEXT_LINE "\n           " /* below what stands behind a label */

/* ---- in the header ---- */

static void print_finding(struct text_style *ts, const struct profile_findings *f,
			  const struct rate_unit *unit, const char *one, const char *many,
			  enum paint paint)
{
	char n[32], rate[32], text[96];

	snprintf(text, sizeof(text), "%s %s %s", number__count(n, sizeof(n), f->groups),
		 f->groups == 1 ? one : many,
		 rate_unit__print(rate, sizeof(rate), unit, f->group_rate_bps));
	text_style__painted(ts, paint, text);
}

/* "no leak", or how many leak and grow; nothing, where that would say nothing. Whether it did. */
static bool print_findings(struct text_style *ts, const struct profile *p)
{
	const struct rate_unit *unit = rate_unit__of(p);
	char n[64];

	if (p->leak.groups)
		print_finding(ts, &p->leak, unit, "leak", "leaks", RED);
	if (p->leak.groups && p->growing.groups)
		strbuf__adds(&ts->sb, ", ");
	if (p->growing.groups)
		print_finding(ts, &p->growing, unit, "growing", "growing", YELLOW);
	if (p->leak.groups || p->growing.groups)
		return true;
	if (p->judged.reasons)
		return false;
	strbuf__adds(&ts->sb, "no leak");
	if (p->judged.open_sites)
		strbuf__addf(&ts->sb, " in %s",
			     number__noun(n, sizeof(n), p->judged.sites, "judged call stack"));
	return true;
}

void text_verdicts__summary(struct text_style *ts, const struct profile *p)
{
	struct strbuf rest = { 0 };
	char window[32];

	text_style__label(ts, "verdict");
	if (print_findings(ts, p)) {
		number__seconds(window, sizeof(window), p->window_s);
		strbuf__addf(&ts->sb, ", observed for %s", window);
		if (p->judged.reasons) {
			strbuf__adds(&ts->sb, ";" NEXT_LINE);
			strbuf__adds(&ts->sb, verdict_line__otherwise(p));
		}
	}
	if (p->judged.reasons) {
		text_style__painted(ts, YELLOW, p->final ? "not judged" : "not judged yet");
		strbuf__adds(&ts->sb, ": ");
		verdict_line__reasons(&rest, p, NEXT_LINE);
	} else {
		verdict_line__gaps(&rest, p, NEXT_LINE);
	}
	strbuf__adds(&ts->sb, rest.data ? rest.data : "");
	if (rest.error)
		ts->sb.error = rest.error;
	strbuf__free(&rest);
	strbuf__addc(&ts->sb, '\n');
}

/* ---- of a call stack ---- */

void text_verdicts__why(struct strbuf *sb, const struct profile_site *s)
{
	char since[32], share[32], life[32];

	strbuf__addf(sb, "for %s, %s of blocks not freed",
		     number__seconds(since, sizeof(since), s->leaking_s),
		     number__share(share, sizeof(share), s->survival));
	if (s->longest_life_s > 0)
		strbuf__addf(sb, ", others within %s",
			     number__duration(life, sizeof(life), s->longest_life_s));
}

void text_verdicts__note(struct strbuf *sb, const struct profile_site *s,
			 const struct rate_unit *unit, double rate_bps)
{
	static const char *const reasons[DOUBTS] = {
		[DOUBT_SLOWS] = ", slowing down",
		[DOUBT_OLDER] = ", as many older ones freed",
		[DOUBT_YOUNG] = ", too recent to call a leak",
		[DOUBT_FEW] = ", too few to call a leak",
	};
	char rate[32];

	if (profile__is_finding(s))
		strbuf__adds(sb, rate_unit__print(rate, sizeof(rate), unit, rate_bps));
	if (s->verdict == VERDICT_GROWING && reasons[s->doubt])
		strbuf__adds(sb, reasons[s->doubt]);
}

void text_verdicts__short_note(struct strbuf *sb, const struct profile_site *s,
			       const struct rate_unit *unit, double rate_bps)
{
	static const char *const reasons[DOUBTS] = {
		[DOUBT_SLOWS] = "slowing, ",
		[DOUBT_OLDER] = "older freed, ",
		[DOUBT_YOUNG] = "too recent, ",
		[DOUBT_FEW] = "too few, ",
	};
	char rate[32];

	if (s->verdict == VERDICT_GROWING && reasons[s->doubt])
		strbuf__adds(sb, reasons[s->doubt]);
	if (profile__is_finding(s))
		strbuf__adds(sb, rate_unit__print(rate, sizeof(rate), unit, rate_bps));
}

static void add_kept(struct strbuf *sb, const struct profile_site *s)
{
	char share[32];

	strbuf__addf(sb, "%s of blocks not freed",
		     number__share(share, sizeof(share), s->survival));
}

static void add_churn(struct strbuf *sb, const struct profile_site *s)
{
	char life[32];

	number__duration(life, sizeof(life), s->longest_life_s);
	if (s->exited && s->processes > 1)
		strbuf__adds(sb, "came and went with its processes");
	else if (s->oldest_s > s->longest_life_s)
		strbuf__addf(sb, "most blocks are freed, within %s", life);
	else
		strbuf__addf(sb, "blocks are freed, after %s at most", life);
}

static void add_startup(struct strbuf *sb, const struct profile_site *s)
{
	(void)s;
	strbuf__adds(sb, "allocated at the start and kept");
}

static void add_plateau(struct strbuf *sb, const struct profile_site *s)
{
	(void)s;
	strbuf__adds(sb, "holds about as much as before");
}

void text_verdicts__site(struct text_style *ts, const struct profile *p,
			 const struct profile_site *s)
{
	static const struct {
		enum paint paint;
		void (*add)(struct strbuf *sb, const struct profile_site *s);
	} rows[VERDICTS] = {
		[VERDICT_LEAK] = { RED, text_verdicts__why },
		[VERDICT_GROWING] = { YELLOW, add_kept },
		[VERDICT_CHURN] = { GREEN, add_churn },
		[VERDICT_STARTUP] = { GREEN, add_startup },
		[VERDICT_PLATEAU] = { GREEN, add_plateau },
	};

	if (!rows[s->verdict].add)
		return;
	text_style__spaces(ts, INDENT);
	text_style__painted(ts, rows[s->verdict].paint, profile_names__verdict(s->verdict));
	strbuf__addc(&ts->sb, profile__is_finding(s) ? ' ' : ':');
	text_verdicts__note(&ts->sb, s, rate_unit__of(p), s->leak_rate_bps);
	strbuf__adds(&ts->sb, profile__is_finding(s) ? "; " : " ");
	rows[s->verdict].add(&ts->sb, s);
	strbuf__addc(&ts->sb, '\n');
}
