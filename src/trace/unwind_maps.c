/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A *view* is what a process has mapped: a slice of the array of mappings, and references to the
 * tables that it uses. A new view is drafted from the process's mappings, written to an unused
 * slice, and published by one update of the map of processes; then the old view is released.
 * Released slices and tables are not overwritten before every BPF program that was running at that
 * time has ended.
 */
#include "trace/unwind_maps.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "symbols/mappings.h"
#include "trace/tables.h"
#include "unwind/slices.h"
#include "unwind/stacks.h"
#include "unwind/table.h"
#include "util/hashmap.h"
#include "util/array.h"

#define MAPPINGS_BYTES (UNWIND_MAX_MAPPINGS * sizeof(struct unwind_mapping))
#define CACHE_BYTES ((size_t)16 << UNWIND_CACHE_BITS)
/* Elements of hash maps: key, value and header, roughly. */
#define PROCESS_BYTES 96
#define FILE_BYTES (sizeof(struct unwind_file_key) + sizeof(struct unwind_file) + 64)
/* Memory that is taken whatever is traced. */
#define FIXED_BYTES                                                                                \
	(MAPPINGS_BYTES + CACHE_BYTES + UNWIND_MAX_PROCESSES * PROCESS_BYTES +                     \
	 UNWIND_MAX_FILES * FILE_BYTES)

#define KERNEL_ADDRESSES (1ull << 47) /* only [vsyscall] is mapped above */

/* What one or several processes have mapped: a forked child shares its parent's view. */
struct view {
	unsigned int processes;
	struct slice slice;
	struct trace_table **tables;
	size_t ntables;
};

struct process {
	struct view *view;
	uint32_t epoch; /* as struct unwind_process has it */
};

struct unwind_maps {
	int processes_fd;
	struct unwind_mapping *mappings;
	void *cache;
	struct trace_tables *tables;
	struct slices *slices;
	struct hashmap *processes; /* by pid */
};

/* ---- making and ending ---- */

int unwind_maps__prepare(struct bpf_object *obj, uint64_t memory)
{
	return memory < UNWIND_MEMORY_MIN ? -EINVAL
					  : trace_tables__prepare(obj, memory - FIXED_BYTES);
}

static void *map_memory(struct bpf_object *obj, const char *name, size_t size)
{
	struct bpf_map *map = bpf_object__find_map_by_name(obj, name);
	void *p;

	if (!map || bpf_map__value_size(map) != size) {
		errno = ENOENT;
		return NULL;
	}
	p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);
	return p == MAP_FAILED ? NULL : p;
}

struct unwind_maps *unwind_maps__new(struct bpf_object *obj, struct modules *modules)
{
	struct unwind_maps *u = calloc(1, sizeof(*u));
	int err;

	if (!u)
		return NULL;
	u->processes_fd = bpf_object__find_map_fd_by_name(obj, "unwind_processes");
	errno = ENOENT;
	if (u->processes_fd < 0)
		goto fail;
	u->mappings = map_memory(obj, "unwind_mappings", MAPPINGS_BYTES);
	u->cache = map_memory(obj, "unwind_cache", CACHE_BYTES);
	if (!u->mappings || !u->cache)
		goto fail;
	u->slices = slices__new(u->mappings);
	u->processes = hashmap__new();
	if (!u->slices || !u->processes)
		goto fail;
	u->tables = trace_tables__new(obj, modules);
	if (u->tables)
		return u;
fail:
	err = errno;
	unwind_maps__free(u);
	errno = err;
	return NULL;
}

static void free_view(struct view *v)
{
	free(v->tables);
	free(v);
}

void unwind_maps__free(struct unwind_maps *u)
{
	struct process *p;
	size_t pos = 0;

	if (!u)
		return;
	while (u->processes && (p = hashmap__next_ptr(u->processes, &pos, NULL))) {
		if (--p->view->processes == 0)
			free_view(p->view);
		free(p);
	}
	hashmap__free(u->processes);
	trace_tables__free(u->tables);
	slices__free(u->slices);
	if (u->mappings)
		munmap(u->mappings, MAPPINGS_BYTES);
	if (u->cache)
		munmap(u->cache, CACHE_BYTES);
	free(u);
}

/* ---- views ---- */

/* A view that is being made. */
struct draft {
	struct unwind_mapping *maps;
	size_t n, cap;
	struct trace_table **tables;
	size_t ntables, tables_cap;
	bool no_room;
};

static int add_mapping(void *ctx, const struct unwind_mapping *m)
{
	struct draft *d = ctx;

	if (array__grow(&d->maps, &d->cap, d->n + 1, sizeof(*d->maps)))
		return -ENOMEM;
	d->maps[d->n++] = *m;
	return 0;
}

/* Makes the view a user of the table: once, however often its file is mapped. */
static int add_table(struct draft *d, struct trace_table *t)
{
	for (size_t i = d->ntables; i-- > 0;)
		if (d->tables[i] == t)
			return 0;
	if (array__grow(&d->tables, &d->tables_cap, d->ntables + 1, sizeof(*d->tables)))
		return -ENOMEM;
	d->tables[d->ntables++] = t;
	t->users++;
	return 0;
}

static int add_code(struct unwind_maps *u, struct draft *d, const struct mapping *m)
{
	struct unwind_mapping plain = {
		.start = m->start,
		.len = m->end - m->start,
		.pages = UNWIND_NO_CFI,
	};
	struct trace_table *t;
	int err;

	if (m->module == FRAME_NO_MODULE)
		return add_mapping(d, &plain);
	err = trace_tables__get(u->tables, m, &t);
	if (err == -ENOMEM)
		return err;
	if (err) {
		plain.pages = UNWIND_NO_TABLE;
		return add_mapping(d, &plain);
	}
	err = add_table(d, t);
	if (err) {
		t->users++;
		trace_tables__release(u->tables, t);
		return err;
	}
	if (t->wanted) {
		plain.pages = UNWIND_NO_TABLE;
		d->no_room = true;
	}
	if (!t->layout)
		return add_mapping(d, &plain);
	return unwind_table__map(t->layout, m->start, m->end, m->offset, add_mapping, d);
}

static int draft_view(struct unwind_maps *u, struct draft *d, const struct mappings *space)
{
	for (size_t i = 0; i < mappings__count(space); i++) {
		const struct mapping *m = mappings__at(space, i);
		int err = m->exec && m->start < KERNEL_ADDRESSES ? add_code(u, d, m) : 0;

		if (err)
			return err;
	}
	return d->n ? 0 : -ENODATA;
}

static void discard_draft(struct unwind_maps *u, struct draft *d)
{
	for (size_t i = 0; i < d->ntables; i++)
		trace_tables__release(u->tables, d->tables[i]);
	free(d->tables);
	free(d->maps);
}

static bool is_as_drafted(const struct unwind_maps *u, const struct view *v, const struct draft *d)
{
	return v->slice.n == d->n &&
	       !memcmp(u->mappings + v->slice.first, d->maps, d->n * sizeof(*d->maps));
}

/* Takes a slice for the draft's mappings; waits for released ones to settle if necessary. */
static int take_slice(struct unwind_maps *u, const struct draft *d, struct slice *out)
{
	int err = slices__add(u->slices, d->maps, d->n, out);
	int settled;

	if (err != -ENOSPC && err != -ENOSR)
		return err;
	settled = trace_tables__settle(u->tables);
	if (settled)
		return settled;
	slices__settle(u->slices);
	if (err == -ENOSR) {
		memset(u->cache, 0, CACHE_BYTES);
		slices__reset_ids(u->slices);
	}
	return slices__add(u->slices, d->maps, d->n, out);
}

static void release_view(struct unwind_maps *u, struct view *v)
{
	if (--v->processes)
		return;
	slices__release(u->slices, v->slice.id);
	for (size_t i = 0; i < v->ntables; i++)
		trace_tables__release(u->tables, v->tables[i]);
	free_view(v);
}

/* ---- processes ---- */

static struct process *find_mapped(const struct unwind_maps *u, uint32_t pid)
{
	return hashmap__get_ptr(u->processes, pid);
}

/* Publishes the view to the walk, and only then releases the process's previous one. */
static int publish_view(struct unwind_maps *u, uint32_t pid, struct view *v, uint32_t epoch)
{
	uint64_t slice = UNWIND_SLICE(v->slice.first, v->slice.n, v->slice.id);
	struct unwind_process entry = {
		.slice = slice,
		.check = UNWIND_FOLD(slice) ^ (uint64_t)epoch << 32 ^ pid,
	};
	struct process *p = find_mapped(u, pid);
	struct view *before = p ? p->view : NULL;

	if (!p) {
		p = calloc(1, sizeof(*p));
		if (!p || hashmap__set_ptr(u->processes, pid, p) != 0) {
			free(p);
			return -ENOMEM;
		}
	}
	if (bpf_map_update_elem(u->processes_fd, &pid, &entry, BPF_ANY) != 0) {
		int err = -errno;

		if (!before) {
			hashmap__remove(u->processes, pid, NULL);
			free(p);
		}
		return err;
	}
	p->view = v;
	p->epoch = epoch;
	v->processes++;
	if (before)
		release_view(u, before);
	return 0;
}

static int update_process(struct unwind_maps *u, uint32_t pid, const struct mappings *space,
			  uint32_t epoch)
{
	struct process *p = find_mapped(u, pid);
	struct draft d = { 0 };
	struct view *v = NULL;
	int err = draft_view(u, &d, space);
	bool no_room = d.no_room;

	if (err)
		goto out;
	if (p && is_as_drafted(u, p->view, &d)) {
		/* Published again: the epoch may have changed, or an exec may have removed the
		 * process. */
		err = publish_view(u, pid, p->view, epoch);
		goto out;
	}
	v = calloc(1, sizeof(*v));
	err = v ? take_slice(u, &d, &v->slice) : -ENOMEM;
	if (err)
		goto out;
	v->tables = d.tables;
	v->ntables = d.ntables;
	d.tables = NULL;
	d.ntables = 0;
	v->processes = 1; /* ourselves, until it is published */
	err = publish_view(u, pid, v, epoch);
	release_view(u, v);
	v = NULL;
out:
	free(v);
	discard_draft(u, &d);
	return err ? err : no_room ? -ENOSPC : 0;
}

int unwind_maps__update_now(struct unwind_maps *u, pid_t pid, const struct mappings *space)
{
	return update_process(u, (uint32_t)pid, space, 0);
}

int unwind_maps__update(struct unwind_maps *u, pid_t pid, const struct mappings *space,
			uint32_t epoch)
{
	return update_process(u, (uint32_t)pid, space, epoch + 1);
}

int unwind_maps__fork(struct unwind_maps *u, pid_t parent, pid_t child)
{
	struct process *p = find_mapped(u, (uint32_t)parent);

	return p ? publish_view(u, (uint32_t)child, p->view, p->epoch) : -ESRCH;
}

void unwind_maps__drop(struct unwind_maps *u, pid_t pid)
{
	uint32_t key = (uint32_t)pid;
	struct process *p = find_mapped(u, key);

	if (!p)
		return;
	bpf_map_delete_elem(u->processes_fd, &key);
	hashmap__remove(u->processes, key, NULL);
	release_view(u, p->view);
	free(p);
}

int unwind_maps__release_file(struct unwind_maps *u, uint32_t module)
{
	return trace_tables__drop(u->tables, module);
}

void unwind_maps__tend(struct unwind_maps *u)
{
	trace_tables__tend(u->tables);
}

void unwind_maps__stats(const struct unwind_maps *u, struct unwind_maps_stats *out)
{
	struct trace_tables_stats t;

	trace_tables__stats(u->tables, &t);
	*out = (struct unwind_maps_stats){
		.processes = hashmap__count(u->processes),
		.files = t.files,
		.rows = t.rows,
		.rules = t.rules,
		.bytes = FIXED_BYTES + t.bytes,
		.no_room = t.no_room,
	};
}
