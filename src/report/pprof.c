/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pprof's profile.proto, gzipped. https://github.com/google/pprof/blob/main/proto/profile.proto
 *
 * Processes map the same file at different addresses, and so do different runs. To make the same
 * code one location everywhere, each file gets its own range of addresses here, and a location's
 * address is the start of that range plus the offset in the file. Mapping and address then lead
 * pprof to the right place in the file, and profiles can be compared.
 *
 * Frames hold return addresses; a location's address is one less, inside the call, as pprof
 * expects.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "profile/names.h"
#include "report/internal.h"
#include "report/label.h"
#include "report/proto.h"
#include "util/array.h"
#include "util/escape.h"
#include "util/strtab.h"

#define RANGE_BYTES ((uint64_t)1 << 40) /* the range of addresses of a file */
#define PAGE 4096

/* Field numbers of the messages. */
enum {
	PROFILE_SAMPLE_TYPE = 1,
	PROFILE_SAMPLE,
	PROFILE_MAPPING,
	PROFILE_LOCATION,
	PROFILE_FUNCTION,
	PROFILE_STRINGS,
	PROFILE_TIME = 9,
	PROFILE_DURATION,
	PROFILE_PERIOD_TYPE,
	PROFILE_PERIOD,
	PROFILE_COMMENT,
	PROFILE_DEFAULT_TYPE
};
enum { TYPE_NAME = 1, TYPE_UNIT };
enum { SAMPLE_LOCATIONS = 1, SAMPLE_VALUES, SAMPLE_LABEL };
enum { LABEL_KEY = 1, LABEL_STRING, LABEL_NUMBER };
enum {
	MAPPING_ID = 1,
	MAPPING_START,
	MAPPING_LIMIT,
	MAPPING_OFFSET,
	MAPPING_FILE,
	MAPPING_BUILD_ID,
	MAPPING_FUNCTIONS,
	MAPPING_FILES,
	MAPPING_LINES,
	MAPPING_INLINED
};
enum { LOCATION_ID = 1, LOCATION_MAPPING, LOCATION_ADDRESS, LOCATION_LINE };
enum { LINE_FUNCTION = 1, LINE_NUMBER };
enum { FUNCTION_ID = 1, FUNCTION_NAME, FUNCTION_SYSTEM_NAME, FUNCTION_FILE };

/* What is known of the frames in a file. */
struct range {
	uint64_t end; /* behind the highest offset seen */
	bool files, lines, inlined;
};

struct writer {
	const struct profile *p;
	struct strtab *strings;
	struct strtab *locations, *functions; /* the number of a key is the ID; 0 is never used */
	struct range *ranges;		      /* one for each mapping of the profile */
	struct strbuf body;		      /* of the Profile message */
	struct strbuf scratch;
	int error;
};

static void fail(struct writer *w, int error)
{
	if (error && !w->error)
		w->error = error;
}

/* Moves the scratch buffer into the string table. */
static uint64_t intern_scratch(struct writer *w)
{
	uint64_t number = w->scratch.len ? strtab__add(w->strings, w->scratch.data) : 0;

	fail(w, w->scratch.error);
	strbuf__reset(&w->scratch);
	return number;
}

/* Adds any name to the string table: as valid UTF-8 without control bytes. */
static uint64_t intern_name(struct writer *w, const char *s)
{
	if (s)
		escape__plain(&w->scratch, s);
	return intern_scratch(w);
}

/* The ID of a key, and whether it is new. */
__attribute__((format(printf, 4, 5))) static uint64_t key_id(struct writer *w, struct strtab *keys,
							     bool *is_new, const char *fmt, ...)
{
	uint32_t before = strtab__count(keys), id;
	char key[80];
	va_list args;

	va_start(args, fmt);
	vsnprintf(key, sizeof(key), fmt, args);
	va_end(args);
	id = strtab__add(keys, key);
	*is_new = strtab__count(keys) > before;
	fail(w, strtab__error(keys));
	return id;
}

static void add_message(struct writer *w, struct strbuf *to, unsigned int field, struct strbuf *m)
{
	proto__message(to, field, m);
	fail(w, to->error);
	strbuf__free(m);
}

static uint64_t function_id(struct writer *w, uint64_t name, const char *path)
{
	uint64_t file = intern_name(w, path), id;
	struct strbuf m = { 0 };
	bool is_new;

	id = key_id(w, w->functions, &is_new, "%" PRIu64 " %" PRIu64, name, file);
	if (!is_new)
		return id;
	proto__varint(&m, FUNCTION_ID, id);
	proto__varint(&m, FUNCTION_NAME, name);
	proto__varint(&m, FUNCTION_SYSTEM_NAME, name);
	proto__varint(&m, FUNCTION_FILE, file);
	add_message(w, &w->body, PROFILE_FUNCTION, &m);
	return id;
}

static void add_line(struct writer *w, struct strbuf *location, uint64_t function, uint32_t number)
{
	struct strbuf m = { 0 };

	proto__varint(&m, LINE_FUNCTION, function);
	proto__varint(&m, LINE_NUMBER, number);
	add_message(w, location, LOCATION_LINE, &m);
}

/* The call that returns to `f`: its address, and the mapping's ID if `f` is in a file. */
static uint64_t call_address(const struct writer *w, const struct profile_frame *f,
			     uint64_t *mapping)
{
	uint64_t offset = f->offset ? f->offset - 1 : 0;

	if (f->mapping >= w->p->nmappings || offset >= RANGE_BYTES) {
		*mapping = 0;
		return offset;
	}
	*mapping = (uint64_t)f->mapping + 1;
	return *mapping * RANGE_BYTES + offset;
}

/* One machine frame: the calls inlined there, innermost first, then the function that holds
 * them. */
static uint64_t location_id(struct writer *w, uint32_t pid, const struct profile_frame *frames,
			    size_t n)
{
	uint64_t mapping, address = call_address(w, &frames[n - 1], &mapping), id;
	struct strbuf m = { 0 };
	bool is_new;

	/* Without a file, an address means something in its own process only. */
	id = key_id(w, w->locations, &is_new, "%" PRIu64 " %" PRIu64 " %" PRIu32, mapping, address,
		    mapping ? 0 : pid);
	if (!is_new)
		return id;
	proto__varint(&m, LOCATION_ID, id);
	proto__varint(&m, LOCATION_MAPPING, mapping);
	proto__varint(&m, LOCATION_ADDRESS, address);
	for (size_t i = 0; i < n; i++) {
		label__frame(&w->scratch, &frames[i]);
		add_line(w, &m, function_id(w, intern_scratch(w), frames[i].file), frames[i].line);
	}
	add_message(w, &w->body, PROFILE_LOCATION, &m);
	return id;
}

static uint64_t no_stack_location(struct writer *w)
{
	struct strbuf m = { 0 };
	bool is_new;
	uint64_t id = key_id(w, w->locations, &is_new, "none");

	if (!is_new)
		return id;
	proto__varint(&m, LOCATION_ID, id);
	add_line(w, &m, function_id(w, intern_name(w, "[no stack]"), NULL), 0);
	add_message(w, &w->body, PROFILE_LOCATION, &m);
	return id;
}

static void note_ranges(struct writer *w, const struct profile_site *s)
{
	for (size_t i = 0; i < s->nstack; i++) {
		const struct profile_frame *f = &s->stack[i];
		struct range *r;

		if (f->mapping >= w->p->nmappings || f->offset >= RANGE_BYTES)
			continue;
		r = &w->ranges[f->mapping];
		if (f->offset >= r->end)
			r->end = f->offset + 1;
		r->files |= f->file != NULL;
		r->lines |= f->line != 0;
		r->inlined |= f->inlined;
	}
}

/* ---- the parts of a profile ---- */

static void add_value_type(struct writer *w, unsigned int field, const char *name, const char *unit)
{
	struct strbuf m = { 0 };

	proto__varint(&m, TYPE_NAME, intern_name(w, name));
	proto__varint(&m, TYPE_UNIT, intern_name(w, unit));
	add_message(w, &w->body, field, &m);
}

static void add_label(struct writer *w, struct strbuf *to, const char *key, const char *s,
		      uint64_t n)
{
	struct strbuf m = { 0 };

	if (!n && (!s || !*s))
		return;
	proto__varint(&m, LABEL_KEY, intern_name(w, key));
	proto__varint(&m, LABEL_STRING, intern_name(w, s));
	proto__varint(&m, LABEL_NUMBER, n);
	add_message(w, to, SAMPLE_LABEL, &m);
}

static void add_sample(struct writer *w, const struct profile_site *s)
{
	uint64_t values[] = { s->allocs, s->alloc_bytes, s->live_blocks, s->live_bytes };
	size_t nvalues = ARRAY_SIZE(values);
	uint64_t *ids = calloc(s->nstack + 1, sizeof(*ids));
	struct strbuf m = { 0 };
	size_t n = 0, last;

	if (!ids) {
		fail(w, -ENOMEM);
		return;
	}
	for (size_t i = 0; i < s->nstack; i = last + 1) {
		for (last = i; s->stack[last].inlined && last + 1 < s->nstack;)
			last++;
		ids[n++] = location_id(w, s->pid, &s->stack[i], last - i + 1);
	}
	if (!n)
		ids[n++] = no_stack_location(w);
	proto__packed(&m, SAMPLE_LOCATIONS, ids, n);
	for (size_t i = 0; i < nvalues; i++)
		values[i] = values[i] < INT64_MAX ? values[i] : INT64_MAX;
	proto__packed(&m, SAMPLE_VALUES, values, nvalues);
	add_label(w, &m, "pid", NULL, s->pid);
	add_label(w, &m, "comm", s->comm, 0);
	add_label(w, &m, "api", s->api, 0);
	add_label(w, &m, "kind", profile_names__kind(s->kind), 0);
	add_label(w, &m, "mapping",
		  s->mapped_file ? s->mapped_file : profile_names__mapping(s->mapping), 0);
	add_label(w, &m, "id", s->id, 0);
	add_message(w, &w->body, PROFILE_SAMPLE, &m);
	free(ids);
}

static void add_mapping(struct writer *w, size_t i)
{
	const struct profile_mapping *pm = &w->p->mappings[i];
	const struct range *r = &w->ranges[i];
	uint64_t start = (i + 1) * RANGE_BYTES;
	struct strbuf m = { 0 };

	proto__varint(&m, MAPPING_ID, i + 1);
	proto__varint(&m, MAPPING_START, start);
	proto__varint(&m, MAPPING_LIMIT, start + (r->end + PAGE - 1) / PAGE * PAGE);
	proto__varint(&m, MAPPING_FILE, intern_name(w, pm->path));
	proto__varint(&m, MAPPING_BUILD_ID, intern_name(w, pm->build_id));
	/* Frames without a symbol are named by module and offset: pprof need not look for names. */
	proto__varint(&m, MAPPING_FUNCTIONS, 1);
	proto__varint(&m, MAPPING_FILES, r->files);
	proto__varint(&m, MAPPING_LINES, r->lines);
	proto__varint(&m, MAPPING_INLINED, r->inlined);
	add_message(w, &w->body, PROFILE_MAPPING, &m);
}

static bool is_executed(const struct profile *p, const char *path)
{
	for (size_t i = 0; i < p->nprocesses; i++) {
		if (p->processes[i].exe && !strcmp(p->processes[i].exe, path))
			return true;
	}
	return false;
}

/* pprof takes the first mapping for the program; libraries follow. */
static void add_mappings(struct writer *w)
{
	for (int libraries = 0; libraries < 2; libraries++) {
		for (size_t i = 0; i < w->p->nmappings; i++) {
			if (w->ranges[i].end &&
			    is_executed(w->p, w->p->mappings[i].path) != libraries)
				add_mapping(w, i);
		}
	}
}

static void add_comments(struct writer *w)
{
	const struct profile *p = w->p;

	strbuf__addf(&w->scratch, "memtrace %s", p->run->version);
	proto__varint(&w->body, PROFILE_COMMENT, intern_scratch(w));
	if (!profile__lost(p))
		return;
	strbuf__addf(&w->scratch,
		     "± lost: %" PRIu64 " events, %" PRIu64 " call stacks, %" PRIu64 " blocks",
		     p->lost_events, p->lost_stacks, p->lost_table);
	proto__varint(&w->body, PROFILE_COMMENT, intern_scratch(w));
}

static void add_profile(struct writer *w)
{
	const struct profile *p = w->p;

	add_value_type(w, PROFILE_SAMPLE_TYPE, "alloc_objects", "count");
	add_value_type(w, PROFILE_SAMPLE_TYPE, "alloc_space", "bytes");
	add_value_type(w, PROFILE_SAMPLE_TYPE, "inuse_objects", "count");
	add_value_type(w, PROFILE_SAMPLE_TYPE, "inuse_space", "bytes");
	for (size_t i = 0; i < p->nsites; i++) {
		note_ranges(w, &p->sites[i]);
		add_sample(w, &p->sites[i]);
	}
	add_mappings(w);
	proto__varint(&w->body, PROFILE_TIME, p->wall_ns);
	proto__varint(&w->body, PROFILE_DURATION,
		      p->elapsed_s < 1e9 ? (uint64_t)(p->elapsed_s * 1e9) : 0);
	add_value_type(w, PROFILE_PERIOD_TYPE, "space", "bytes");
	proto__varint(&w->body, PROFILE_PERIOD, 1);
	add_comments(w);
	proto__varint(&w->body, PROFILE_DEFAULT_TYPE, intern_name(w, "inuse_space"));
	/* The table comes last: everything above adds to it. */
	for (uint32_t i = 0; i < strtab__count(w->strings); i++) {
		const char *s = strtab__get(w->strings, i);

		proto__bytes(&w->body, PROFILE_STRINGS, s, strlen(s));
	}
	fail(w, strtab__error(w->strings));
	fail(w, w->body.error);
}

int pprof__report(const struct profile *p, const struct report_style *st, FILE *out)
{
	struct writer w = { .p = p };

	(void)st;
	w.strings = strtab__new();
	w.locations = strtab__new();
	w.functions = strtab__new();
	w.ranges = calloc(p->nmappings + 1, sizeof(*w.ranges));
	if (!w.strings || !w.locations || !w.functions || !w.ranges) {
		fail(&w, -ENOMEM);
		goto out;
	}
	add_profile(&w);
	if (!w.error)
		w.error = proto__gzip(w.body.data, w.body.len, out);
out:
	free(w.ranges);
	strtab__free(w.functions);
	strtab__free(w.locations);
	strtab__free(w.strings);
	strbuf__free(&w.scratch);
	strbuf__free(&w.body);
	return w.error;
}
