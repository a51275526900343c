/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Opens the files that may be the debug file of another, one after the other. Where they are is
 * decided here, and never by those who read them: what is looked for is described by what the file
 * itself states, a build ID and the name in a link.
 *
 * The places are, in order: the root of the file's process, which links cannot leave; by build ID
 * alone, the host, whose paths mean nothing to a container; and, if the user allows it, a
 * debuginfod server. Only ELF files are candidates.
 */
#ifndef MEMTRACE_SYMBOLS_DEBUG_PATHS_H
#define MEMTRACE_SYMBOLS_DEBUG_PATHS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "symbols/debug_file.h"

#define DEBUG_ID_MAX 64	    /* bytes of a build ID */
#define DEBUG_STEPS_MAX 8   /* places that are searched */
#define DEBUG_NAME_MAX 4096 /* bytes of a link's name, with its NUL */

struct debug_wish {
	bool shared;	 /* the file that .gnu_debugaltlink names, not the one of .gnu_debuglink */
	bool from_debug; /* `name` is in the separate debug file, not in the file itself */
	bool ask_server;
	uint8_t id[DEBUG_ID_MAX];
	size_t id_len;
	const char *name; /* in the link; NULL: there is none */
};

struct debug_candidate {
	int fd;		   /* the caller's */
	char *path;	   /* the caller's; NULL: from a server */
	int64_t root;	   /* that `path` is in */
	bool by_link;	   /* found by name: its checksum may prove that it is the right one */
	unsigned int next; /* the step to go on with */
};

/* Opens the first candidate from a step on, 0 at first. `from`: the path of the file that states
 * the wish; NULL: unknown. Returns 0, -ENOENT if there are no more, or -EAGAIN if a server has not
 * answered yet. */
int debug_paths__open(const struct debug_wish *w, const char *from, const struct debug_places *p,
		      unsigned int step, struct debug_candidate *out);

#endif
