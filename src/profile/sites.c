/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sites of a profile: chooses the rows of a snapshot that are shown, and names their frames.
 * Rows come in the order of their rank. A row that is suppressed leaves its place to the next one.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "profile/groups.h"
#include "profile/internal.h"
#include "profile/run_time_code.h"
#include "profile/suppression_filter.h"
#include "profile/wrappers.h"
#include "symbols/module.h"
#include "util/array.h"

static void hex_build_id(struct modules *modules, uint32_t module, char out[2 * BUILD_ID_MAX + 1])
{
	struct module *mod = modules ? modules__get(modules, module) : NULL;
	uint8_t id[BUILD_ID_MAX];
	size_t len = mod ? module__build_id(mod, id) : 0;

	for (size_t i = 0; i < len && i < BUILD_ID_MAX; i++)
		snprintf(out + 2 * i, 3, "%02x", id[i]);
}

/* Whether a file could be read for names, and is one that may have debug symbols. */
static bool has_read_names(struct modules *modules, uint32_t module)
{
	struct module *mod = modules ? modules__get(modules, module) : NULL;

	return mod && module__is_elf(mod) && module__names_read(mod);
}

/* The index of a module among the profile's mappings, or a negative errno. */
static int64_t mapping_index(struct profile_builder *b, const struct named_frame *nf)
{
	struct profile_mapping *m;
	uintptr_t known;
	size_t n = b->profile.nmappings;

	if (nf->module_id == FRAME_NO_MODULE)
		return UINT32_MAX;
	if (hashmap__get(b->mapping_of, nf->module_id, &known)) {
		/* Its names may have been lost only now. */
		b->mappings[known].names_read = has_read_names(b->in->modules, nf->module_id);
		return (int64_t)known;
	}
	if (array__grow(&b->mappings, &b->mappings_cap, n + 1, sizeof(*m)))
		return -ENOMEM;
	b->profile.mappings = b->mappings;
	m = &b->mappings[n];
	*m = (struct profile_mapping){
		.path = strtab__copy(b->strings, nf->module ? nf->module : ""),
	};
	hex_build_id(b->in->modules, nf->module_id, m->build_id);
	m->names_read = has_read_names(b->in->modules, nf->module_id);
	if (hashmap__set(b->mapping_of, nf->module_id, n))
		return -ENOMEM;
	b->profile.nmappings++;
	return (int64_t)n;
}

/*
 * The stack of a mapping begins inside the C library's wrapper of the system call. A report begins
 * with the caller of that, as it does for malloc. Returns the number of frames to leave out.
 */
static size_t wrapper_frames(const struct named_frame *named, size_t n)
{
	static const char *const wrappers[] = {
		"mmap",	    "mmap64", "__mmap",	 "__mmap64",	 "mremap",
		"__mremap", "brk",    "__brk",	 "__brk_call",	 "sbrk",
		"__sbrk",   "shmat",  "__shmat", "__libc_shmat", "syscall",
	};
	size_t i, k = 0;

	for (i = 0; i + 1 < n; i++) {
		for (k = 0; k < ARRAY_SIZE(wrappers); k++)
			if (named[i].func && !strcmp(named[i].func, wrappers[k]))
				break;
		if (k == ARRAY_SIZE(wrappers))
			break;
	}
	return i;
}

/* Names the frames of a site's stack. Returns the first; NULL if nothing is known of them. */
static const struct named_frame *name_stack(struct profile_builder *b, const struct stack *st,
					    bool map, size_t *n)
{
	size_t skipped;

	*n = st ? symbolizer__stack(b->in->symbolizer, st, b->named, NAMED_MAX) : 0;
	if (!*n)
		return NULL;
	skipped = map ? wrapper_frames(b->named, *n) : 0;
	*n -= skipped;
	return b->named + skipped;
}

static struct profile_frame frame_of(const struct profile_builder *b, const struct named_frame *nf)
{
	return (struct profile_frame){
		.func = nf->func,
		.module = nf->module,
		.file = nf->file,
		.line = nf->line,
		.inlined = nf->inlined,
		.library = wrappers__has(b->in->wrappers, nf->func, nf->module),
		.offset = nf->offset,
		.address = nf->address,
		.mapping = UINT32_MAX,
	};
}

static int add_stack(struct profile_builder *b, struct profile_site *site,
		     const struct named_frame *named, size_t n)
{
	struct profile_frame *frames;

	if (!named)
		return 0;
	frames = calloc(n, sizeof(*frames));
	if (!frames)
		return -ENOMEM;
	b->stacks[site - b->sites] = frames;
	site->stack = frames;
	site->nstack = n;
	for (size_t i = 0; i < n; i++) {
		const struct named_frame *nf = &named[i];
		int64_t mapping = mapping_index(b, nf);

		if (mapping < 0)
			return (int)mapping;
		frames[i] = frame_of(b, nf);
		frames[i].func = strtab__copy(b->strings, nf->func);
		frames[i].module = strtab__copy(b->strings, nf->module);
		frames[i].file = strtab__copy(b->strings, nf->file);
		frames[i].mapping = (uint32_t)mapping;
	}
	return 0;
}

static enum mapped_kind mapped_kind(uint16_t flags)
{
	static const struct {
		uint16_t flag;
		enum mapped_kind kind;
	} kinds[] = {
		{ EVENT_F_SHM, MAPPED_SHARED },
		{ EVENT_F_FILE, MAPPED_FILE },
		{ EVENT_F_STACK, MAPPED_STACK },
		{ EVENT_F_SHARED, MAPPED_SHARED },
	};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (flags & kinds[i].flag)
			return kinds[i].kind;
	}
	return MAPPED_ANONYMOUS;
}

static const char *api_name(const struct profile_input *in, uint8_t row)
{
	const char *name = in->api_names ? in->api_names[row] : alloc_functions__get(row)->name;

	return name ? name : alloc_functions__get(API_NONE)->name;
}

static void fill_site(const struct profile_builder *b, struct profile_site *site,
		      const struct site_row *row)
{
	bool known = row->process < b->profile.nprocesses, map = row->kind == API_MAP;
	const char *container = known ? b->processes[row->process].container : NULL;

	*site = (struct profile_site){
		.pid = row->pid,
		.comm = known ? b->processes[row->process].comm : "",
		.processes = row->processes,
		.exited = known && b->processes[row->process].exited,
		.container = container,
		.kind = (enum api_kind)row->kind,
		.api = api_name(b->in, row->api),
		.mapping = map ? mapped_kind(row->map_flags) : MAPPED_NONE,
		.live_bytes = row->live_bytes,
		.live_blocks = row->live_blocks,
		.allocs = row->allocs,
		.frees = row->frees,
		.alloc_bytes = row->alloc_bytes,
		.growth_bytes = row->growth_bytes,
		.since_mark_bytes = row->since_mark_bytes,
		.since_mark_blocks = row->since_mark_blocks,
		.oldest_s = (double)row->oldest / 1e9,
		.newest_s = (double)row->newest / 1e9,
		.leak_rate_bps = row->judged.rate,
		.survival = row->judged.survival,
		.verdict = row->judged.verdict,
		.doubt = row->judged.doubt,
		.window_s = (double)row->judged.window / 1e9,
		.longest_life_s = (double)row->judged.longest / 1e9,
		.leaking_s = (double)row->judged.leaking / 1e9,
	};
	if (b->profile.interval_s > 0)
		site->allocs_per_s = (double)row->allocs_since / b->profile.interval_s;
}

/* ---- which sites: the first that pass the filter ---- */

static struct profile_findings *findings_of(struct profile *p, const struct profile_site *site)
{
	return site->verdict == VERDICT_LEAK	  ? &p->leak
	       : site->verdict == VERDICT_GROWING ? &p->growing
						  : NULL;
}

/* Whether live_bytes counts a site: mappings only if nothing else is reported. */
static bool in_totals(const struct site_row *row, const struct snapshot *snap)
{
	return row->kind == API_HEAP || !snap->heap;
}

/* Growth that may be a leak, or not: it was seen too briefly, or is too little. */
static bool is_open(const struct judgement *j)
{
	return j->verdict == VERDICT_UNKNOWN ||
	       (j->verdict == VERDICT_GROWING &&
		(j->doubt == DOUBT_YOUNG || j->doubt == DOUBT_FEW));
}

static void count_judged(struct profile_builder *b, const struct site_row *row)
{
	struct profile_judged *j = &b->profile.judged;

	if (!row->live_blocks || !in_totals(row, b->in->snapshot) ||
	    (b->any_living && b->processes[row->process].exited))
		return;
	if (!is_open(&row->judged)) {
		j->sites++;
		j->bytes += row->live_bytes;
		return;
	}
	j->open_sites++;
	j->open_bytes += row->live_bytes;
	j->open_blocks += row->live_blocks;
}

static void count_suppressed(struct profile_builder *b, int rule, const struct site_row *row)
{
	struct profile_suppressed *s = &b->suppressed[rule];
	struct profile *p = &b->profile;

	if (!row->live_blocks)
		return;
	s->sites++;
	s->live_bytes += row->live_bytes;
	s->live_blocks += row->live_blocks;
	p->suppressed_sites++;
	if (!in_totals(row, b->in->snapshot))
		return;
	p->suppressed_live_bytes += row->live_bytes;
	p->suppressed_live_blocks += row->live_blocks;
	p->suppressed_since_mark += row->since_mark_bytes;
}

/* Whether a row is below the top. */
static bool is_below(const struct profile_builder *b, const struct site_row *row)
{
	const struct profile_run *run = b->in->run;

	if (!b->in->top)
		return false;
	/* A row that holds nothing is shown only if the sort key is about something else. */
	return b->places >= b->in->top || (!row->live_blocks && !row->allocs_since &&
					   !(run->since_mark && row->since_mark_bytes));
}

/* A row on its way into the report. */
struct candidate {
	const struct site_row *row;
	struct profile_site site;
	struct profile_findings *findings; /* the sum that it belongs to; NULL: none */
	bool below;			   /* the top */
	bool guest;			   /* of a row that is shown: it takes no place itself */
	const struct stack *stack;	   /* NULL: not known */
	const struct named_frame *named;   /* NULL: not named yet */
	size_t n;
};

static void name_candidate(struct profile_builder *b, struct candidate *c)
{
	if (!c->named)
		c->named = name_stack(b, c->stack, c->row->kind == API_MAP, &c->n);
}

static void identify_candidate(struct profile_builder *b, struct candidate *c)
{
	if (!*c->site.id)
		snprintf(c->site.id, sizeof(c->site.id), "%016" PRIx64,
			 c->stack ? symbolizer__stable_id(b->in->symbolizer, c->stack) : 0);
}

/* The rule that suppresses a site, or a negative number. Rows below the top are only named if more
 * than their bytes is wanted. */
static int matching_rule(struct profile_builder *b, struct candidate *c)
{
	struct suppression_filter *filter = b->in->filter;
	int rule = filter ? suppression_filter__known(filter, c->row->stack) : SUPPRESSION_NONE;

	if (rule == SUPPRESSION_NEW && (!c->below || c->findings || b->in->thorough)) {
		name_candidate(b, c);
		if (c->named)
			rule = suppression_filter__look(filter, c->row->stack, c->named, c->n);
	}
	/* Built-in rules are for memory that is allocated once: they do not hide a leak. */
	if (rule >= 0 && c->findings && suppression_filter__is_builtin(filter, (size_t)rule))
		rule = SUPPRESSION_NONE;
	return rule;
}

/* Whether the group's parts that are shown leave room for one more, in the place of the first. */
static bool has_part_room(const struct profile_builder *b, uint32_t group)
{
	size_t shown = 0;

	for (size_t i = 0; i < b->profile.nsites; i++)
		shown += b->sites[i].group == group;
	return shown && shown < GROUP_SHOWN;
}

static int count_finding(struct profile_builder *b, struct candidate *c)
{
	const struct profile_input *in = b->in;

	c->findings->sites++;
	c->findings->live_bytes += c->site.live_bytes;
	c->findings->rate_bps += c->site.leak_rate_bps;
	identify_candidate(b, c);
	name_candidate(b, c);
	for (size_t i = 0; i < c->n; i++)
		b->frames[i] = frame_of(b, &c->named[i]);
	c->site.group = groups__add(b->groups, &c->site, b->frames, c->n, in->run->by, in->apart);
	if (!c->site.group)
		return -ENOMEM;
	c->guest = in->together && in->top && has_part_room(b, c->site.group);
	c->below &= !c->guest;
	return 0;
}

static int show_candidate(struct profile_builder *b, struct candidate *c)
{
	const struct profile_input *in = b->in;
	const struct site_row *row = c->row;
	struct profile_site *site = &b->sites[b->profile.nsites++];

	b->places += !c->guest;
	identify_candidate(b, c);
	*site = c->site;
	site->rank = (uint32_t)b->profile.nsites;
	/* One file's name for several mappings would be a guess. */
	if (row->kind == API_MAP && (row->map_flags & EVENT_F_FILE) && row->live_blocks == 1 &&
	    in->mapped_file)
		site->mapped_file =
		    strtab__copy(b->strings, in->mapped_file(in->ctx, row->pid, row->map_addr));
	site->end = c->stack ? c->stack->end : STACK_UNKNOWN;
	site->complete = c->stack && c->stack->end == STACK_COMPLETE;
	name_candidate(b, c);
	run_time_code__note(b, row, c->stack, c->named, c->n);
	return add_stack(b, site, c->named, c->n);
}

static int add_row(struct profile_builder *b, const struct site_row *row)
{
	const struct profile_input *in = b->in;
	struct profile *p = &b->profile;
	struct candidate c = { .row = row };
	int rule, err = 0;

	fill_site(b, &c.site, row);
	c.findings = findings_of(p, &c.site);
	c.below = is_below(b, row);
	c.stack = row->stack && in->stack ? in->stack(in->ctx, row->stack) : NULL;
	rule = matching_rule(b, &c);
	if (rule >= 0) {
		count_suppressed(b, rule, row);
		return 0;
	}
	count_judged(b, row);
	if (c.findings)
		err = count_finding(b, &c);
	if (err)
		return err;
	c.site.small =
	    !c.findings && !b->in->none_small && row->live_bytes < b->held[row->kind] / 100;
	if (!c.below)
		return show_candidate(b, &c);
	p->rest_bytes += row->live_bytes;
	p->rest_blocks += row->live_blocks;
	if (c.site.small && row->live_blocks) {
		p->small_sites++;
		p->small_bytes += row->live_bytes;
		p->small_blocks += row->live_blocks;
	}
	return 0;
}

/* Keeps the rows of rules that suppressed something, and names them. */
static void name_rules(struct profile_builder *b)
{
	struct profile *p = &b->profile;

	for (size_t i = 0; b->in->filter && i < suppression_filter__count(b->in->filter); i++) {
		const struct suppress_rule *rule = suppression_filter__rule(b->in->filter, i);
		struct profile_suppressed row = b->suppressed[i];

		if (!row.sites)
			continue;
		row.pattern = strtab__copy(b->strings, rule->pattern);
		row.source = strtab__copy(b->strings, rule->source);
		row.reason = strtab__copy(b->strings, rule->reason);
		b->suppressed[p->nsuppressed++] = row;
	}
	p->suppressed = b->suppressed;
}

/* Mappings are compared with all mappings, which live_bytes may not include. */
static void sum_held(struct profile_builder *b)
{
	const struct snapshot *snap = b->in->snapshot;

	for (size_t i = 0; i < b->profile.nprocesses; i++)
		b->held[API_MAP] += b->processes[i].mapped_bytes;
	b->held[snap->heap ? API_HEAP : API_MAP] = b->profile.live_bytes;
}

/* The rows that will be named, as far as that is known: their names are asked for at once. */
static void expect_names(struct profile_builder *b)
{
	const struct profile_input *in = b->in;
	size_t n = in->snapshot->nsites;

	if (in->top && in->top < n && !(in->thorough && in->filter))
		n = in->top;
	for (size_t i = 0; i < n && in->stack; i++) {
		const struct site_row *row = &in->snapshot->sites[i];
		const struct stack *st = row->stack ? in->stack(in->ctx, row->stack) : NULL;

		if (st)
			symbolizer__expect(in->symbolizer, st);
	}
}

int profile_sites__add(struct profile_builder *b)
{
	const struct snapshot *snap = b->in->snapshot;
	size_t top =
	    !b->in->together && b->in->top && b->in->top < snap->nsites ? b->in->top : snap->nsites;
	size_t rules = b->in->filter ? suppression_filter__count(b->in->filter) : 0;
	int err = 0;

	b->sites = calloc(top + 1, sizeof(*b->sites));
	b->stacks = calloc(top + 1, sizeof(*b->stacks));
	b->suppressed = calloc(rules + 1, sizeof(*b->suppressed));
	if (!b->sites || !b->stacks || !b->suppressed)
		return -ENOMEM;
	b->profile.sites = b->sites;
	sum_held(b);
	expect_names(b);
	for (size_t i = 0; i < snap->nsites && !err; i++)
		err = add_row(b, &snap->sites[i]);
	name_rules(b);
	groups__finish(b->groups, &b->profile);
	return err;
}
