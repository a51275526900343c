/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keeps what the walk in BPF reads: one table for each file, shared by all processes that map it,
 * and each process's mappings. Part of the tracer; belongs to the tracer's thread.
 *
 * A table is made when the first process that maps the file is published, and freed when the last
 * one has stopped mapping it or ended. Where the memory limit leaves no room for it, stacks that
 * pass through the file end as STACK_NO_TABLE.
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

/* Sizes the maps of bpf/unwind.bpf.h; must come before the object is loaded. Returns 0 or a
 * negative errno. */
int unwind_maps__prepare(struct bpf_object *obj, uint64_t memory);
/* To be called after the object is loaded. Both stay the caller's and must outlive it. Returns NULL
 * and sets errno on failure. */
struct unwind_maps *unwind_maps__new(struct bpf_object *obj, struct modules *modules);
void unwind_maps__free(struct unwind_maps *u);

/*
 * Sets a process's mappings, as of an epoch: the number of changes to its mapped files that the BPF
 * side had counted before they were read. Where it has counted more since, stacks are walked by
 * asking the kernel for each mapping instead, if it can be asked. To be called when the process is
 * attached to, after an exec, and whenever its mapped files changed. Makes the missing tables, then
 * publishes the mappings, then the process, so that a walk sees all or nothing. Returns 0, -ENOSPC
 * where there was no room for a table, or another negative errno (then the previous mappings stay).
 */
int unwind_maps__update(struct unwind_maps *u, pid_t pid, const struct mappings *space,
			uint32_t epoch);
/* Gives the child its parent's mappings. Returns 0 or a negative errno. */
int unwind_maps__fork(struct unwind_maps *u, pid_t parent, pid_t child);
/* Drops a process that ended or is no longer traced. */
void unwind_maps__drop(struct unwind_maps *u, pid_t pid);
/* Drops the table of a file that no process maps. Returns 0, or -EBUSY if one does. */
int unwind_maps__release_file(struct unwind_maps *u, uint32_t module);
/* Does work that can wait: frees memory and makes chunks ready. To be called after the others. */
void unwind_maps__tend(struct unwind_maps *u);

/* ---- for tests ---- */

/* unwind_maps__update for a process whose file changes are not counted. */
int unwind_maps__update_now(struct unwind_maps *u, pid_t pid, const struct mappings *space);

struct unwind_maps_stats {
	size_t processes, files, rows, rules;
	size_t bytes;	/* kernel memory, all maps together */
	size_t no_room; /* files whose table had no room, so far */
};

void unwind_maps__stats(const struct unwind_maps *u, struct unwind_maps_stats *out);

#endif
