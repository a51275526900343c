/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "session/traced_files.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "probe/discover.h"
#include "probe/explain.h"
#include "symbols/mappings.h"
#include "symbols/module.h"
#include "trace/tracer_ops.h"
#include "util/escape.h"
#include "util/log.h"
#include "util/plural.h"

struct traced_files {
	struct traced_files_opts opts;
	struct traced_file **files; /* by module ID; NULL: not mapped by a traced process yet */
	size_t n;
	size_t functions, probed;
	bool warned_of_exceptions;
};

struct traced_files *traced_files__new(const struct traced_files_opts *opts)
{
	struct traced_files *tf = calloc(1, sizeof(*tf));

	if (tf)
		tf->opts = *opts;
	return tf;
}

static void free_file(struct traced_file *f)
{
	if (f)
		discover__free(f->probes);
	free(f);
}

void traced_files__free(struct traced_files *tf)
{
	if (!tf)
		return;
	for (size_t i = 0; i < tf->n; i++)
		free_file(tf->files[i]);
	free(tf->files);
	free(tf);
}

static bool has_place(struct traced_files *tf, uint32_t module)
{
	size_t n = (size_t)module + 64;
	struct traced_file **files;

	if (module < tf->n)
		return true;
	files = reallocarray(tf->files, n, sizeof(*files));
	if (!files)
		return false;
	memset(files + tf->n, 0, (n - tf->n) * sizeof(*files));
	tf->files = files;
	tf->n = n;
	return true;
}

static void discover_functions(struct traced_files *tf, struct traced_file *f)
{
	const struct traced_files_opts *o = &tf->opts;

	if (f->probes)
		return;
	f->probes = discover__file(f->module, o->specs);
	if (!f->probes)
		return;
	o->found(o->ctx, f->probes);
	if (o->explain && f->probes->n)
		explain__file(f->probes, module__path(f->module), stderr);
}

/* Returns the file of a mapping; NULL if it is not code, or cannot be opened or read. */
static struct traced_file *file_of(struct traced_files *tf, const struct mapping *m)
{
	struct module *mod = m->exec ? modules__get(tf->opts.modules, m->module) : NULL;
	struct traced_file *f;

	if (!mod || module__fd(mod) < 0 || !has_place(tf, module__id(mod)))
		return NULL;
	f = tf->files[module__id(mod)];
	if (!f) {
		f = calloc(1, sizeof(*f));
		if (!f)
			return NULL;
		f->module = mod;
		tf->files[module__id(mod)] = f;
	}
	f->dev = m->dev;
	f->ino = m->ino;
	discover_functions(tf, f);
	return f->probes ? f : NULL;
}

/* ---- one process ---- */

/* The files that a process maps, each once. */
struct mapped {
	struct traced_file **files;
	size_t n;
};

static bool contains(const struct mapped *mapped, const struct traced_file *f)
{
	for (size_t i = 0; i < mapped->n; i++)
		if (mapped->files[i] == f)
			return true;
	return false;
}

/* Reports code that may not be read. */
static void note_refused(struct traced_files *tf, const struct mapping *m, pid_t pid)
{
	const struct module *mod = m->exec ? modules__get(tf->opts.modules, m->module) : NULL;
	int err = mod && tf->opts.refused ? module__error(mod) : 0;

	if (err == -EPERM || err == -EACCES || err == -EREMOTE)
		tf->opts.refused(tf->opts.ctx, pid, mod);
}

static int collect_files(struct traced_files *tf, const struct mappings *maps, pid_t pid,
			 struct mapped *mapped)
{
	size_t n = mappings__count(maps);

	mapped->n = 0;
	mapped->files = calloc(n + 1, sizeof(*mapped->files));
	if (!mapped->files)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		const struct mapping *m = mappings__at(maps, i);
		struct traced_file *f = file_of(tf, m);

		if (!f)
			note_refused(tf, m, pid);
		if (f && !contains(mapped, f))
			mapped->files[mapped->n++] = f;
	}
	return 0;
}

/*
 * If a file has functions that may throw and whose exits are not known, exceptions have to be able
 * to pass their return probes. That must be known before anything is attached, because the file
 * that they pass through may be attached first.
 */
static void expect_exceptions(struct traced_files *tf, struct traced_file *f)
{
	const struct traced_files_opts *o = &tf->opts;

	if (!o->heap || !f->probes->throws || !o->trace->expect_exceptions(o->tracer))
		return;
	f->throws = !o->probe_throwing;
	if (tf->warned_of_exceptions)
		return;
	log__info("C++ operator new of %s is %s: not all of its returns were found, and exceptions "
		  "cannot pass a return probe on this kernel%s",
		  module__name(f->module), o->probe_throwing ? "traced as asked" : "not traced",
		  o->probe_throwing
		      ? ", and one would end the program"
		      : " (--probe-throwing traces it anyway; C programs do not need it)");
	tf->warned_of_exceptions = true;
}

/* n: functions, or a negative errno. */
static void log_attached(const struct traced_file *f, int n)
{
	struct strbuf name = { 0 };

	escape__plain(&name, module__path(f->module));
	if (n < 0)
		log__warn("cannot probe %s: %s", name.data ? name.data : "", strerror(-n));
	else
		log__debug("probed %d function%s in %s", n, plural((uint64_t)n),
			   name.data ? name.data : "");
	strbuf__free(&name);
}

/* Returns functions, or a negative errno. */
static int attach_probes(struct traced_files *tf, struct traced_file *f, pid_t pid, bool *fresh)
{
	const struct traced_files_opts *o = &tf->opts;
	bool of_all = o->per_file && !f->times && o->before_probes;
	int n;

	if (of_all)
		o->before_probes(o->ctx);
	n = o->trace->attach(o->tracer, f->module, f->probes, o->heap ? ATTACH_ALL : ATTACH_LOADER,
			     o->per_file ? 0 : pid, fresh);
	if (of_all)
		o->after_probes(o->ctx);
	return n;
}

/* Returns 0 or -ESRCH. */
static int probe_file(struct traced_files *tf, struct traced_file *f, pid_t pid, bool *fresh)
{
	const struct traced_files_opts *o = &tf->opts;
	int n = attach_probes(tf, f, pid, fresh);

	if (n == -ESRCH)
		return n;
	if (n)
		log_attached(f, n);
	f->failed = n < 0;
	if (n < 0)
		return 0;
	if (n > 0) {
		f->functions = (size_t)n;
		f->sum += (size_t)n;
		f->times++;
		tf->functions += (size_t)n;
		tf->probed++;
	}
	/* Repeated each time: when the last process that maps a file ends, its table and this entry
	 * are dropped. */
	f->known = !o->trace->know_file(o->tracer, f->dev, f->ino);
	return 0;
}

/* The first in the table of the functions that could not be probed, which stands for them all. */
static const char *unprobed_function(const struct traced_file *f)
{
	const struct probe_skip *first = NULL;

	if (f->failed && f->probes->n)
		return "malloc";
	for (size_t i = 0; i < f->probes->nskipped; i++) {
		const struct probe_skip *skip = &f->probes->skipped[i];

		if (skip->blind && (!first || skip->api < first->api))
			first = skip;
	}
	if (first)
		return first->name;
	return f->throws ? "operator new" : NULL;
}

/* Reports what is not probed in a file, for this process. */
static void note_unprobed(struct traced_files *tf, const struct traced_file *f, pid_t pid)
{
	const struct traced_files_opts *o = &tf->opts;
	const char *function = f->probes ? unprobed_function(f) : NULL;
	struct strbuf name = { 0 };

	if (!o->heap || !o->unprobed || !function)
		return;
	strbuf__adds(&name, function);
	strbuf__adds(&name, " of ");
	strbuf__adds(&name, module__name(f->module));
	if (!name.error)
		o->unprobed(o->ctx, pid, name.data);
	strbuf__free(&name);
}

/* If tables are missing, stacks are cut, and say so. */
static bool load_tables(struct traced_files *tf, pid_t pid, const struct mappings *maps,
			uint32_t epoch)
{
	int err = tf->opts.trace->update_process(tf->opts.tracer, pid, maps, epoch);

	if (err && err != -ENOSPC)
		log__debug("unwind tables of %d: %s", pid, strerror(-err));
	return !err;
}

int traced_files__add_process(struct traced_files *tf, pid_t pid, const struct mappings *maps,
			      uint32_t epoch, bool *fresh)
{
	/* Done first, because stacks may be walked already. */
	bool tables = load_tables(tf, pid, maps, epoch);
	struct mapped mapped;
	int err = collect_files(tf, maps, pid, &mapped);

	for (size_t i = 0; !err && i < mapped.n; i++) {
		mapped.files[i]->has_table |= tables;
		expect_exceptions(tf, mapped.files[i]);
	}
	for (size_t i = 0; !err && i < mapped.n; i++) {
		err = probe_file(tf, mapped.files[i], pid, fresh);
		if (!err)
			note_unprobed(tf, mapped.files[i], pid);
	}
	free(mapped.files);
	return err ? err : (int)mapped.n;
}

/* ---- files that are no longer mapped ---- */

static struct traced_file *find_file(const struct traced_files *tf, uint32_t module)
{
	return module < tf->n ? tf->files[module] : NULL;
}

void traced_files__drop(struct traced_files *tf, uint32_t module)
{
	struct traced_file *f = find_file(tf, module);

	if (!f)
		return;
	tf->functions -= f->sum;
	tf->probed -= f->times;
	free_file(f);
	tf->files[module] = NULL;
}

void traced_files__know_again(struct traced_files *tf, uint32_t module)
{
	const struct traced_file *f = find_file(tf, module);

	if (f && f->known)
		tf->opts.trace->know_file(tf->opts.tracer, f->dev, f->ino);
}

/* ---- queries ---- */

bool traced_files__is_probed(const struct traced_files *tf, uint64_t dev, uint64_t ino)
{
	int64_t id = modules__find(tf->opts.modules, dev, ino);

	const struct traced_file *f = id >= 0 ? find_file(tf, (uint32_t)id) : NULL;

	return f && f->functions;
}

size_t traced_files__functions(const struct traced_files *tf)
{
	return tf->functions;
}

size_t traced_files__probed(const struct traced_files *tf)
{
	return tf->probed;
}

const struct traced_file *traced_files__next(const struct traced_files *tf, size_t *pos)
{
	while (*pos < tf->n) {
		const struct traced_file *f = tf->files[(*pos)++];

		if (f && f->probes)
			return f;
	}
	return NULL;
}
