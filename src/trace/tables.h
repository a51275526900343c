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
struct tables;
struct unwind_table;

struct table {
	uint32_t module;
	unsigned int users;  /* 0: idle, or the caller of tables__get is about to be the first */
	uint64_t idle_since; /* ns, CLOCK_MONOTONIC */
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
int tables__prepare(struct bpf_object *obj, uint64_t memory);
/* Both stay the caller's. NULL and errno. */
struct tables *tables__new(struct bpf_object *obj, struct modules *modules);
void tables__free(struct tables *t);

/* The table of the file that a mapping shows, made now if it was not. 0 or a negative errno. */
int tables__get(struct tables *t, const struct mapping *m, struct table **out);
/* One user less. */
void tables__release(struct tables *t, struct table *table);

/* Waits until no program that is running now is any more. 0 or a negative errno. */
int tables__settle(struct tables *t);
void tables__tend(struct tables *t);

struct tables_stats {
	size_t files, rows, rules;
	size_t bytes;	/* of the kernel's memory */
	size_t no_room; /* files whose table found none, so far */
};

void tables__stats(const struct tables *t, struct tables_stats *out);

#endif
