/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Gives back files that no process maps any longer: their descriptors, probes and unwind tables. A
 * file is kept for a minute after that, since programs run again and again, and reports name its
 * code; of deleted files, whose disk space is not free before, only some are. Belongs to the main
 * thread; times are ns, CLOCK_MONOTONIC.
 */
#ifndef MEMTRACE_SESSION_UNUSED_FILES_H
#define MEMTRACE_SESSION_UNUSED_FILES_H

#include <stddef.h>
#include <stdint.h>

struct modules;
struct traced_files;
struct tracer;
struct tracer_ops;
struct unused_files;

#define UNUSED_KEEP_NS 60000000000ull
#define UNUSED_FILES_MAX 512		/* kept at most */
#define UNUSED_DELETED_MAX 64		/* of these, deleted ones */
#define UNUSED_DELETED_BYTES (1u << 30) /* and their disk space */

/* Everything stays the caller's, and must outlive it. */
struct unused_files_opts {
	const struct tracer_ops *trace;
	struct tracer *tracer;
	struct modules *modules;
	struct traced_files *files;
};

struct unused_files *unused_files__new(const struct unused_files_opts *opts); /* NULL and errno */
void unused_files__free(struct unused_files *u);			      /* takes NULL */

/* Processes started, ended, or mapped other files. */
void unused_files__changed(struct unused_files *u);
/* Looks at what is mapped, if that is due. */
void unused_files__tend(struct unused_files *u, uint64_t now);
/* Returns when that will be due; UINT64_MAX: not before something changes. */
uint64_t unused_files__next(const struct unused_files *u);

#endif
