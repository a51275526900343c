/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "symbols/symbols.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "symbols/names_client.h"
#include "util/array.h"
#include "util/hashmap.h"
#include "util/strtab.h"

/* The cached result for one offset. */
struct entry {
	int n;
	struct symbol_frame frames[];
};

struct symbols {
	struct symbols_source source;
	struct hashmap *entries; /* by offset */
	struct strtab *texts;	 /* function names and file paths */
	size_t kept;		 /* bytes of entries */
	bool unsettled;		 /* a debug file may still be found */

	struct code_names *names; /* without a client */
	struct names_file file;	  /* with one */
	uint64_t *expected;	  /* offsets that will be looked up */
	size_t nexpected, expected_cap;
};

struct symbols *symbols__new(const struct symbols_source *source)
{
	struct symbols *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->source = *source;
	s->file = (struct names_file){
		.number = source->number,
		.fd = source->code.fd,
		.path = source->code.path,
		.places = source->code.places,
	};
	s->entries = hashmap__new();
	s->texts = strtab__new();
	if (s->entries && s->texts)
		return s;
	symbols__free(s);
	errno = ENOMEM;
	return NULL;
}

void symbols__unload(struct symbols *s)
{
	if (s->names)
		code_names__unload(s->names);
}

static void drop_entries(struct symbols *s)
{
	struct entry *entry;
	size_t pos = 0;

	while (s->entries && (entry = hashmap__next_ptr(s->entries, &pos, NULL)))
		free(entry);
	hashmap__free(s->entries);
	s->entries = NULL;
	s->kept = 0;
}

void symbols__free(struct symbols *s)
{
	if (!s)
		return;
	code_names__free(s->names);
	drop_entries(s);
	strtab__free(s->texts);
	free(s->expected);
	free(s);
}

void symbols__retry(struct symbols *s)
{
	struct hashmap *empty = s->unsettled ? hashmap__new() : NULL;

	if (!empty)
		return;
	s->unsettled = false;
	s->file.changed = true;
	symbols__unload(s);
	drop_entries(s);
	s->entries = empty;
}

/* ---- the cache ---- */

static int cache_frames(struct symbols *s, uint64_t offset, const struct symbol_frame *frames,
			int n)
{
	size_t size = sizeof(struct entry) + (size_t)n * sizeof(*frames);
	struct entry *entry = malloc(size), *old;

	if (!entry)
		return -ENOMEM;
	entry->n = n;
	memcpy(entry->frames, frames, (size_t)n * sizeof(*frames));
	old = hashmap__remove_ptr(s->entries, offset);
	if (old)
		s->kept -= sizeof(*old) + (size_t)old->n * sizeof(*frames);
	free(old);
	if (hashmap__set_ptr(s->entries, offset, entry)) {
		free(entry);
		return -ENOMEM;
	}
	s->kept += size;
	return 0;
}

/* Keeps what is known of an offset. */
static void keep_frames(void *ctx, uint64_t offset, const struct code_frame *frames, int n)
{
	struct symbol_frame kept[SYMBOL_FRAMES_MAX];
	struct symbols *s = ctx;

	for (int i = 0; i < n; i++)
		kept[i] = (struct symbol_frame){
			.func = strtab__copy(s->texts, frames[i].func),
			.file = strtab__copy(s->texts, frames[i].file),
			.line = frames[i].line,
			.inlined = frames[i].inlined,
			.exact = frames[i].exact,
		};
	cache_frames(s, offset, kept, n);
}

int symbols__know(struct symbols *s, uint64_t offset, const struct symbol_frame *frames, int n)
{
	struct symbol_frame kept[SYMBOL_FRAMES_MAX];

	for (int i = 0; i < n; i++) {
		kept[i] = frames[i];
		kept[i].func = strtab__copy(s->texts, frames[i].func);
		kept[i].file = strtab__copy(s->texts, frames[i].file);
	}
	return cache_frames(s, offset, kept, n);
}

/* ---- lookup ---- */

void symbols__expect(struct symbols *s, uint64_t offset)
{
	if (!s->source.client || hashmap__get_ptr(s->entries, offset) ||
	    array__grow(&s->expected, &s->expected_cap, s->nexpected + 1, sizeof(*s->expected)))
		return;
	s->expected[s->nexpected++] = offset;
}

static int compare_offsets(const void *pa, const void *pb)
{
	const uint64_t *a = pa, *b = pb;

	return (*a > *b) - (*a < *b);
}

/* Leaves what is still to be looked up, each offset once. */
static void sort_expected(struct symbols *s)
{
	size_t n = 0;

	if (s->nexpected)
		qsort(s->expected, s->nexpected, sizeof(*s->expected), compare_offsets);
	for (size_t i = 0; i < s->nexpected; i++)
		if ((!n || s->expected[n - 1] != s->expected[i]) &&
		    !hashmap__get_ptr(s->entries, s->expected[i]))
			s->expected[n++] = s->expected[i];
	s->nexpected = n;
}

static void ask_process(struct symbols *s, uint64_t offset)
{
	bool unsettled = false;

	if (s->source.borrow) {
		s->file.fd = s->source.borrow(s->source.ctx);
		if (s->file.fd < 0) {
			s->nexpected = 0;
			return;
		}
	}
	symbols__expect(s, offset);
	sort_expected(s);
	/* What is lost is counted there, and not asked again until something changes. */
	names_client__look_up(s->source.client, &s->file, s->expected, s->nexpected, keep_frames, s,
			      &unsettled);
	if (s->source.borrow)
		close(s->file.fd);
	s->nexpected = 0;
	s->unsettled |= unsettled;
}

static void look_up_here(struct symbols *s, uint64_t offset)
{
	struct code_frame frames[CODE_FRAMES_MAX];
	int n;

	if (!s->names)
		s->names = code_names__new(&s->source.code);
	if (!s->names)
		return;
	n = code_names__look_up(s->names, offset, frames);
	s->unsettled = code_names__unsettled(s->names);
	keep_frames(s, offset, frames, n);
	code_names__free_frames(frames, n);
}

int symbols__lookup(struct symbols *s, uint64_t offset, struct symbol_frame out[SYMBOL_FRAMES_MAX])
{
	struct entry *entry = hashmap__get_ptr(s->entries, offset);

	if (!entry) {
		if (s->source.client)
			ask_process(s, offset);
		else
			look_up_here(s, offset);
		entry = hashmap__get_ptr(s->entries, offset);
	}
	if (!entry)
		return 0;
	memcpy(out, entry->frames, (size_t)entry->n * sizeof(*out));
	return entry->n;
}

bool symbols__all_read(const struct symbols *s)
{
	return s->source.client ? !s->file.lost : s->names != NULL;
}

size_t symbols__loaded(const struct symbols *s)
{
	return s->names ? code_names__loaded(s->names) : 0;
}

size_t symbols__memory(const struct symbols *s)
{
	return sizeof(*s) + s->kept + strtab__memory(s->texts) + symbols__loaded(s);
}
