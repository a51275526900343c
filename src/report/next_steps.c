/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/next_steps.h"

#include <inttypes.h>
#include <string.h>

#include "profile/title.h"
#include "util/array.h"

/* The first site that is a finding: the report is about it. NULL: there is none. */
static const struct profile_site *first_finding(const struct profile *p, enum verdict verdict)
{
	for (size_t i = 0; i < p->nsites; i++) {
		if (p->sites[i].verdict == verdict)
			return &p->sites[i];
	}
	return NULL;
}

static const struct profile_site *leak_of(const struct profile *p)
{
	return first_finding(p, VERDICT_LEAK);
}

/* A process that can be traced again: of a leak, or the only one. NULL: none. */
static const struct profile_process *running(const struct profile *p)
{
	const struct profile_site *leak = leak_of(p);

	if (p->replayed)
		return NULL;
	for (size_t i = 0; i < p->nprocesses; i++) {
		const struct profile_process *pr = &p->processes[i];

		if (!pr->exited && (leak ? pr->pid == leak->pid : p->nprocesses == 1))
			return pr;
	}
	return NULL;
}

/* ---- the situations ---- */

static bool add_stopped(struct strbuf *sb, const struct profile *p)
{
	if (!(p->judged.reasons & UNJUDGED_STOPPED) || p->replayed)
		return false;
	for (size_t i = 0; i < p->nprocesses; i++) {
		if (!p->processes[i].stopped)
			continue;
		strbuf__addf(sb, "let the program run on: kill -CONT %" PRIu32,
			     p->processes[i].pid);
		return true;
	}
	return false;
}

static bool add_arenas(struct strbuf *sb, const struct profile *p)
{
	for (size_t i = 0; i < p->nprocesses; i++) {
		const struct profile_process *pr = &p->processes[i];

		if (!pr->python_arenas || (p->nprocesses > 1 && !pr->allocs))
			continue;
		if (p->nprocesses > 1)
			strbuf__addf(sb, "process %" PRIu32 ": ", pr->pid);
		strbuf__adds(sb, "python keeps small objects in arenas, where they are not seen: "
				 "start it with PYTHONMALLOC=malloc");
		return true;
	}
	return false;
}

/* Where memory is not seen, and nothing says why. */
static bool add_probe(struct strbuf *sb, const struct profile *p)
{
	if (!(p->judged.reasons & (UNJUDGED_NOTHING | UNJUDGED_UNSEEN)) || p->replayed)
		return false;
	for (size_t i = 0; i < p->nprocesses; i++) {
		if (p->processes[i].python_arenas || p->processes[i].stopped)
			return false;
	}
	strbuf__adds(sb, "if the program has an allocator of its own, name its functions with "
			 "--probe: see memtrace(8)");
	return true;
}

/* The leak's own function has no source line, but a file that could have one. Those of an
 * interpreter would not help. Where names could not be read, nothing says that they are missing. */
static bool add_nameless(struct strbuf *sb, const struct profile *p)
{
	const struct profile_site *s = leak_of(p);
	const struct profile_frame *f = s ? title__frame(s->stack, s->nstack) : NULL;

	if (p->unnamed.places || !f || f->library || (f->file && *f->file) || !f->module ||
	    *f->module != '/')
		return false;
	strbuf__adds(sb, "for source lines, the debug symbols of ");
	strbuf__adds(sb, f->module);
	strbuf__adds(sb, " are missing: build it with -g, install the -dbgsym of its package, or "
			 "use --debuginfod");
	return true;
}

static bool add_closer(struct strbuf *sb, const struct profile *p)
{
	const struct profile_process *pr = running(p);

	if (p->nprocesses < 2 || !leak_of(p) || !pr)
		return false;
	strbuf__addf(sb, "look at the leak alone: memtrace -p %" PRIu32 " --full-stacks", pr->pid);
	return true;
}

static bool add_compare(struct strbuf *sb, const struct profile *p)
{
	const struct profile_process *pr = running(p);

	if (!leak_of(p) || !pr)
		return false;
	strbuf__addf(sb,
		     "compare with a run after a fix: memtrace record -p %" PRIu32
		     " -d 60 -o a.mt; memtrace diff a.mt b.mt",
		     pr->pid);
	return true;
}

/* More time would tell. */
static bool add_longer(struct strbuf *sb, const struct profile *p)
{
	const struct profile_process *pr = running(p);
	double least = p->elapsed_s < 15 ? 60 : 4 * p->elapsed_s;

	if (leak_of(p) || !pr || pr->stopped)
		return false;
	if (!p->growing.groups && !(p->judged.reasons & (UNJUDGED_SHORT | UNJUDGED_FEW)))
		return false;
	strbuf__addf(sb, "%s: memtrace -p %" PRIu32 " -d %.0f",
		     p->growing.groups ? "see whether what grows is a leak, by observing it longer"
				       : "for a verdict, observe it longer",
		     pr->pid, least < 86400 ? least : 86400);
	return true;
}

/* A command that left something: each line has its place, but not how it came there. */
static bool add_stacks(struct strbuf *sb, const struct profile *p)
{
	if (!(p->judged.reasons & UNJUDGED_ENDED) || !p->nsites || !p->sites[0].live_blocks)
		return false;
	strbuf__adds(sb, "see how each of these was allocated: --full-stacks");
	return true;
}

size_t next_steps__list(const struct profile *p, struct strbuf out[NEXT_STEPS_MOST])
{
	/* The first that apply; what makes the result wrong comes before what makes it better. */
	static bool (*const rows[])(struct strbuf * sb, const struct profile *p) = {
		add_stopped, add_arenas,  add_probe,  add_nameless,
		add_closer,  add_compare, add_longer, add_stacks,
	};
	size_t n = 0;

	for (size_t i = 0; p->final && i < ARRAY_SIZE(rows) && n < NEXT_STEPS_MOST; i++)
		n += rows[i](&out[n], p);
	return n;
}
