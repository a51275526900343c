/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by the recorder's files: its state, and looking up names (recorder_names.c). */
#ifndef MEMTRACE_RECORD_RECORDER_INTERNAL_H
#define MEMTRACE_RECORD_RECORDER_INTERNAL_H

#include "record/recorder.h"
#include "record/writer.h"
#include "util/strbuf.h"

struct hashmap;
struct strtab;

/* A place in code. */
struct place {
	uint32_t module; /* FRAME_NO_MODULE: run-time code of `pid` at `at` */
	uint32_t pid;
	uint64_t at;	   /* the return address: in the file, or in memory */
	uint64_t recorded; /* a hash of its names as last recorded; 0: never */
};

struct recorded_module {
	bool settled; /* its file is open: its names are final */
	bool elf;
};

struct recorder {
	struct recorder_opts opts;
	struct collector *collector;
	struct symbolizer *symbolizer;
	struct record_writer *writer;

	/* under the collector's lock */
	struct strbuf sb;     /* a record */
	struct hashmap *seen; /* places, by their hash */
	struct place *places;
	size_t nplaces, cap_places;
	struct recorded_module *modules;
	size_t nmodules, cap_modules;
	bool failed; /* out of memory: what follows has no names */
	struct strbuf run;
	bool begun; /* its targets are known */
	uint64_t start, wall, last_tick;
	uint32_t last_seq;

	/* the reporter's thread's */
	uint64_t maintained; /* time of the last, ns */
	size_t named;	     /* places that were looked up at least once */
	struct strtab *strings;
	struct hashmap *mapped; /* paths, by process and address */
	struct record_rss rss;	/* of the last report */
};

static inline void recorder__lock(struct recorder *rec)
{
	rec->opts.lock(rec->opts.ctx);
}

static inline void recorder__unlock(struct recorder *rec)
{
	rec->opts.unlock(rec->opts.ctx);
}

/* Starts an empty record, and puts it into the recording. With the lock held. */
static inline struct strbuf *recorder__new_record(struct recorder *rec)
{
	strbuf__reset(&rec->sb);
	return &rec->sb;
}

static inline void recorder__put_record(struct recorder *rec, enum record_kind kind)
{
	record_writer__put(rec->writer, kind, &rec->sb);
}

/* ---- recorder_names.c; with the lock held, except recorder_names__look_up ---- */

/* Records all modules up to this one. */
void recorder_names__note_module(struct recorder *rec, uint32_t id);
/* Notes the code of a call stack, to be looked up later. */
void recorder_names__note_stack(struct recorder *rec, const struct stack *st);
void recorder_names__describe_module(struct recorder *rec, uint32_t id, struct strbuf *sb);
/* Records modules whose files could not be opened at first, and now can. */
void recorder_names__settle_modules(struct recorder *rec);
/* Records the files behind mappings that have changed. */
void recorder_names__look_up_ranges(struct recorder *rec);
/* Records the names of places [from, to) that have changed. For the reporter's thread. */
void recorder_names__look_up(struct recorder *rec, size_t from, size_t to);
/* Makes all names count as not recorded. */
void recorder_names__forget(struct recorder *rec);

#endif
