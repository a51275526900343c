/*
 * What stacks lie in is noted when they come, once each; it is looked up by tend, soon after. What had no
 * name then may have one later: a just-in-time compiler writes its map late, a file could not be opened at
 * first. So with each report all of it is looked up again, and what has changed is recorded again. The
 * lookups are cached where they are made.
 */
#include "run/recorder.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ground/hashmap.h"
#include "ground/log.h"
#include "ground/strbuf.h"
#include "ground/texts.h"
#include "ground/util.h"
#include "joints/recording_writer.h"
#include "joints/symbolizer.h"
#include "model/api.h"
#include "model/image.h"
#include "model/space.h"

#define BATCH 256		/* names that are looked up between two waits for the lock */

/* A place in code. */
struct place {
	uint32_t image;		/* FRAME_NO_IMAGE: run-time code of `pid` at `at` */
	uint32_t pid;
	uint64_t at;		/* where a call returns to: in the file, or the address */
	uint64_t told;		/* a hash of its names as they were recorded; 0: none were */
};

struct image_told {
	bool settled;		/* it was open: nothing more will be known of it */
	bool elf;
};

struct rss {
	uint32_t pid;
	uint64_t bytes;
};

struct recorder {
	struct recorder_opts opts;
	struct collector *collector;
	struct symbolizer *symbolizer;
	struct recording *recording;

	/* under the collector's lock */
	struct strbuf sb;		/* a record */
	struct hashmap *seen;		/* places, by their hash */
	struct place *places;
	size_t nplaces, cap_places;
	struct image_told *images;
	size_t nimages;
	bool failed;			/* out of memory: what follows has no names */
	struct strbuf run;
	bool begun;			/* its targets are known */
	uint64_t start, wall, last_tick;
	uint32_t last_seq;

	/* the reporter's */
	size_t named;			/* places that were looked up at least once */
	struct texts *texts;
	struct hashmap *mapped;		/* paths, by process and address */
	struct record_rss *rss;
	size_t nrss;
	bool told_error;
};

static void lock(struct recorder *rec)
{
	rec->opts.lock(rec->opts.ctx);
}

static void unlock(struct recorder *rec)
{
	rec->opts.unlock(rec->opts.ctx);
}

static struct strbuf *fresh(struct recorder *rec)
{
	strbuf__reset(&rec->sb);
	return &rec->sb;
}

static void put(struct recorder *rec, enum record_kind kind)
{
	recording__put(rec->recording, kind, &rec->sb);
}

/* ---- what is noted when a stack comes ---- */

static void describe_image(struct recorder *rec, uint32_t id, struct strbuf *sb)
{
	struct image *im = images__get(rec->opts.images, id);
	struct record_image r = { .id = id, .path = "" };
	struct image_told *told = &rec->images[id];
	size_t len;

	if (im) {
		r.path = (char *)image__path(im);
		r.build_id_len = image__build_id(im, r.build_id);
		r.elf = told->elf = image__is_elf(im);
		told->settled = image__fd(im) >= 0 || image__memory(im, &len);
	}
	record__put_image(sb, &r);
}

/* All images up to this one, so that their ids are the same where the recording is read. */
static void note_image(struct recorder *rec, uint32_t id)
{
	struct image_told *images;

	if (id < rec->nimages || id == FRAME_NO_IMAGE)
		return;
	images = realloc(rec->images, (id + 1) * sizeof(*images));
	if (!images) {
		rec->failed = true;
		return;
	}
	rec->images = images;
	while (rec->nimages <= id) {
		images[rec->nimages] = (struct image_told){ 0 };
		describe_image(rec, (uint32_t)rec->nimages++, fresh(rec));
		put(rec, RECORD_IMAGE);
	}
}

static void note_place(struct recorder *rec, uint32_t image, uint32_t pid, uint64_t at)
{
	uint64_t key = hashmap__mix(at, (uint64_t)image << 32 | pid);
	size_t cap = rec->cap_places ? rec->cap_places * 2 : 1024;
	struct place *places;
	uintptr_t known;

	if (rec->failed || hashmap__get(rec->seen, key, &known))
		return;
	if (rec->nplaces == rec->cap_places) {
		places = reallocarray(rec->places, cap, sizeof(*places));
		if (places) {
			rec->places = places;
			rec->cap_places = cap;
		}
	}
	rec->failed = rec->nplaces == rec->cap_places || hashmap__set(rec->seen, key, 1);
	if (!rec->failed)
		rec->places[rec->nplaces++] = (struct place){ image, pid, at, 0 };
}

static void note_frame(struct recorder *rec, uint32_t pid, const struct frame *f)
{
	bool file = f->image != FRAME_NO_IMAGE && f->image < rec->nimages;
	bool elf = file && rec->images[f->image].elf;

	/* Run-time code may lie in a file too, in memory; and of one that is not open, nobody knows. */
	if (file && f->offset && (elf || !rec->images[f->image].settled))
		note_place(rec, f->image, 0, f->offset);
	if (!elf && f->pc)
		note_place(rec, FRAME_NO_IMAGE, pid, f->pc);
}

/* ---- the witness ---- */

static void on_event(void *ctx, const void *data, size_t size)
{
	recording__event(((struct recorder *)ctx)->recording, data, size);
}

static void on_stack(void *ctx, uint64_t time, const struct stack *st)
{
	struct recorder *rec = ctx;

	for (unsigned int i = 0; i < st->n; i++) {
		note_image(rec, st->frames[i].image);
		note_frame(rec, st->pid, &st->frames[i]);
	}
	record__put_stack(fresh(rec), time, st);
	put(rec, RECORD_STACK);
}

static void on_process(void *ctx, const struct process_facts *f)
{
	struct recorder *rec = ctx;
	struct record_process r = {
		.pid = f->pid,
		.first_seen = f->first_seen,
		.named = f->named,
		.exe = (char *)f->exe,
	};

	memcpy(r.comm, f->comm, sizeof(r.comm));
	record__put_process(fresh(rec), &r);
	put(rec, RECORD_PROCESS);
}

static void on_allocator(void *ctx, uint32_t image, uint64_t start, uint64_t end)
{
	struct recorder *rec = ctx;

	note_image(rec, image);
	record__put_allocator(fresh(rec), &(struct record_allocator){ image, start, end });
	put(rec, RECORD_ALLOCATOR);
}

const struct collector_witness recorder__witness = {
	.event = on_event,
	.stack = on_stack,
	.process = on_process,
	.allocator = on_allocator,
};

/* ---- the run, and its reports ---- */

void recorder__run(struct recorder *rec, const struct profile_run *run, uint64_t start, uint64_t wall)
{
	const struct session_plan *plan = rec->opts.plan;
	struct record_run r = {
		.start = start,
		.wall = wall,
		.version = (char *)run->version,
		.host = (char *)run->host,
		.kernel = (char *)run->kernel,
		.mode = (char *)run->mode,
		.stack_mode = (char *)run->stack_mode,
		.interval_s = run->interval_s,
		.heap = plan->query.heap,
		.map = plan->query.map,
		.children = plan->children,
		.min_size = plan->min_size,
		.max_size = plan->max_size,
		.min_age = plan->query.min_age,
		.ntargets = run->ntargets,
	};

	r.targets = calloc(run->ntargets + 1, sizeof(*r.targets));
	rec->failed |= !r.targets;
	for (size_t i = 0; r.targets && i < run->ntargets; i++)
		r.targets[i] = (struct record_target){
			.pid = run->targets[i].pid,
			.comm = (char *)run->targets[i].comm,
			.exe = (char *)run->targets[i].exe,
			.container = (char *)run->targets[i].container,
		};
	r.ntargets = r.targets ? run->ntargets : 0;
	rec->begun = rec->run.len;
	strbuf__reset(&rec->run);
	record__put_run(&rec->run, &r);
	recording__put(rec->recording, RECORD_RUN, &rec->run);
	free(r.targets);
	rec->start = start;
	rec->wall = wall;
}

void recorder__tick(struct recorder *rec, const struct report_tick *tick)
{
	record__put_tick(fresh(rec), &(struct record_tick){ tick->seq, tick->final, tick->now, tick->wall,
							      tick->counters });
	put(rec, RECORD_TICK);
	rec->last_tick = tick->now;
	rec->last_seq = tick->seq;
}

void recorder__mark(struct recorder *rec, uint64_t now)
{
	record__put_mark(fresh(rec), &(struct record_mark){ now, rec->wall + (now - rec->start) });
	put(rec, RECORD_MARK);
}

/* ---- names ---- */

static uint64_t hash_text(uint64_t h, const char *s)
{
	for (; s && *s; s++)
		h = (h ^ (unsigned char)*s) * 0x100000001b3;
	return hashmap__mix(h, s != NULL);
}

static uint64_t hash_names(const struct named_frame *f, size_t n)
{
	uint64_t h = n;

	for (size_t i = 0; i < n; i++) {
		h = hash_text(hash_text(h, f[i].func), f[i].file);
		h = hashmap__mix(h, (uint64_t)f[i].line << 1 | f[i].inlined);
	}
	return h | 1;
}

static void put_names(struct strbuf *sb, const struct place *p, const struct named_frame *f, size_t n)
{
	struct record_code r = { .image = p->image, .offset = p->at, .n = n };

	if (p->image == FRAME_NO_IMAGE) {
		record__put_jit(sb, &(struct record_jit){ p->pid, p->at, n ? (char *)f[0].func : NULL });
		return;
	}
	for (size_t i = 0; i < n; i++)
		r.names[i] = (struct record_name){ (char *)f[i].func, (char *)f[i].file, f[i].line,
						   f[i].inlined, true };
	record__put_code(sb, &r);
}

/* Looks a place up. What is to be recorded is added to `sb`: false where that is nothing. */
static bool name_place(struct recorder *rec, struct place *p, struct strbuf *sb)
{
	struct named_frame f[RECORD_NAMES_MAX];
	struct frame frame = { .image = p->image, .offset = p->at, .pc = p->at };
	struct image *im = p->image == FRAME_NO_IMAGE ? NULL : images__get(rec->opts.images, p->image);
	uint64_t hash;
	size_t n = 0;

	/* In a file that is none of code, it has its names as an address. */
	if (!im || image__is_elf(im))
		n = symbolizer__frame(rec->symbolizer, p->pid, &frame, f, RECORD_NAMES_MAX);
	if (n == 1 && !f[0].func && !f[0].file)
		n = 0;
	hash = n ? hash_names(f, n) : 0;
	if (hash == p->told)
		return false;
	p->told = hash;
	strbuf__reset(sb);
	put_names(sb, p, f, n);
	return true;
}

/* Places [from, to): a copy is looked up, then what is new is given, each under the lock. */
static void name_places(struct recorder *rec, size_t from, size_t to)
{
	struct place batch[BATCH];
	struct strbuf out[BATCH] = { 0 };
	size_t n;

	for (; from < to; from += n) {
		n = to - from < BATCH ? to - from : BATCH;
		lock(rec);
		memcpy(batch, rec->places + from, n * sizeof(*batch));
		unlock(rec);
		for (size_t i = 0; i < n; i++)
			if (!name_place(rec, &batch[i], &out[i]))
				strbuf__reset(&out[i]);
		lock(rec);
		for (size_t i = 0; i < n; i++)
			if (out[i].len || out[i].error)
				recording__put(rec->recording,
					       batch[i].image == FRAME_NO_IMAGE ? RECORD_JIT : RECORD_CODE, &out[i]);
		memcpy(rec->places + from, batch, n * sizeof(*batch));
		unlock(rec);
	}
	for (size_t i = 0; i < BATCH; i++)
		strbuf__free(&out[i]);
}

/* Files that could not be opened when they were met, and can now. */
static void settle_images(struct recorder *rec)
{
	for (uint32_t i = 0; i < rec->nimages; i++) {
		if (rec->images[i].settled)
			continue;
		describe_image(rec, i, fresh(rec));
		if (rec->images[i].settled)
			put(rec, RECORD_IMAGE);
	}
}

/* ---- files behind mappings ---- */

struct ranges {
	struct {
		uint32_t pid;
		uint64_t start;
	} *at;
	size_t n, cap;
};

static void note_range(void *ctx, uint32_t pid, uint64_t start)
{
	struct ranges *rs = ctx;
	size_t cap = rs->cap ? rs->cap * 2 : 64;
	void *at;

	if (rs->n == rs->cap) {
		at = reallocarray(rs->at, cap, sizeof(*rs->at));
		if (!at)
			return;
		rs->at = at;
		rs->cap = cap;
	}
	rs->at[rs->n].pid = pid;
	rs->at[rs->n++].start = start;
}

/* As the session itself would find it; a process is read again at most once for all of its ranges. */
static const char *path_of(struct recorder *rec, uint32_t pid, uint64_t addr, uint32_t *refreshed)
{
	const struct mapping *m = NULL;

	for (int again = 0; again < 2; again++) {
		const struct space *sp = collector__space(rec->collector, pid);

		m = sp ? space__find(sp, addr) : NULL;
		if ((m && m->path[0]) || *refreshed == pid)
			break;
		*refreshed = pid;
		collector__refresh_process(rec->collector, pid);
	}
	return m && m->path[0] ? m->path : NULL;
}

/* With the lock: a range's path may be gone with its process a moment later. */
static void name_ranges(struct recorder *rec)
{
	struct ranges rs = { 0 };
	uint32_t refreshed = 0;

	collector__file_ranges(rec->collector, note_range, &rs);
	for (size_t i = 0; i < rs.n; i++) {
		uint64_t key = hashmap__mix(rs.at[i].start, rs.at[i].pid);
		const char *path = path_of(rec, rs.at[i].pid, rs.at[i].start, &refreshed);
		const char *kept = texts__keep(rec->texts, path);
		uintptr_t known = 0;

		hashmap__get(rec->mapped, key, &known);
		if (kept == (const char *)known || hashmap__set(rec->mapped, key, (uintptr_t)kept))
			continue;
		record__put_mapped(fresh(rec), &(struct record_mapped){ rs.at[i].pid, rs.at[i].start, (char *)kept });
		put(rec, RECORD_MAPPED);
	}
	free(rs.at);
}

const char *recorder__mapped_file(const struct recorder *rec, uint32_t pid, uint64_t addr)
{
	uintptr_t known = 0;

	hashmap__get(rec->mapped, hashmap__mix(addr, pid), &known);
	return (const char *)known;
}

/* ---- a report's own facts ---- */

static void read_rss(struct recorder *rec, const struct snapshot *snap)
{
	struct record_rss *rss = calloc(snap->nprocesses + 1, sizeof(*rss));

	free(rec->rss);
	rec->rss = rss;
	rec->nrss = 0;
	for (size_t i = 0; rss && i < snap->nprocesses; i++)
		if (!snap->processes[i].exited)
			rss[rec->nrss++] = (struct record_rss){
				snap->processes[i].pid, util__resident_bytes(snap->processes[i].pid) };
}

uint64_t recorder__rss(const struct recorder *rec, uint32_t pid)
{
	for (size_t i = 0; i < rec->nrss; i++)
		if (rec->rss[i].pid == pid)
			return rec->rss[i].bytes;
	return 0;
}

void recorder__tell(struct recorder *rec, const struct report_tick *tick, const struct snapshot *snap)
{
	size_t n;

	read_rss(rec, snap);
	symbolizer__new_report(rec->symbolizer);
	lock(rec);
	settle_images(rec);
	name_ranges(rec);
	n = rec->nplaces;
	unlock(rec);
	name_places(rec, 0, n);
	rec->named = n;
	lock(rec);
	record__put_told(fresh(rec), &(struct record_told){ tick->seq, rec->nrss, rec->rss });
	put(rec, RECORD_TOLD);
	recording__flush(rec->recording);
	unlock(rec);
}

/* ---- a state, for a recording that is compacted ---- */

static void put_state(struct recorder *rec, enum record_kind kind)
{
	recording__put_state(rec->recording, kind, &rec->sb);
}

static void put_piece(void *ctx, const struct strbuf *sb)
{
	recording__put_state(((struct recorder *)ctx)->recording, RECORD_STATE, sb);
}

static void put_apis(struct recorder *rec, void (*give)(struct recorder *rec, enum record_kind kind))
{
	for (uint32_t row = 0; row < API_ROWS; row++) {
		struct record_api r = { row, api__get(row)->kind, (char *)rec->opts.api_names[row] };

		if (!r.name)
			continue;
		record__put_api(fresh(rec), &r);
		give(rec, RECORD_API);
	}
}

/* Names follow: all of them are recorded anew, from now on. */
static void save_state(struct recorder *rec)
{
	struct record_compacted r = { rec->last_tick, rec->wall + (rec->last_tick - rec->start), rec->last_seq };

	recording__begin_state(rec->recording);
	recording__put_state(rec->recording, RECORD_RUN, &rec->run);
	put_apis(rec, put_state);
	record__put_compacted(fresh(rec), &r);
	put_state(rec, RECORD_COMPACTED);
	for (uint32_t i = 0; i < rec->nimages; i++) {
		describe_image(rec, i, fresh(rec));
		put_state(rec, RECORD_IMAGE);
	}
	if (collector__save(rec->collector, put_piece, rec))
		rec->failed = true;
	recording__end_state(rec->recording);
	for (size_t i = 0; i < rec->nplaces; i++)
		rec->places[i].told = 0;
	hashmap__free(rec->mapped);
	rec->mapped = hashmap__new();
	rec->failed |= !rec->mapped;
	rec->named = 0;
}

int recorder__tend(struct recorder *rec)
{
	size_t n;

	lock(rec);
	if (rec->begun && recording__wants_state(rec->recording)) {
		save_state(rec);
		if (rec->mapped)
			name_ranges(rec);
	}
	n = rec->nplaces;
	unlock(rec);
	name_places(rec, rec->named, n);
	rec->named = n;
	lock(rec);
	recording__flush(rec->recording);
	unlock(rec);
	return recording__error(rec->recording);
}

/* ---- beginning and end ---- */

struct recorder *recorder__open(const struct recorder_opts *opts)
{
	struct recorder *rec = calloc(1, sizeof(*rec));

	if (rec) {
		rec->opts = *opts;
		rec->seen = hashmap__new();
		rec->mapped = hashmap__new();
		rec->texts = texts__new();
	}
	if (!rec || !rec->seen || !rec->mapped || !rec->texts) {
		log__error("cannot record: out of memory");
		recorder__free(rec);
		return NULL;
	}
	rec->recording = recording__create(opts->plan->record, opts->plan->record_bytes);
	if (!rec->recording) {
		log__error("cannot write %s: %s", opts->plan->record, strerror(errno));
		recorder__free(rec);
		return NULL;
	}
	put_apis(rec, put);
	return rec;
}

void recorder__attach(struct recorder *rec, struct collector *c, struct symbolizer *s)
{
	rec->collector = c;
	rec->symbolizer = s;
}

void recorder__free(struct recorder *rec)
{
	if (!rec)
		return;
	recording__free(rec->recording);
	if (rec->recording && !rec->begun)
		unlink(rec->opts.plan->record);
	strbuf__free(&rec->sb);
	strbuf__free(&rec->run);
	hashmap__free(rec->seen);
	hashmap__free(rec->mapped);
	texts__free(rec->texts);
	free(rec->places);
	free(rec->images);
	free(rec->rss);
	free(rec);
}

static void tell_end(struct recorder *rec)
{
	struct recording_stats st;
	char size[16];

	recording__stats(rec->recording, &st);
	log__info("recorded %llu events in %s to %s%s", (unsigned long long)st.events,
		  util__format_size(size, sizeof(size), st.bytes), rec->opts.plan->record,
		  st.compactions ? ", without the oldest reports (--record-size)" : "");
	if (st.waits)
		log__warn("writing the recording held events up for %.1f s in all: what did not fit the ring is "
			  "counted as lost",
			  (double)st.waited_ns / 1e9);
	if (st.plain_chunks)
		log__debug("%llu pieces of the recording were left as they are, for lack of time",
			   (unsigned long long)st.plain_chunks);
}

int recorder__close(struct recorder *rec)
{
	int err = recording__close(rec->recording);

	if (err == -EFBIG)
		log__error("cannot record on: what is outstanding takes more than half of --record-size; use a larger one");
	else if (err)
		log__error("cannot write %s: %s", rec->opts.plan->record, strerror(-err));
	else
		tell_end(rec);
	if (!err && rec->failed)
		log__warn("some code has no names in the recording: out of memory");
	return err;
}
