/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by the files that build a profile. */
#ifndef MEMTRACE_PROFILE_INTERNAL_H
#define MEMTRACE_PROFILE_INTERNAL_H

#include "collect/collector.h"
#include "probe/alloc_functions.h"
#include "profile/groups.h"
#include "profile/profile.h"
#include "profile/languages.h"
#include "symbols/symbolizer.h"
#include "symbols/symbols.h"
#include "util/hashmap.h"
#include "util/strtab.h"

/* Frames of one stack, inlined ones included. */
#define NAMED_MAX (EVENT_MAX_FRAMES * SYMBOL_FRAMES_MAX)

/* A profile together with the memory behind its const pointers and the state needed to build it. */
struct profile_builder {
	struct profile
	    profile; /* must come first: profile__free converts one pointer to the other */
	struct strtab *strings;
	struct profile_process *processes;
	struct profile_site *sites;
	struct profile_frame **stacks; /* of each site */
	struct groups *groups;
	struct profile_mapping *mappings;
	size_t mappings_cap;
	struct profile_suppressed
	    *suppressed; /* one for each rule; in the end only for those that matched */
	/* Valid only while building. */
	const struct profile_input *in;
	struct hashmap *mapping_of; /* module ID to index in mappings */
	struct named_frame *named;
	struct profile_frame *frames; /* the same, for comparing a row with others; NAMED_MAX */
	uint32_t places;	      /* of the top that are taken */
	uint64_t held[API_KINDS];     /* live bytes of each kind, in total */
	bool any_living;	      /* not all processes have ended */
	/* A process with code compiled at run time, by row of languages.h; 0: none. */
	uint32_t unnamed_code[LANGUAGES_MOST], named_code[LANGUAGES_MOST];
};

/* sites.c: adds the sites; processes and totals must be there already. 0 or a negative errno. */
int profile_sites__add(struct profile_builder *b);

#endif
