/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Encodes and decodes records, each a fact that a run learns. recording.h has their kinds and their
 * places in a file.
 *
 * record__put_X appends a record's bytes to a strbuf, which keeps failure. record__take_X returns
 * 0, -EINVAL for bytes that are not such a record, or -ENOMEM. A decoded record owns its strings
 * and arrays until record__free_X, which takes zeroed records too; after an error there is nothing
 * to free.
 */
#ifndef MEMTRACE_RECORD_RECORDS_H
#define MEMTRACE_RECORD_RECORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/event.h"
#include "abi/shared.h"
#include "record/recording.h"
#include "unwind/stacks.h"
#include "util/codec.h"
#include "util/proc.h"

struct record_target {
	uint32_t pid;
	const char *comm, *exe, *container;
};

struct record_run {
	uint64_t start, wall; /* ns: CLOCK_MONOTONIC, and CLOCK_REALTIME at the same time */
	const char *version, *host, *kernel;
	enum stack_mode stack_mode;
	double interval_s;
	bool heap, map, children;
	bool launched;		     /* as in profile_run */
	uint64_t min_size, max_size; /* of the collector that states were saved from */
	uint64_t min_age;	     /* ns, likewise */
	struct record_target *targets;
	size_t ntargets;
};

struct record_api {
	uint32_t row;
	uint8_t kind; /* enum api_kind */
	const char *name;
};

struct record_process {
	uint32_t pid;
	uint64_t first_seen; /* ns, CLOCK_MONOTONIC */
	uint64_t age;	     /* ns, how old it was then; 0: unknown, or it began then */
	bool named;
	char comm[EVENT_COMM];
	const char *exe, *container; /* NULL: unknown, none */
	const char *unprobed;	     /* allocation functions that are not; NULL: none */
};

#define RECORD_BUILD_ID_MAX 32

struct record_module {
	uint32_t id; /* the next one, or an earlier one with more data */
	bool elf;
	uint8_t build_id[RECORD_BUILD_ID_MAX];
	size_t build_id_len;
	const char *path;
};

struct record_allocator {
	uint32_t module;
	uint64_t start, end;
};

struct record_stack {
	uint64_t time;
	union {
		struct stack stack;
		uint8_t room[sizeof(struct stack) + EVENT_MAX_FRAMES * sizeof(struct frame)];
	};
};

struct record_name {
	const char *func, *file; /* NULL: unknown */
	uint32_t line;
	bool inlined, exact;
};

#define RECORD_NAMES_MAX 32

struct record_code {
	uint32_t module;
	uint64_t offset; /* of the return address */
	size_t n;	 /* innermost inlined call first; 0: no name is known */
	struct record_name names[RECORD_NAMES_MAX];
};

struct record_jit {
	uint32_t pid;
	uint64_t pc;	  /* the return address */
	const char *name; /* NULL: no longer known */
};

struct record_mapped {
	uint32_t pid;
	uint64_t addr;
	const char *path; /* NULL: no longer known */
};

struct record_tick {
	uint32_t seq; /* from 1 */
	bool final;
	uint64_t now, wall; /* ns */
	struct counters counters;
};

struct record_process_rss {
	uint32_t pid;
	uint64_t bytes;
	bool stopped; /* the process is stopped */
	struct proc_memory memory;
};

struct record_rss {
	uint32_t seq; /* of its tick; 0: before the first */
	size_t n;
	struct record_process_rss *rss; /* of running processes, ascending by pid */
};

struct record_mark {
	uint64_t now, wall; /* ns */
};

struct record_compacted {
	uint64_t now, wall; /* ns: reports before that can no longer be made */
	uint32_t seq;	    /* of the last such report */
};

void record__put_event(struct strbuf *sb, const void *ev, size_t size);
void record__put_run(struct strbuf *sb, const struct record_run *r);
void record__put_api(struct strbuf *sb, const struct record_api *r);
void record__put_process(struct strbuf *sb, const struct record_process *r);
void record__put_module(struct strbuf *sb, const struct record_module *r);
void record__put_allocator(struct strbuf *sb, const struct record_allocator *r);
void record__put_stack(struct strbuf *sb, uint64_t time, const struct stack *st);
void record__put_code(struct strbuf *sb, const struct record_code *r);
void record__put_jit(struct strbuf *sb, const struct record_jit *r);
void record__put_mapped(struct strbuf *sb, const struct record_mapped *r);
void record__put_tick(struct strbuf *sb, const struct record_tick *r);
void record__put_rss(struct strbuf *sb, const struct record_rss *r);
void record__put_mark(struct strbuf *sb, const struct record_mark *r);
void record__put_compacted(struct strbuf *sb, const struct record_compacted *r);

int record__take_run(struct cursor *c, struct record_run *r);
int record__take_api(struct cursor *c, struct record_api *r);
int record__take_process(struct cursor *c, struct record_process *r);
int record__take_module(struct cursor *c, struct record_module *r);
int record__take_allocator(struct cursor *c, struct record_allocator *r);
int record__take_stack(struct cursor *c, struct record_stack *r);
int record__take_code(struct cursor *c, struct record_code *r);
int record__take_jit(struct cursor *c, struct record_jit *r);
int record__take_mapped(struct cursor *c, struct record_mapped *r);
int record__take_tick(struct cursor *c, struct record_tick *r);
int record__take_rss(struct cursor *c, struct record_rss *r);
int record__take_mark(struct cursor *c, struct record_mark *r);
int record__take_compacted(struct cursor *c, struct record_compacted *r);

/* Sorts the rows by pid, as the next three functions need; they return 0 and false for an unknown
 * process. */
void record__sort_rss(struct record_rss *r);
uint64_t record__rss_of(const struct record_rss *r, uint32_t pid);
bool record__is_stopped(const struct record_rss *r, uint32_t pid); /* likewise */
struct proc_memory record__memory_of(const struct record_rss *r, uint32_t pid);

void record__free_run(struct record_run *r);
void record__free_api(struct record_api *r);
void record__free_process(struct record_process *r);
void record__free_module(struct record_module *r);
void record__free_code(struct record_code *r);
void record__free_jit(struct record_jit *r);
void record__free_mapped(struct record_mapped *r);
void record__free_rss(struct record_rss *r);

#endif
