/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keeps the unwind tables of files. A table is made when a process maps the file and shared by all
 * that do. It is freed some time after the last one stopped, so that programs that run again and
 * again find theirs, or when its memory is needed. Part of the tracer.
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
	struct unwind_table *layout; /* NULL: the file has no CFI, or there was no room for its
				      * table */
	uint32_t *numbers;	     /* of its chunks */
	size_t nchunks;
	size_t wanted;	/* chunks that it needed and did not get; 0: it has a table */
	bool announced; /* it is in the map of files, under: */
	uint32_t dev;
	uint64_t ino;
};

/* Sets how much of `memory` bytes tables may take; must come before the object is loaded. Returns 0
 * or a negative errno. */
int trace_tables__prepare(struct bpf_object *obj, uint64_t memory);
/* Both stay the caller's. Returns NULL and sets errno on failure. */
struct trace_tables *trace_tables__new(struct bpf_object *obj, struct modules *modules);
void trace_tables__free(struct trace_tables *t);

/* Finds the table of a mapping's file, and makes it if need be. Returns 0 or a negative errno. */
int trace_tables__get(struct trace_tables *t, const struct mapping *m, struct trace_table **out);
/* Drops one user. */
void trace_tables__release(struct trace_tables *t, struct trace_table *table);

/* Drops a file's table, if there is one. Returns 0, or -EBUSY if it has users. */
int trace_tables__drop(struct trace_tables *t, uint32_t module);

/* Waits until every BPF program that is running now has ended. Returns 0 or a negative errno. */
int trace_tables__settle(struct trace_tables *t);
void trace_tables__tend(struct trace_tables *t);

struct trace_tables_stats {
	size_t files, rows, rules;
	size_t bytes;	/* kernel memory */
	size_t no_room; /* files whose table had no room, so far */
};

void trace_tables__stats(const struct trace_tables *t, struct trace_tables_stats *out);

#endif
