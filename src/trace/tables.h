/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The unwind tables of files: made when a process maps the file, shared by all that do, freed some
 * time after none does any more, or when their room is needed: programs that run again and again
 * find theirs. Part of the tracer.
 */
#ifndef MEMTRACE_TRACE_TABLES_H
#define MEMTRACE_TRACE_TABLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bpf_object;
struct modules;
struct mapping;
struct trace_tables;
struct unwind_table;

struct trace_table {
	uint32_t module;
	unsigned int
	    users; /* 0: idle, or the caller of trace_tables__get is about to be the first */
	uint64_t idle_since;	     /* ns, CLOCK_MONOTONIC */
	struct unwind_table *layout; /* NULL: the file has no CFI, or its table found no room */
	uint32_t *numbers;	     /* of its chunks */
	size_t nchunks;
	size_t wanted;	/* chunks that it found no room for; 0: it did */
	bool announced; /* it is in the map of files, by: */
	uint32_t dev;
	uint64_t ino;
};

/* What tables may take of `memory` bytes is chosen before the object is loaded. 0 or a negative
 * errno. */
int trace_tables__prepare(struct bpf_object *obj, uint64_t memory);
/* Both stay the caller's. NULL and errno. */
struct trace_tables *trace_tables__new(struct bpf_object *obj, struct modules *modules);
void trace_tables__free(struct trace_tables *t);

/* The table of the file that a mapping shows, made now if it was not. 0 or a negative errno. */
int trace_tables__get(struct trace_tables *t, const struct mapping *m, struct trace_table **out);
/* One user less. */
void trace_tables__release(struct trace_tables *t, struct trace_table *table);

/* Waits until no program that is running now is any more. 0 or a negative errno. */
int trace_tables__settle(struct trace_tables *t);
void trace_tables__tend(struct trace_tables *t);

struct trace_tables_stats {
	size_t files, rows, rules;
	size_t bytes;	/* of the kernel's memory */
	size_t no_room; /* files whose table found none, so far */
};

void trace_tables__stats(const struct trace_tables *t, struct trace_tables_stats *out);

#endif
