/* What the files of the profile's builder share. */
#ifndef MEMTRACE_PROFILE_INTERNAL_H
#define MEMTRACE_PROFILE_INTERNAL_H

#include "collect/collector.h"
#include "probe/alloc_functions.h"
#include "profile/profile.h"
#include "symbols/symbolizer.h"
#include "symbols/symbols.h"
#include "util/hashmap.h"
#include "util/strtab.h"

/* Frames of one stack, with inlined ones. */
#define NAMED_MAX (EVENT_MAX_FRAMES * SYMBOL_FRAMES_MAX)

/* The rows that the public part only shows, and what it takes to make them. */
struct profile_builder {
	struct profile profile; /* first: profile__free gets from one to the other */
	struct strtab *strings;
	struct profile_process *processes;
	struct profile_site *sites;
	struct profile_mapping *mappings;
	size_t mappings_cap;
	struct profile_suppressed *suppressed; /* a row a rule; later only those that matched */
	/* Only while building. */
	const struct profile_input *in;
	struct hashmap *mapping_of; /* module id to index */
	struct named_frame *named;
	uint64_t held[API_KINDS]; /* live bytes of a kind, in all */
};

/* profile_sites.c: once processes and totals are there. 0 or a negative errno. */
int profile_sites__add(struct profile_builder *b);

#endif
