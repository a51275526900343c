/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keeps the tables that the walk in BPF reads: one for each file, shared by all processes that map
 * it, and for each process its mappings. Part of the tracer; belongs to the thread that the tracer
 * belongs to.
 *
 * A table is made when the first process that maps the file is published, and freed when the last
 * stopped mapping it or ended. Where the limit of memory leaves no room for one, stacks that pass
 * through the file end as STACK_NO_TABLE.
 */
#ifndef MEMTRACE_TRACE_UNWIND_MAPS_H
#define MEMTRACE_TRACE_UNWIND_MAPS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct bpf_object;
struct modules;
struct mappings;
struct unwind_maps;

#define UNWIND_MEMORY (64ull << 20) /* the default limit, bytes */
#define UNWIND_MEMORY_MIN (8ull << 20)

/* Before the object is loaded: sizes the maps of bpf/unwind.bpf.h. 0 or a negative errno. */
int unwind_maps__prepare(struct bpf_object *obj, uint64_t memory);
/* After. Both stay the caller's and must outlive it. NULL and errno. */
struct unwind_maps *unwind_maps__new(struct bpf_object *obj, struct modules *modules);
void unwind_maps__free(struct unwind_maps *u);

/*
 * The process has these mappings, as of an epoch: the number of changes to the mapped files that
 * the BPF side had counted before they were read. Where it has counted more since, stacks are not
 * walked by these mappings, but by asking the kernel for each, where it can be asked. To be called
 * when the process is attached to, after an exec, and whenever its mapped files changed. Makes the
 * tables that are missing, then publishes the mappings, then the process, so that a walk meets all
 * or nothing. 0, -ENOSPC where a table found no room, or another negative errno (then its former
 * mappings stay).
 */
int unwind_maps__update(struct unwind_maps *u, pid_t pid, const struct mappings *space,
			uint32_t epoch);
/* The child has its parent's mappings. 0 or a negative errno. */
int unwind_maps__fork(struct unwind_maps *u, pid_t parent, pid_t child);
/* The process ended, or is no longer traced. */
void unwind_maps__drop(struct unwind_maps *u, pid_t pid);
/* Work that can wait: frees memory, makes some ready. To be called after the others.
 */
void unwind_maps__tend(struct unwind_maps *u);

/* ---- for tests ---- */

/* unwind_maps__update for a process whose changes of files are not counted. */
int unwind_maps__update_now(struct unwind_maps *u, pid_t pid, const struct mappings *space);

struct unwind_maps_stats {
	size_t processes, files, rows, rules;
	size_t bytes;	/* of the kernel's memory, all maps together */
	size_t no_room; /* files whose table found none, so far */
};

void unwind_maps__stats(const struct unwind_maps *u, struct unwind_maps_stats *out);

#endif
