/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The places in code that call stacks pass through are noted when a stack arrives, once each, and
 * looked up soon after. A place without a name may get one later: a just-in-time compiler writes
 * its map late, or a file could not be opened at first. So all places are looked up again with each
 * report, and changed names are recorded again. The symbolizer caches the lookups.
 */
#include "record/recorder_internal.h"

#include <stdlib.h>
#include <string.h>

#include "symbols/mappings.h"
#include "symbols/module.h"
#include "symbols/symbolizer.h"
#include "util/array.h"
#include "util/hashmap.h"
#include "util/strtab.h"

#define BATCH 256 /* names that are looked up each time the lock is released */

/* ---- noting places ---- */

void recorder_names__describe_module(struct recorder *rec, uint32_t id, struct strbuf *sb)
{
	struct module *mod = modules__get(rec->opts.modules, id);
	struct record_module r = { .id = id, .path = "" };
	struct recorded_module *recorded = &rec->modules[id];
	size_t len;

	if (mod) {
		r.path = module__path(mod);
		r.build_id_len = module__build_id(mod, r.build_id);
		r.elf = recorded->elf = module__is_elf(mod);
		recorded->settled = module__fd(mod) >= 0 || module__memory(mod, &len);
	}
	record__put_module(sb, &r);
}

/* Records all up to this one, so that ids are the same where the recording is read. */
void recorder_names__note_module(struct recorder *rec, uint32_t id)
{
	if (id < rec->nmodules || id == FRAME_NO_MODULE)
		return;
	if (array__grow(&rec->modules, &rec->cap_modules, (size_t)id + 1, sizeof(*rec->modules))) {
		rec->failed = true;
		return;
	}
	while (rec->nmodules <= id) {
		rec->modules[rec->nmodules] = (struct recorded_module){ 0 };
		recorder_names__describe_module(rec, (uint32_t)rec->nmodules++,
						recorder__new_record(rec));
		recorder__put_record(rec, RECORD_MODULE);
	}
}

static void note_place(struct recorder *rec, uint32_t module, uint32_t pid, uint64_t at)
{
	uint64_t key = hash__mix(at, (uint64_t)module << 32 | pid);
	uintptr_t known;

	if (rec->failed || hashmap__get(rec->seen, key, &known))
		return;
	rec->failed =
	    array__grow(&rec->places, &rec->cap_places, rec->nplaces + 1, sizeof(*rec->places)) ||
	    hashmap__set(rec->seen, key, 1);
	if (!rec->failed)
		rec->places[rec->nplaces++] = (struct place){ module, pid, at, 0 };
}

static void note_frame(struct recorder *rec, uint32_t pid, const struct frame *f)
{
	bool file = f->module != FRAME_NO_MODULE && f->module < rec->nmodules;
	bool elf = file && rec->modules[f->module].elf;

	/* Run-time code may also be mapped from a file in memory; a file that is not open may be
	 * either. */
	if (file && f->offset && (elf || !rec->modules[f->module].settled))
		note_place(rec, f->module, 0, f->offset);
	if (!elf && f->pc)
		note_place(rec, FRAME_NO_MODULE, pid, f->pc);
}

void recorder_names__note_stack(struct recorder *rec, const struct stack *st)
{
	for (unsigned int i = 0; i < st->n; i++) {
		recorder_names__note_module(rec, st->frames[i].module);
		note_frame(rec, st->pid, &st->frames[i]);
	}
}

/* ---- names of places ---- */

/* NULL and "" differ. */
static uint64_t hash_name(uint64_t h, const char *s)
{
	return hash__mix(s ? hash__string(h, s) : h, s != NULL);
}

static uint64_t hash_names(const struct named_frame *f, size_t n)
{
	uint64_t h = n;

	for (size_t i = 0; i < n; i++) {
		h = hash_name(hash_name(h, f[i].func), f[i].file);
		h = hash__mix(h, (uint64_t)f[i].line << 1 | f[i].inlined);
	}
	return h | 1;
}

static void put_names(struct strbuf *sb, const struct place *p, const struct named_frame *f,
		      size_t n)
{
	struct record_code r = { .module = p->module, .offset = p->at, .n = n };

	if (p->module == FRAME_NO_MODULE) {
		record__put_jit(sb, &(struct record_jit){ p->pid, p->at, n ? f[0].func : NULL });
		return;
	}
	for (size_t i = 0; i < n; i++)
		r.names[i] =
		    (struct record_name){ f[i].func, f[i].file, f[i].line, f[i].inlined, true };
	record__put_code(sb, &r);
}

/* Looks up a place. Returns false if its names have not changed; otherwise `sb` is their record. */
static bool name_place(struct recorder *rec, struct place *p, struct strbuf *sb)
{
	struct named_frame f[RECORD_NAMES_MAX];
	struct frame frame = { .module = p->module, .offset = p->at, .pc = p->at };
	struct module *mod =
	    p->module == FRAME_NO_MODULE ? NULL : modules__get(rec->opts.modules, p->module);
	uint64_t hash;
	size_t n = 0;

	/* In a file that is not ELF, the place is named by its address. */
	if (!mod || module__is_elf(mod))
		n = symbolizer__frame(rec->symbolizer, p->pid, &frame, f, RECORD_NAMES_MAX);
	if (n == 1 && !f[0].func && !f[0].file)
		n = 0;
	hash = n ? hash_names(f, n) : 0;
	if (hash == p->recorded)
		return false;
	p->recorded = hash;
	strbuf__reset(sb);
	put_names(sb, p, f, n);
	return true;
}

static void expect_place(struct recorder *rec, const struct place *p)
{
	struct frame frame = { .module = p->module, .offset = p->at, .pc = p->at };

	symbolizer__expect_frame(rec->symbolizer, &frame);
}

/* Places are copied and records put with the lock held, but looked up without it. */
void recorder_names__look_up(struct recorder *rec, size_t from, size_t to)
{
	struct place batch[BATCH];
	struct strbuf out[BATCH] = { 0 };
	size_t n;

	for (; from < to; from += n) {
		n = to - from < BATCH ? to - from : BATCH;
		recorder__lock(rec);
		memcpy(batch, rec->places + from, n * sizeof(*batch));
		recorder__unlock(rec);
		for (size_t i = 0; i < n; i++)
			expect_place(rec, &batch[i]);
		for (size_t i = 0; i < n; i++)
			if (!name_place(rec, &batch[i], &out[i]))
				strbuf__reset(&out[i]);
		recorder__lock(rec);
		for (size_t i = 0; i < n; i++)
			if (out[i].len || out[i].error)
				record_writer__put(rec->writer,
						   batch[i].module == FRAME_NO_MODULE ? RECORD_JIT
										      : RECORD_CODE,
						   &out[i]);
		memcpy(rec->places + from, batch, n * sizeof(*batch));
		recorder__unlock(rec);
	}
	for (size_t i = 0; i < BATCH; i++)
		strbuf__free(&out[i]);
}

void recorder_names__settle_modules(struct recorder *rec)
{
	for (uint32_t i = 0; i < rec->nmodules; i++) {
		if (rec->modules[i].settled)
			continue;
		recorder_names__describe_module(rec, i, recorder__new_record(rec));
		if (rec->modules[i].settled)
			recorder__put_record(rec, RECORD_MODULE);
	}
}

/* ---- files behind mappings ---- */

struct range_start {
	uint32_t pid;
	uint64_t start;
};

struct range_list {
	struct range_start *at;
	size_t n, cap;
};

static void note_range(void *ctx, uint32_t pid, uint64_t start)
{
	struct range_list *rs = ctx;

	if (array__grow(&rs->at, &rs->cap, rs->n + 1, sizeof(*rs->at)))
		return;
	rs->at[rs->n].pid = pid;
	rs->at[rs->n++].start = start;
}

/* Looks it up as the session would; a process's mappings are read again at most once. */
static const char *path_behind(struct recorder *rec, uint32_t pid, uint64_t addr,
			       uint32_t *refreshed)
{
	const struct mapping *m = NULL;

	for (int again = 0; again < 2; again++) {
		const struct mappings *sp = collector__mappings(rec->collector, pid);

		m = sp ? mappings__find(sp, addr) : NULL;
		if ((m && m->path[0]) || *refreshed == pid)
			break;
		*refreshed = pid;
		collector__refresh_mappings(rec->collector, pid);
	}
	return m && m->path[0] ? m->path : NULL;
}

/* Needs the lock, since a range's path is freed with its process. */
void recorder_names__look_up_ranges(struct recorder *rec)
{
	struct range_list rs = { 0 };
	uint32_t refreshed = 0;

	if (!rec->mapped)
		return;
	collector__file_ranges(rec->collector, note_range, &rs);
	for (size_t i = 0; i < rs.n; i++) {
		uint64_t key = hash__mix(rs.at[i].start, rs.at[i].pid);
		const char *path = path_behind(rec, rs.at[i].pid, rs.at[i].start, &refreshed);
		const char *kept = strtab__copy(rec->strings, path);

		if (kept == hashmap__get_ptr(rec->mapped, key) ||
		    hashmap__set_ptr(rec->mapped, key, kept))
			continue;
		record__put_mapped(recorder__new_record(rec),
				   &(struct record_mapped){ rs.at[i].pid, rs.at[i].start, kept });
		recorder__put_record(rec, RECORD_MAPPED);
	}
	free(rs.at);
}

const char *recorder__mapped_file(const struct recorder *rec, uint32_t pid, uint64_t addr)
{
	return rec->mapped ? hashmap__get_ptr(rec->mapped, hash__mix(addr, pid)) : NULL;
}

void recorder_names__forget(struct recorder *rec)
{
	for (size_t i = 0; i < rec->nplaces; i++)
		rec->places[i].recorded = 0;
	rec->named = 0;
	hashmap__free(rec->mapped);
	rec->mapped = hashmap__new();
	rec->failed |= !rec->mapped;
}
