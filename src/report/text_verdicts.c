/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/text_verdicts.h"

#include <stdio.h>

#include "report/number.h"
#include "report/verdict_line.h"
#include "util/array.h"

#define INDENT 4
#define NEXT_LINE "\n           " /* below what stands behind a label */

/* ---- in the header ---- */

static void print_finding(struct text_style *ts, const struct profile_findings *f, const char *one,
			  const char *many, enum paint paint)
{
	char n[32], pace[32], text[96];

	snprintf(text, sizeof(text), "%s %s %s", number__count(n, sizeof(n), f->groups),
		 f->groups == 1 ? one : many, number__pace(pace, sizeof(pace), f->group_rate_bps));
	text_style__painted(ts, paint, text);
}

/* "no leak", or how many leak and grow; nothing, where that would say nothing. Whether it did. */
static bool print_findings(struct text_style *ts, const struct profile *p)
{
	char n[64];

	if (p->leak.groups)
		print_finding(ts, &p->leak, "leak", "leaks", RED);
	if (p->leak.groups && p->growing.groups)
		strbuf__adds(&ts->sb, ", ");
	if (p->growing.groups)
		print_finding(ts, &p->growing, "growing", "growing", YELLOW);
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
		strbuf__adds(&ts->sb, p->judged.reasons ? ";" NEXT_LINE "otherwise " : "");
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

static const char *leak_text(char *buf, size_t cap, const struct profile_site *s)
{
	char pace[32], since[32], share[32], life[32], rest[64] = "";

	if (s->longest_life_s > 0)
		snprintf(rest, sizeof(rest), ", others within %s",
			 number__seconds(life, sizeof(life), s->longest_life_s));
	snprintf(buf, cap, " %s for %s, %s of blocks not freed%s",
		 number__pace(pace, sizeof(pace), s->leak_rate_bps),
		 number__seconds(since, sizeof(since), s->leaking_s),
		 number__share(share, sizeof(share), s->survival), rest);
	return buf;
}

static const char *growing_text(char *buf, size_t cap, const struct profile_site *s)
{
	static const char *const reasons[DOUBTS] = {
		[DOUBT_SLOWS] = "; slowing down",
		[DOUBT_OLDER] = "; as many older ones freed",
		[DOUBT_YOUNG] = "; too recent to call a leak",
		[DOUBT_FEW] = "; too few to call a leak",
	};
	char pace[32], share[32];
	const char *why = reasons[s->doubt] ? reasons[s->doubt] : "";

	snprintf(buf, cap, " %s, %s of blocks not freed%s",
		 number__pace(pace, sizeof(pace), s->leak_rate_bps),
		 number__share(share, sizeof(share), s->survival), why);
	return buf;
}

static const char *churn_text(char *buf, size_t cap, const struct profile_site *s)
{
	char life[32];

	number__seconds(life, sizeof(life), s->longest_life_s);
	if (s->exited && s->processes > 1)
		snprintf(buf, cap, ": came and went with its processes");
	else if (s->oldest_s > s->longest_life_s)
		snprintf(buf, cap, ": most blocks are freed, within %s", life);
	else
		snprintf(buf, cap, ": blocks are freed, after %s at most", life);
	return buf;
}

static const char *startup_text(char *buf, size_t cap, const struct profile_site *s)
{
	(void)s;
	snprintf(buf, cap, ": allocated at the start and kept");
	return buf;
}

static const char *plateau_text(char *buf, size_t cap, const struct profile_site *s)
{
	(void)s;
	snprintf(buf, cap, ": holds about as much as before");
	return buf;
}

void text_verdicts__site(struct text_style *ts, const struct profile_site *s)
{
	static const struct {
		const char *word;
		enum paint paint;
		const char *(*say)(char *buf, size_t cap, const struct profile_site *s);
	} rows[VERDICTS] = {
		[VERDICT_LEAK] = { "LEAK", RED, leak_text },
		[VERDICT_GROWING] = { "growing", YELLOW, growing_text },
		[VERDICT_CHURN] = { "churn", GREEN, churn_text },
		[VERDICT_STARTUP] = { "startup", GREEN, startup_text },
		[VERDICT_PLATEAU] = { "plateau", GREEN, plateau_text },
	};
	char buf[160];

	if (!rows[s->verdict].word)
		return;
	text_style__spaces(ts, INDENT);
	text_style__painted(ts, rows[s->verdict].paint, rows[s->verdict].word);
	strbuf__addf(&ts->sb, "%s\n", rows[s->verdict].say(buf, sizeof(buf), s));
}
