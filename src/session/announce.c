/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Prints the line that says what is traced, and how. */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "profile/languages.h"
#include "session/internal.h"
#include "session/traced_files.h"
#include "trace/launch.h"
#include "trace/tracer_ops.h"
#include "util/log.h"
#include "util/plural.h"

static const char *keys_help(const struct session *s)
{
	return s->keys ? "m sets a mark, Ctrl-C ends" : "Ctrl-C ends";
}

static void announce_groups(const struct session *s, const char *functions)
{
	const struct group *g = &s->groups[0];
	char others[96] = "", more[32] = "";
	size_t n = atomic_load(&s->outsiders);

	if (n)
		snprintf(others, sizeof(others),
			 "; %zu process%s outside the target map%s these files and %s slowed", n,
			 n == 1 ? "" : "es", n == 1 ? "s" : "", n == 1 ? "is" : "are");
	if (s->ngroups > 1)
		snprintf(more, sizeof(more), " and %zu more", s->ngroups - 1);
	log__info("%s %s%s, %zu process%s%s (%s probes)%s; a report every %g s, %s",
		  g->present ? "attached to" : "waiting for", g->present ? g->name : g->wanted,
		  more, s->adopted, s->adopted == 1 ? "" : "es", functions,
		  s->trace->method(s->tracer), others, s->plan->interval_s, keys_help(s));
}

/* ", 12 functions in 1 file, 1 of 2 of --probe" */
static void describe_functions(const struct session *s, char *buf, size_t cap)
{
	size_t files = traced_files__probed(s->files);
	size_t functions = traced_files__functions(s->files);
	int n;

	*buf = '\0';
	if (!s->plan->query.heap)
		return;
	n = snprintf(buf, cap, ", %zu function%s in %zu file%s", functions, plural(functions),
		     files, plural(files));
	if (s->plan->probes.n && n > 0 && (size_t)n < cap)
		snprintf(buf + n, cap - (size_t)n, ", %zu of %zu of --probe",
			 probe_report__found(s), s->plan->probes.n);
}

/* "attached to 123 and 4 child processes, …" */
static void announce_processes(const struct session *s, const char *functions)
{
	char targets[32], children[48] = "";

	if (s->ntargets == 1)
		snprintf(targets, sizeof(targets), "%d", s->targets[0].pid);
	else
		snprintf(targets, sizeof(targets), "%zu processes", s->ntargets);
	if (s->adopted)
		snprintf(children, sizeof(children), " and %zu child process%s", s->adopted,
			 s->adopted == 1 ? "" : "es");
	log__info("attached to %s%s%s (%s probes); a report every %g s, %s", targets, children,
		  functions, s->trace->method(s->tracer), s->plan->interval_s, keys_help(s));
}

static bool has_probes(const struct plan *plan, const struct language *l)
{
	for (size_t i = 0; i < plan->probes.n; i++)
		if (!strncmp(plan->probes.specs[i].function, l->api, strlen(l->api)))
			return true;
	return false;
}

/* Says which runtimes have objects that are not seen, once each. */
static void announce_hidden_objects(const struct session *s)
{
	bool said[LANGUAGES_MOST] = { false };

	for (size_t i = 0; s->plan->query.heap && i < s->ntargets; i++) {
		uint32_t pid = (uint32_t)s->targets[i].pid;
		const struct language *l;
		char path[32], exe[PATH_MAX];
		ssize_t n;

		snprintf(path, sizeof(path), "/proc/%" PRIu32 "/exe", pid);
		n = readlink(path, exe, sizeof(exe) - 1);
		if (n <= 0)
			continue;
		exe[n] = '\0';
		l = languages__hiding(exe, pid);
		if (!l || said[languages__row(l)] || has_probes(s->plan, l))
			continue;
		said[languages__row(l)] = true;
		log__info("%s; --runtime %s traces the functions that allocate them", l->unseen,
			  l->name);
	}
}

void session_announce__attached(struct session *s)
{
	const struct plan *plan = s->plan;
	const char *method = s->trace->method(s->tracer);
	char functions[128];

	describe_functions(s, functions, sizeof(functions));
	if (s->launch)
		log__info("tracing %s[%d]%s (%s probes)", plan->command[0], launch__pid(s->launch),
			  functions, method);
	else if (s->ngroups)
		announce_groups(s, functions);
	else
		announce_processes(s, functions);
	announce_hidden_objects(s);
}
