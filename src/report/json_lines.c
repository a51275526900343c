/* SPDX-License-Identifier: GPL-2.0-or-later */
/* JSON Lines: a meta line, then a line for each report. The keys are a contract: they are only
 * ever added. */
#include <string.h>
#include <sys/wait.h>

#include "profile/judged.h"
#include "profile/names.h"
#include "profile/title.h"
#include "report/internal.h"
#include "report/json.h"
#include "report/next_steps.h"
#include "report/verdict_line.h"

#define MODE "exact" /* every call is traced; there is no other mode yet */

static const char *const end_names[STACK_ENDS] = {
	[STACK_COMPLETE] = "complete",	   [STACK_LIMIT] = "limit",
	[STACK_NO_MAPPING] = "no_mapping", [STACK_NO_CFI] = "no_cfi",
	[STACK_UNREADABLE] = "unreadable", [STACK_BAD_SP] = "bad_sp",
	[STACK_NO_TABLE] = "no_table",	   [STACK_UNKNOWN] = "unknown",
};

static const char *end_name(unsigned int end)
{
	return end < STACK_ENDS ? end_names[end] : end_names[STACK_UNKNOWN];
}

int json_lines__begin(const struct profile_run *run, uint64_t wall_ns,
		      const struct report_style *st, FILE *out)
{
	struct json w = { .out = out };

	(void)st;
	json__open(&w, NULL, '{');
	json__string(&w, "type", "meta");
	json__u64(&w, "schema", JSON_SCHEMA);
	json__string(&w, "version", run->version);
	json__time(&w, "time", wall_ns);
	json__string(&w, "host", run->host);
	json__string(&w, "kernel", run->kernel);
	json__string(&w, "mode", MODE);
	json__double(&w, "interval_s", run->interval_s);
	json__open(&w, "targets", '[');
	for (size_t i = 0; i < run->ntargets; i++) {
		json__open(&w, NULL, '{');
		json__u64(&w, "pid", run->targets[i].pid);
		json__string(&w, "comm", run->targets[i].comm);
		json__string(&w, "exe", run->targets[i].exe);
		json__string(&w, "container", run->targets[i].container);
		json__close(&w, '}');
	}
	json__close(&w, ']');
	json__string(&w, "stack_mode", profile_names__stack_mode(run->stack_mode));
	json__string(&w, "sort", profile_names__sort(run->sort));
	json__string(&w, "by", profile_names__by(run->by));
	json__close(&w, '}');
	return json__line(&w);
}

static void write_totals(struct json *w, const struct profile *p)
{
	json__u64(w, "live_bytes", p->live_bytes);
	json__u64(w, "live_blocks", p->live_blocks);
	json__u64(w, "peak_bytes", p->peak_bytes);
	json__i64(w, "growth_bytes", p->growth_bytes);
	json__u64(w, "allocs", p->allocs);
	json__u64(w, "frees", p->frees);
	json__u64(w, "alloc_bytes", p->alloc_bytes);
	json__u64(w, "free_bytes", p->free_bytes);
	json__double(w, "allocs_per_s", p->allocs_per_s);
	json__double(w, "frees_per_s", p->frees_per_s);
	json__u64(w, "unmatched_frees", p->unmatched_frees);
	json__u64(w, "unseen_frees", p->unseen_frees);
	json__u64(w, "inherited_frees", p->inherited_frees);
	json__u64(w, "superseded", p->superseded);
	json__open(w, "children", '{');
	json__u64(w, "missed", p->judged.missed);
	json__u64(w, "late", p->late_children);
	json__close(w, '}');
	json__u64(w, "late", p->late);
	json__u64(w, "outsiders", p->outsiders);
}

static void write_losses(struct json *w, const struct profile *p)
{
	json__open(w, "lost", '{');
	json__u64(w, "events", p->lost_events);
	json__u64(w, "stacks", p->lost_stacks);
	json__u64(w, "table", p->lost_table);
	json__u64(w, "inherited", p->disinherited);
	json__u64(w, "memory_limit", p->limited_blocks);
	json__close(w, '}');
	json__open(w, "stacks_lost", '{');
	json__u64(w, "unknown", p->lost_stacks_by.unknown);
	json__u64(w, "no_buffer", p->lost_stacks_by.no_buffer);
	json__u64(w, "memory_limit", p->lost_stacks_by.limited);
	json__u64(w, "resent", p->lost_stacks_by.resent);
	json__close(w, '}');
	json__u64(w, "memory_limit", p->memory_limit);
	json__u64(w, "folded_stackless", p->folded_stackless);
	json__open(w, "stacks", '{');
	json__u64(w, "complete", p->stacks_complete);
	json__u64(w, "truncated", p->stacks_truncated);
	json__close(w, '}');
	json__open(w, "stack_ends", '{');
	for (unsigned int end = 0; end < STACK_ENDS; end++)
		json__u64(w, end_name(end), p->stack_ends[end]);
	json__close(w, '}');
	json__open(w, "names_unavailable", '{');
	json__u64(w, "places", p->unnamed.places);
	json__u64(w, "files", p->unnamed.files);
	json__u64(w, "failures", p->unnamed.failures);
	json__string(w, "reason", p->unnamed.why);
	json__close(w, '}');
	json__u64(w, "stack_guessed", p->stack_guessed);
	json__u64(w, "stack_collisions", p->stack_collisions);
}

/* What it does, or how it ended, as far as that is known. */
static void write_state(struct json *w, const struct profile_process *pr)
{
	bool known = pr->exited && pr->status >= 0;
	char signal[32];

	json__string(w, "state", pr->exited ? "ended" : pr->stopped ? "stopped" : "running");
	json__string(w, "ended_by",
		     verdict_line__is_killed(pr) ? verdict_line__signal(signal, sizeof(signal), pr)
		     : known			 ? "exit"
						 : NULL);
	if (known && WIFEXITED(pr->status))
		json__u64(w, "exit_status", (uint64_t)WEXITSTATUS(pr->status));
	else
		json__string(w, "exit_status", NULL);
}

/* Whether it is a verdict, and on how much. */
void json_lines__judged(struct json *w, const struct profile *p)
{
	struct strbuf why = { 0 };

	verdict_line__reasons(&why, p, "; ");
	json__bool(w, "judged", !p->judged.reasons);
	json__string(w, "not_judged", why.data);
	strbuf__free(&why);
	json__open(w, "unjudged", '{');
	json__u64(w, "sites", p->judged.open_sites);
	json__u64(w, "live_bytes", p->judged.open_bytes);
	json__u64(w, "live_blocks", p->judged.open_blocks);
	json__u64(w, "processes", p->judged.missed);
	json__u64(w, "unseen_bytes", judged__unseen_bytes(p));
	json__close(w, '}');
}

static void write_next(struct json *w, const struct profile *p)
{
	struct next_step steps[NEXT_STEPS_MOST] = { 0 };
	size_t n = next_steps__list(p, steps);
	int err;

	json__open(w, "next", '[');
	for (size_t i = 0; i < n; i++) {
		json__open(w, NULL, '{');
		json__string(w, "step", steps[i].text.data);
		json__string(w, "command", steps[i].command.len ? steps[i].command.data : NULL);
		json__close(w, '}');
	}
	json__close(w, ']');
	err = next_steps__free(steps);
	if (err)
		w->error = err;
}

static void write_process(struct json *w, const struct profile_process *pr)
{
	json__open(w, NULL, '{');
	json__u64(w, "pid", pr->pid);
	json__string(w, "comm", pr->comm);
	json__string(w, "exe", pr->exe);
	json__string(w, "container", pr->container);
	json__string(w, "unprobed", pr->unprobed);
	json__u64(w, "processes", pr->processes > 1 ? pr->processes : 1);
	json__bool(w, "exited", pr->exited);
	write_state(w, pr);
	json__bool(w, "named", pr->named);
	json__u64(w, "live_bytes", pr->live_bytes);
	json__u64(w, "live_blocks", pr->live_blocks);
	json__u64(w, "allocs", pr->allocs);
	json__u64(w, "frees", pr->frees);
	json__u64(w, "alloc_bytes", pr->alloc_bytes);
	json__u64(w, "free_bytes", pr->free_bytes);
	json__u64(w, "unmatched_frees", pr->unmatched_frees);
	json__u64(w, "unseen_frees", pr->unseen_frees);
	json__u64(w, "inherited_frees", pr->inherited_frees);
	json__u64(w, "allocator_bytes", pr->allocator_bytes);
	json__u64(w, "mapped_bytes", pr->mapped_bytes);
	json__u64(w, "rss_bytes", pr->rss_bytes);
	json__u64(w, "anonymous_growth_bytes", pr->anonymous_growth);
	json__u64(w, "unseen_bytes", pr->unseen_bytes);
	json__close(w, '}');
}

void json_lines__frame(struct json *w, const struct profile *p, const struct profile_frame *f)
{
	const char *build_id = f->mapping < p->nmappings ? p->mappings[f->mapping].build_id : "";

	json__open(w, NULL, '{');
	json__string(w, "func", f->func);
	json__string(w, "module", f->module);
	json__address(w, "offset", f->offset);
	json__string(w, "file", f->file);
	json__u64(w, "line", f->line);
	json__bool(w, "inlined", f->inlined);
	json__address(w, "address", f->address);
	json__string(w, "build_id", *build_id ? build_id : NULL);
	json__close(w, '}');
}

/* The site's title, and for a finding a rule that suppresses it. */
static void write_names(struct json *w, const struct profile_site *s)
{
	const struct profile_frame *f = title__frame(s->stack, s->nstack);
	bool finding = profile__is_finding(s);
	struct strbuf sb = { 0 };

	if (f)
		title__add(&sb, f);
	json__string(w, "title", sb.data);
	strbuf__free(&sb);
	if (f && finding)
		title__suppression(&sb, f);
	json__string(w, "suppression", sb.data);
	strbuf__free(&sb);
}

static void write_suppressed(struct json *w, const struct profile *p)
{
	json__open(w, "suppressed", '[');
	for (size_t i = 0; i < p->nsuppressed; i++) {
		const struct profile_suppressed *s = &p->suppressed[i];

		json__open(w, NULL, '{');
		json__string(w, "pattern", s->pattern);
		json__string(w, "source", s->source);
		json__string(w, "reason", s->reason);
		json__u64(w, "sites", s->sites);
		json__u64(w, "live_bytes", s->live_bytes);
		json__u64(w, "live_blocks", s->live_blocks);
		json__close(w, '}');
	}
	json__close(w, ']');
}

static void write_findings(struct json *w, const char *verdict, const struct profile_findings *f)
{
	json__open(w, verdict, '{');
	json__u64(w, "sites", f->sites);
	json__u64(w, "live_bytes", f->live_bytes);
	json__double(w, "rate_bps", f->rate_bps);
	json__u64(w, "groups", f->groups);
	json__close(w, '}');
}

static void write_site(struct json *w, const struct profile *p, const struct profile_site *s)
{
	json__open(w, NULL, '{');
	json__u64(w, "rank", s->rank);
	json__string(w, "id", s->id);
	json__u64(w, "pid", s->pid);
	json__string(w, "comm", s->comm);
	json__u64(w, "processes", s->processes);
	json__bool(w, "exited", s->exited);
	json__string(w, "container", s->container);
	json__string(w, "kind", profile_names__kind(s->kind));
	json__string(w, "api", s->api);
	json__string(w, "mapping", profile_names__mapping(s->mapping));
	json__string(w, "mapped_file", s->mapped_file);
	json__u64(w, "live_bytes", s->live_bytes);
	json__u64(w, "live_blocks", s->live_blocks);
	json__u64(w, "allocs", s->allocs);
	json__u64(w, "frees", s->frees);
	json__u64(w, "alloc_bytes", s->alloc_bytes);
	json__i64(w, "growth_bytes", s->growth_bytes);
	json__double(w, "allocs_per_s", s->allocs_per_s);
	json__double(w, "oldest_s", s->oldest_s);
	json__double(w, "newest_s", s->newest_s);
	json__double(w, "leak_rate_bps", s->leak_rate_bps);
	json__double(w, "survival", s->survival);
	json__string(w, "verdict", profile_names__verdict(s->verdict));
	json__double(w, "window_s", s->window_s);
	json__double(w, "longest_life_s", s->longest_life_s);
	json__double(w, "leaking_s", s->leaking_s);
	json__string(w, "doubt", profile_names__doubt(s->doubt));
	json__i64(w, "since_mark_bytes", s->since_mark_bytes);
	json__i64(w, "since_mark_blocks", s->since_mark_blocks);
	write_names(w, s);
	json__string(w, "group",
		     s->group && s->group <= p->ngroups ? p->groups[s->group - 1].id : NULL);
	json__bool(w, "complete", s->complete);
	json__string(w, "stack_end", end_name(s->end));
	json__open(w, "stack", '[');
	for (size_t i = 0; i < s->nstack; i++)
		json_lines__frame(w, p, &s->stack[i]);
	json__close(w, ']');
	json__close(w, '}');
}

int json_lines__report(const struct profile *p, const struct report_style *st, FILE *out)
{
	struct json w = { .out = out };

	(void)st;
	json__open(&w, NULL, '{');
	json__string(&w, "type", "report");
	json__u64(&w, "seq", p->seq);
	json__bool(&w, "final", p->final);
	json__time(&w, "time", p->wall_ns);
	json__double(&w, "elapsed_s", p->elapsed_s);
	json__double(&w, "interval_s", p->interval_s);
	json__double(&w, "window_s", p->window_s);
	write_totals(&w, p);
	write_losses(&w, p);
	json__string(&w, "notice", p->notice);
	json_lines__judged(&w, p);
	write_next(&w, p);
	json__open(&w, "processes", '[');
	for (size_t i = 0; i < p->nprocesses; i++)
		write_process(&w, &p->processes[i]);
	json__close(&w, ']');
	json__u64(&w, "total_sites", p->total_sites);
	json__u64(&w, "rest_bytes", p->rest_bytes);
	json__u64(&w, "rest_blocks", p->rest_blocks);
	if (p->marked)
		json__double(&w, "mark_s", p->mark_s);
	else
		json__string(&w, "mark_s", NULL);
	json__i64(&w, "since_mark_bytes", p->since_mark_bytes);
	json__i64(&w, "since_mark_blocks", p->since_mark_blocks);
	json__open(&w, "findings", '{');
	write_findings(&w, "leak", &p->leak);
	write_findings(&w, "growing", &p->growing);
	json__close(&w, '}');
	json__u64(&w, "suppressed_live_bytes", p->suppressed_live_bytes);
	json__u64(&w, "suppressed_live_blocks", p->suppressed_live_blocks);
	write_suppressed(&w, p);
	json__open(&w, "sites", '[');
	for (size_t i = 0; i < p->nsites; i++)
		write_site(&w, p, &p->sites[i]);
	json__close(&w, ']');
	json__close(&w, '}');
	return json__line(&w);
}
