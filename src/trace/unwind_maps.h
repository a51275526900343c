/*
 * Keeps the tables that the walk in BPF reads: one for each file, shared by all processes that map
 * it, and for each process its mappings. Part of the tracer; belongs to the thread that the tracer
 * belongs to.
 *
 * A table is made when the first process that maps the file is told, and freed when the last one
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
struct tracer_unwind;

#define TRACER_UNWIND_MEMORY (64ull << 20) /* the default limit, bytes */
#define TRACER_UNWIND_MEMORY_MIN (8ull << 20)

/* Before the object is loaded: sizes the maps of bpf/unwind.bpf.h. 0 or a negative errno. */
int tracer_unwind__prepare(struct bpf_object *obj, uint64_t memory);
/* After. Both stay the caller's and must outlive it. NULL and errno. */
struct tracer_unwind *tracer_unwind__new(struct bpf_object *obj, struct modules *modules);
void tracer_unwind__free(struct tracer_unwind *u);

/*
 * The process has these mappings now: to be called when it is attached to, after an exec, and
 * whenever its mapped files changed. Makes the tables that are missing. The order is: table,
 * mappings, process, so that a walk meets all or nothing. 0, -ENOSPC where some table found no
 * room, or another negative errno (then its former mappings stay).
 */
int tracer_unwind__update(struct tracer_unwind *u, pid_t pid, const struct mappings *space);
/*
 * The same, as of an epoch: the number of changes to the mapped files that the BPF side had counted
 * before the space was read. Where it has counted more, stacks are not walked by these mappings,
 * but by asking the kernel for each, where it can be asked.
 */
int tracer_unwind__update_at(struct tracer_unwind *u, pid_t pid, const struct mappings *space,
			     uint32_t epoch);
/* The child has its parent's mappings. 0 or a negative errno. */
int tracer_unwind__fork(struct tracer_unwind *u, pid_t parent, pid_t child);
/* The process ended, or is no longer traced. */
void tracer_unwind__drop(struct tracer_unwind *u, pid_t pid);
/* What can wait until nobody does: frees memory, makes some ready. To be called after the others.
 */
void tracer_unwind__tend(struct tracer_unwind *u);

struct tracer_unwind_stats {
	size_t processes, files, rows, rules;
	size_t bytes;	/* of the kernel's memory, all maps together */
	size_t no_room; /* files whose table found none, so far */
};

void tracer_unwind__stats(const struct tracer_unwind *u, struct tracer_unwind_stats *out);

#endif
