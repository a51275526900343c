/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is mapped is seen in the kernel's list of all mapped code, not by counting what processes
 * were reported to map: a library of a known file is not reported. A file goes in this order: it
 * becomes unknown, so that a process which maps it from then on is reported and scanned; the list
 * is read again, for those that mapped it before; then its probes and its table are removed, by
 * which it could be found; and last its descriptor, which kept its inode number from being used
 * again.
 */
#include "session/unused_files.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "session/traced_files.h"
#include "symbols/module.h"
#include "trace/tracer_ops.h"
#include "util/array.h"
#include "util/clock.h"
#include "util/hashmap.h"
#include "util/kdev.h"
#include "util/log.h"

#define GAP_NS 1000000000ull /* between two looks */
#define SHARE 50	     /* and this many times what a look takes */

struct unused_files {
	struct unused_files_opts opts;
	struct hashmap *since; /* by module: when it was first seen to be unmapped */
	bool changed, failed;
	uint64_t earliest; /* of the next look */
	uint64_t due;	   /* when the next file has been unused for long enough */
};

struct unused_files *unused_files__new(const struct unused_files_opts *opts)
{
	struct unused_files *u = calloc(1, sizeof(*u));

	if (!u)
		return NULL;
	u->opts = *opts;
	u->due = UINT64_MAX;
	u->since = hashmap__new();
	if (u->since)
		return u;
	free(u);
	return NULL;
}

void unused_files__free(struct unused_files *u)
{
	if (!u)
		return;
	hashmap__free(u->since);
	free(u);
}

void unused_files__changed(struct unused_files *u)
{
	u->changed = true;
}

uint64_t unused_files__next(const struct unused_files *u)
{
	uint64_t due = u->changed ? u->earliest : u->due;

	if (u->failed)
		return UINT64_MAX;
	return due > u->earliest ? due : u->earliest;
}

/* ---- what is mapped ---- */

static int add_mapped(void *ctx, const struct listed *l)
{
	return hashmap__set(ctx, hash__mix(kdev__to_user(l->dev), l->ino), 1);
}

/* A set of what processes map now; NULL: it cannot be listed. */
static struct hashmap *list_mapped(struct unused_files *u)
{
	struct hashmap *mapped = hashmap__new();
	int err = mapped ? u->opts.trace->list(u->opts.tracer, TRACER_LIST_ALL, add_mapped, mapped)
			 : -ENOMEM;

	if (!err)
		return mapped;
	if (!u->failed)
		log__debug("files that are no longer mapped are kept: %s", strerror(-err));
	u->failed = true;
	hashmap__free(mapped);
	return NULL;
}

/* ---- files that are not ---- */

struct unused {
	struct module *module;
	uint64_t dev, ino, since, bytes;
	bool deleted;
};

struct look {
	struct unused_files *u;
	struct hashmap *mapped;
	uint64_t now;
	struct unused *at; /* oldest first, once they are sorted */
	size_t n, cap;
};

/* As in the list: two files may share a key, and one of them is then kept for the other. */
static bool is_mapped(const struct hashmap *mapped, struct module *mod)
{
	uint64_t dev, ino;
	uintptr_t one;

	module__key(mod, &dev, &ino);
	return hashmap__get(mapped, hash__mix(dev, ino), &one);
}

/* Called with the registry locked: it must not call the registry. */
static void look_at(void *ctx, struct module *mod)
{
	struct look *l = ctx;
	struct unused f = { .module = mod };
	uintptr_t since = l->now;
	struct stat st;

	if (is_mapped(l->mapped, mod)) {
		hashmap__remove(l->u->since, module__id(mod), NULL);
		return;
	}
	if (!hashmap__get(l->u->since, module__id(mod), &since) &&
	    hashmap__set(l->u->since, module__id(mod), since))
		return;
	f.since = since;
	module__key(mod, &f.dev, &f.ino);
	if (!fstat(module__fd(mod), &st) && !st.st_nlink) {
		f.deleted = true;
		f.bytes = (uint64_t)st.st_blocks * 512;
	}
	if (!array__grow(&l->at, &l->cap, l->n + 1, sizeof(*l->at)))
		l->at[l->n++] = f;
}

static int compare_ages(const void *pa, const void *pb)
{
	const struct unused *a = pa, *b = pb;

	return (a->since > b->since) - (a->since < b->since);
}

/* Leaves those that are to be given back. */
static void choose(struct look *l)
{
	size_t files = l->n, deleted = 0, chosen = 0;
	uint64_t bytes = 0;

	for (size_t i = 0; i < l->n; i++) {
		deleted += l->at[i].deleted;
		bytes += l->at[i].bytes;
	}
	if (l->n)
		qsort(l->at, l->n, sizeof(*l->at), compare_ages);
	l->u->due = UINT64_MAX;
	for (size_t i = 0; i < l->n; i++) {
		struct unused f = l->at[i];
		bool over =
		    f.deleted && (deleted > UNUSED_DELETED_MAX || bytes > UNUSED_DELETED_BYTES);

		if (l->now - f.since < UNUSED_KEEP_NS && files <= UNUSED_FILES_MAX && !over) {
			if (f.since + UNUSED_KEEP_NS < l->u->due)
				l->u->due = f.since + UNUSED_KEEP_NS;
			continue;
		}
		files--;
		deleted -= f.deleted;
		bytes -= f.bytes;
		l->at[chosen++] = f;
	}
	l->n = chosen;
}

static void give_back(struct unused_files *u, const struct unused *f)
{
	const struct unused_files_opts *o = &u->opts;
	uint32_t id = module__id(f->module);

	hashmap__remove(u->since, id, NULL);
	if (o->trace->release_file(o->tracer, id)) {
		traced_files__know_again(o->files, id);
		return;
	}
	traced_files__drop(o->files, id);
	modules__give_back(o->modules, f->module);
}

static void give_back_chosen(struct look *l)
{
	const struct unused_files_opts *o = &l->u->opts;
	struct hashmap *mapped;

	for (size_t i = 0; i < l->n; i++)
		o->trace->unknow_file(o->tracer, l->at[i].dev, l->at[i].ino);
	mapped = l->n ? list_mapped(l->u) : NULL;
	for (size_t i = 0; i < l->n; i++) {
		if (mapped && !is_mapped(mapped, l->at[i].module)) {
			give_back(l->u, &l->at[i]);
			continue;
		}
		hashmap__remove(l->u->since, module__id(l->at[i].module), NULL);
		traced_files__know_again(o->files, module__id(l->at[i].module));
	}
	hashmap__free(mapped);
}

void unused_files__tend(struct unused_files *u, uint64_t now)
{
	struct look l = { .u = u, .now = now };
	uint64_t began = clock__now_ns();

	if (now < unused_files__next(u))
		return;
	u->changed = false;
	l.mapped = list_mapped(u);
	if (!l.mapped)
		return;
	modules__each_open(u->opts.modules, look_at, &l);
	choose(&l);
	give_back_chosen(&l);
	free(l.at);
	hashmap__free(l.mapped);
	u->earliest = now + GAP_NS + SHARE * (clock__now_ns() - began);
}
