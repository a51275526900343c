/* What the recorder's files share. */
#ifndef MEMTRACE_RECORD_RECORDER_INTERNAL_H
#define MEMTRACE_RECORD_RECORDER_INTERNAL_H

#include "record/recorder.h"
#include "record/writer.h"
#include "util/strbuf.h"

struct hashmap;
struct texts;

/* A place in code. */
struct place {
	uint32_t module; /* FRAME_NO_MODULE: run-time code of `pid` at `at` */
	uint32_t pid;
	uint64_t at;   /* where a call returns to: in the file, or the address */
	uint64_t told; /* a hash of its names as they were recorded; 0: none were */
};

struct module_told {
	bool settled; /* it was open: nothing more will be known of it */
	bool elf;
};

struct recorder {
	struct recorder_opts opts;
	struct collector *collector;
	struct symbolizer *symbolizer;
	struct record_writer *recording;

	/* under the collector's lock */
	struct strbuf sb;     /* a record */
	struct hashmap *seen; /* places, by their hash */
	struct place *places;
	size_t nplaces, cap_places;
	struct module_told *modules;
	size_t nmodules;
	bool failed; /* out of memory: what follows has no names */
	struct strbuf run;
	bool begun; /* its targets are known */
	uint64_t start, wall, last_tick;
	uint32_t last_seq;

	/* the reporter's */
	uint64_t tended; /* ns: when last */
	size_t named;	 /* places that were looked up at least once */
	struct texts *texts;
	struct hashmap *mapped; /* paths, by process and address */
	struct record_rss told; /* what the last report asked the system */
};

static inline void recorder__lock(struct recorder *rec)
{
	rec->opts.lock(rec->opts.ctx);
}

static inline void recorder__unlock(struct recorder *rec)
{
	rec->opts.unlock(rec->opts.ctx);
}

/* The record that is being made, empty; and giving it. With the lock. */
static inline struct strbuf *recorder__fresh(struct recorder *rec)
{
	strbuf__reset(&rec->sb);
	return &rec->sb;
}

static inline void recorder__put(struct recorder *rec, enum record_kind kind)
{
	record_writer__put(rec->recording, kind, &rec->sb);
}

/* recorder_names.c; with the lock, but for recorder_names__look_up. */

void recorder_names__note_module(struct recorder *rec,
				 uint32_t id); /* tells of all modules up to this one */
void recorder_names__note_stack(struct recorder *rec, const struct stack *st);
void recorder_names__describe_module(struct recorder *rec, uint32_t id, struct strbuf *sb);
/* Files that could not be opened when they were met, and can now. */
void recorder_names__settle_modules(struct recorder *rec);
/* The files behind mappings, where that is new. */
void recorder_names__look_up_ranges(struct recorder *rec);
/* The names of places [from, to), where they are new. The reporter's. */
void recorder_names__look_up(struct recorder *rec, size_t from, size_t to);
/* All of them are to be told again. */
void recorder_names__forget(struct recorder *rec);

#endif
