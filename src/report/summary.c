/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/summary.h"

#include "report/number.h"
#include "util/format.h"

bool summary__has_failed(const struct criteria *c, const struct profile *p)
{
	for (size_t i = 0; i < c->checks->n; i++) {
		if (conditions__is_met(&c->checks->items[i], p))
			return true;
	}
	return !c->checks->n && c->any_leak && p->leak.sites;
}

static void add_findings(struct strbuf *sb, const struct profile *p)
{
	char n[64], size[32], rate[32];
	double bps = p->leak.rate_bps;
	uint64_t whole = bps < 1e18 ? (uint64_t)(bps + 0.5) : UINT64_MAX;

	if (!p->leak.sites) {
		strbuf__adds(sb, "no leak found");
	} else {
		strbuf__addf(sb, "%s (%s", number__noun(n, sizeof(n), p->leak.sites, "leak"),
			     format__size(size, sizeof(size), p->leak.live_bytes));
		if (bps > 0)
			strbuf__addf(sb, ", %s/s", format__size(rate, sizeof(rate), whole));
		strbuf__addc(sb, ')');
	}
	if (p->growing.sites)
		strbuf__addf(sb, ", %s growing (%s)", number__count(n, sizeof(n), p->growing.sites),
			     format__size(size, sizeof(size), p->growing.live_bytes));
}

static void add_outcome(struct strbuf *sb, const struct profile *p, const struct criteria *c)
{
	const struct conditions *checks = c->checks;
	const char *separator = "; FAILED: ";

	if (!checks->n && c->any_leak)
		strbuf__adds(sb, p->leak.sites ? "; FAILED" : "; passed");
	for (size_t i = 0; i < checks->n; i++) {
		if (!conditions__is_met(&checks->items[i], p))
			continue;
		strbuf__addf(sb, "%s%s", separator, checks->items[i].text);
		separator = ", ";
	}
	if (checks->n && !summary__has_failed(c, p))
		strbuf__adds(sb, "; passed");
}

void summary__add(struct strbuf *sb, const struct profile *p, const struct criteria *c)
{
	uint64_t shown = p->total_sites - p->suppressed_sites;
	char n[64];

	add_findings(sb, p);
	strbuf__addf(sb, " in %s", number__noun(n, sizeof(n), shown, "call stack"));
	if (p->suppressed_sites)
		strbuf__addf(sb, ", %s suppressed",
			     number__count(n, sizeof(n), p->suppressed_sites));
	if (profile__lost(p))
		strbuf__adds(sb, ", some data was lost");
	add_outcome(sb, p, c);
}
