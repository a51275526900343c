#include "report/text_verdicts.h"

#include <stdio.h>

#include "report/number.h"
#include "util/array.h"

#define INDENT 4

/* ---- in the header ---- */

static void finding(struct text_style *ts, const struct profile_findings *f, const char *one,
		    const char *many, enum paint paint)
{
	char n[32], pace[32], text[96];

	snprintf(text, sizeof(text), "%s %s %s", number__count(n, sizeof(n), f->sites),
		 f->sites == 1 ? one : many, number__pace(pace, sizeof(pace), f->rate_bps));
	text_style__painted(ts, paint, text);
}

static bool is_judged(const struct profile *p)
{
	for (size_t i = 0; i < p->nsites; i++)
		if (p->sites[i].verdict != VERDICT_UNKNOWN)
			return true;
	return !p->nsites;
}

void text_verdicts__summary(struct text_style *ts, const struct profile *p)
{
	char window[32];

	strbuf__adds(&ts->sb, "  verdict  ");
	if (!is_judged(p)) {
		strbuf__adds(&ts->sb, "none yet: too little was seen\n");
		return;
	}
	if (p->leak.sites)
		finding(ts, &p->leak, "leak", "leaks", RED);
	if (p->leak.sites && p->growing.sites)
		strbuf__adds(&ts->sb, ", ");
	if (p->growing.sites)
		finding(ts, &p->growing, "growing", "growing", YELLOW);
	if (!p->leak.sites && !p->growing.sites)
		strbuf__adds(&ts->sb, "no leak");
	number__seconds(window, sizeof(window), p->window_s);
	strbuf__addf(&ts->sb, ", judged over %s\n", window);
}

/* ---- of a call stack ---- */

static const char *leak(char *buf, size_t cap, const struct profile_site *s)
{
	char pace[32], since[32], share[32], life[32], rest[64] = "";

	if (s->longest_life_s > 0)
		snprintf(rest, sizeof(rest), ", others die within %s",
			 number__seconds(life, sizeof(life), s->longest_life_s));
	snprintf(buf, cap, " %s for %s, %s of blocks stay%s",
		 number__pace(pace, sizeof(pace), s->leak_rate_bps),
		 number__seconds(since, sizeof(since), s->leaking_s),
		 number__share(share, sizeof(share), s->survival), rest);
	return buf;
}

static const char *growing(char *buf, size_t cap, const struct profile_site *s)
{
	static const char *const reasons[DOUBTS] = {
		[DOUBT_SLOWS] = "; ever fewer come",
		[DOUBT_OLDER] = "; may replace older blocks",
		[DOUBT_YOUNG] = "; seen too briefly for a leak",
		[DOUBT_FEW] = "; too few for a leak",
	};
	char pace[32], share[32];
	const char *why = reasons[s->doubt] ? reasons[s->doubt] : "";

	snprintf(buf, cap, " %s, %s of blocks stay%s",
		 number__pace(pace, sizeof(pace), s->leak_rate_bps),
		 number__share(share, sizeof(share), s->survival), why);
	return buf;
}

static const char *churn(char *buf, size_t cap, const struct profile_site *s)
{
	char life[32];

	snprintf(buf, cap, ": blocks come and go, none lived longer than %s",
		 number__seconds(life, sizeof(life), s->longest_life_s));
	return buf;
}

static const char *startup(char *buf, size_t cap, const struct profile_site *s)
{
	(void)s;
	snprintf(buf, cap, ": held since the beginning");
	return buf;
}

static const char *plateau(char *buf, size_t cap, const struct profile_site *s)
{
	(void)s;
	snprintf(buf, cap, ": holds no more than it did");
	return buf;
}

void text_verdicts__site(struct text_style *ts, const struct profile_site *s)
{
	static const struct {
		const char *word;
		enum paint paint;
		const char *(*say)(char *buf, size_t cap, const struct profile_site *s);
	} rows[VERDICTS] = {
		[VERDICT_LEAK] = { "LEAK", RED, leak },
		[VERDICT_GROWING] = { "growing", YELLOW, growing },
		[VERDICT_CHURN] = { "churn", GREEN, churn },
		[VERDICT_STARTUP] = { "startup", GREEN, startup },
		[VERDICT_PLATEAU] = { "plateau", GREEN, plateau },
	};
	char buf[160];

	if (!rows[s->verdict].word)
		return;
	text_style__spaces(ts, INDENT);
	text_style__painted(ts, rows[s->verdict].paint, rows[s->verdict].word);
	strbuf__addf(&ts->sb, "%s\n", rows[s->verdict].say(buf, sizeof(buf), s));
}
