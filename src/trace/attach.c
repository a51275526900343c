/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Puts probes into files. A link of the "multi" kind holds all probes of a file. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "probe/discover.h"
#include "symbols/module.h"
#include "trace/detacher.h"
#include "trace/internal.h"
#include "util/array.h"
#include "util/log.h"

static int put_multi(struct attachment *a, const struct bpf_program *prog, uint32_t type,
		     uint32_t flags, const char *path, const struct batch *b)
{
	return links__make(&a->links, &(struct link_request){
					  .prog_fd = bpf_program__fd(prog),
					  .type = type,
					  .flags = flags,
					  .path = path,
					  .batch = b,
					  .pid = a->pid,
				      });
}

static int put_perf(struct tracer *t, struct attachment *a, const struct bpf_program *prog,
		    bool returns, const char *path, const struct batch *b)
{
	int err = perf_probe__init(&t->perf);

	return err ? err
		   : links__make(&a->links, &(struct link_request){
						.prog_fd = bpf_program__fd(prog),
						.perf = &t->perf,
						.returns = returns,
						.path = path,
						.batch = b,
						.pid = a->pid,
					    });
}

/* The probes of a file, by kind. */
enum {
	BATCH_FREES,
	BATCH_CALLS,   /* functions with a return probe */
	BATCH_EXITS,   /* where functions without one return */
	BATCH_ENTRIES, /* and where they begin */
	BATCH_FILES,
	BATCH_UNWINDERS,
	BATCHES
};

static int put_unwinders(struct tracer *t, struct attachment *a, const char *path,
			 const struct batch *b)
{
	if (!t->exceptions)
		return 0;
	if (t->method == ATTACH_PERF)
		return put_perf(t, a, t->exceptions->progs.perf_unwind, false, path, b);
	return put_multi(a, t->exceptions->progs.multi_unwind, ATTACH_TYPE_UPROBE_MULTI, 0, path,
			 b);
}

/*
 * Frees first: a block whose allocation is recorded must have its free recorded too. Returns and
 * exits come before entries: an entry without its return would leave a call open.
 */
static int put_probes(struct tracer *t, struct attachment *a, const char *path,
		      const struct batch b[BATCHES])
{
	const struct memtrace_bpf *s = t->skel;
	const struct step {
		int batch;
		const struct bpf_program *prog;
		bool returns, session;
	} steps[ATTACH_METHODS][6] = {
		[ATTACH_SESSION] = {
			{ BATCH_FREES, s->progs.multi_free },
			{ BATCH_EXITS, s->progs.multi_exit },
			{ BATCH_ENTRIES, s->progs.multi_enter },
			{ BATCH_CALLS, s->progs.session_call, .session = true },
			{ BATCH_FILES, s->progs.multi_files },
		},
		[ATTACH_MULTI] = {
			{ BATCH_FREES, s->progs.multi_free },
			{ BATCH_EXITS, s->progs.multi_exit },
			{ BATCH_ENTRIES, s->progs.multi_enter },
			{ BATCH_CALLS, s->progs.multi_return, .returns = true },
			{ BATCH_CALLS, s->progs.multi_enter },
			{ BATCH_FILES, s->progs.multi_files },
		},
		[ATTACH_PERF] = {
			{ BATCH_FREES, s->progs.perf_free },
			{ BATCH_EXITS, s->progs.perf_exit },
			{ BATCH_ENTRIES, s->progs.perf_enter },
			{ BATCH_CALLS, s->progs.perf_return, .returns = true },
			{ BATCH_CALLS, s->progs.perf_enter },
			{ BATCH_FILES, s->progs.perf_files },
		},
	};
	int err = 0;

	for (size_t i = 0; !err && i < ARRAY_SIZE(steps[0]); i++) {
		const struct step *step = &steps[t->method][i];

		if (!step->prog)
			break;
		if (t->method == ATTACH_PERF)
			err = put_perf(t, a, step->prog, step->returns, path, &b[step->batch]);
		else
			err = put_multi(a, step->prog,
					step->session ? ATTACH_TYPE_UPROBE_SESSION
						      : ATTACH_TYPE_UPROBE_MULTI,
					step->returns ? MULTI_RETURN : 0, path, &b[step->batch]);
	}
	return err;
}

static void add_probe(struct batch *b, uint64_t offset, uint64_t cookie)
{
	if (b->n == ARRAY_SIZE(b->offsets))
		return;
	b->offsets[b->n] = offset;
	b->cookies[b->n++] = cookie;
}

/* A function that may throw and whose exits are not known is probed only where exceptions can pass,
 * or where the user accepts the risk. */
static void collect_sites(const struct tracer *t, const struct probe_file *f, int shape,
			  struct batch b[BATCHES])
{
	for (size_t i = 0; i < f->n; i++) {
		const struct probe_site *s = &f->sites[i];
		int to = s->exits ? BATCH_ENTRIES : BATCH_CALLS;

		if (s->shape == shape &&
		    (!s->throws || s->exits || t->exceptions || t->probe_throwing))
			add_probe(&b[shape == SHAPE_FREE ? BATCH_FREES : to],
				  s->entry + s->point.offset, s->cookie);
	}
}

static struct attachment *new_attachment(struct tracer *t, uint32_t module, pid_t pid)
{
	if (array__grow(&t->attachments, &t->cap, t->n + 1, sizeof(*t->attachments)))
		return NULL;
	t->attachments[t->n] = (struct attachment){ .pid = pid, .module = module };
	return &t->attachments[t->n++];
}

void trace_attach__destroy(struct attachment *a)
{
	links__free(&a->links);
	free(a->offsets);
	*a = (struct attachment){ 0 };
}

/* Keeps the offsets of a file's probes for tracer__release_child. */
static int remember_offsets(struct attachment *a, const char *path, const struct batch *b, size_t n)
{
	size_t total = 0;

	for (size_t i = 0; i < n; i++)
		total += b[i].n;
	a->path = path;
	a->offsets = calloc(total + 1, sizeof(*a->offsets));
	if (!a->offsets)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		memcpy(a->offsets + a->noffsets, b[i].offsets, b[i].n * sizeof(*a->offsets));
		a->noffsets += b[i].n;
	}
	return 0;
}

/*
 * When a link ends, the kernel looks at every process that maps the file, and removes the
 * breakpoints that no remaining link wants. So a link that is made for the child and closed at once
 * removes them.
 */
int tracer__release_child(struct tracer *t, pid_t parent, pid_t child)
{
	struct batch *b = t->method == ATTACH_PERF ? NULL : calloc(1, sizeof(*b));
	struct link_request r = { .type = ATTACH_TYPE_UPROBE_MULTI, .batch = b, .pid = child };
	int err = 0;

	if (t->method == ATTACH_PERF)
		return 0; /* the kernel does it itself */
	if (!b)
		return -ENOMEM;
	r.prog_fd = bpf_program__fd(t->skel->progs.multi_free);
	for (size_t i = 0; i < t->n && !err; i++) {
		const struct attachment *a = &t->attachments[i];

		if (a->pid != parent || !a->noffsets)
			continue;
		b->n = a->noffsets < ARRAY_SIZE(b->offsets) ? a->noffsets : ARRAY_SIZE(b->offsets);
		memcpy(b->offsets, a->offsets, b->n * sizeof(*b->offsets));
		r.path = a->path;
		err = links__touch(&r);
	}
	free(b);
	return err;
}

static bool has_probes(const struct tracer *t, uint32_t module, pid_t pid)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->attachments[i].module == module &&
		    (t->attachments[i].pid == pid || t->attachments[i].pid == 0))
			return true;
	return false;
}

static void fill_batches(const struct tracer *t, const struct probe_file *f, enum attach_what what,
			 struct batch b[BATCHES])
{
	static const int in_order[] = { SHAPE_FREE, SHAPE_FREE_CALL, SHAPE_REALLOC, SHAPE_ALLOC,
					SHAPE_ALLOC_OUT };

	if (f->linker_notify)
		add_probe(&b[BATCH_FILES], f->linker_notify, 0);
	if (what == ATTACH_LOADER)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(in_order); i++)
		collect_sites(t, f, in_order[i], b);
	for (size_t i = 0; i < f->nlibc_frees; i++)
		add_probe(&b[BATCH_FREES], f->libc_frees[i],
			  COOKIE(0, SHAPE_LIBC_FREE, ARG_NONE, ARG_NONE, ARG_NONE));
	for (size_t i = 0; i < f->nexits; i++)
		add_probe(&b[BATCH_EXITS], f->exits[i], 0);
	for (size_t i = 0; i < f->nunwinders; i++)
		add_probe(&b[BATCH_UNWINDERS], f->unwinders[i], 0);
}

static bool is_worth_attaching(const struct tracer *t, const struct probe_file *f,
			       enum attach_what what)
{
	return f->linker_notify ||
	       (what == ATTACH_ALL && (f->n || (f->nunwinders && t->exceptions)));
}

int tracer__attach(struct tracer *t, struct module *mod, const struct probe_file *f,
		   enum attach_what what, pid_t pid, bool *fresh)
{
	const char *path = module__self_path(mod);
	struct attachment *a;
	struct batch *b;
	int err, functions;

	if (has_probes(t, module__id(mod), pid) || !is_worth_attaching(t, f, what))
		return 0;
	detacher__await(t->detacher, module__id(mod), pid);
	b = calloc(BATCHES, sizeof(*b));
	a = b ? new_attachment(t, module__id(mod), pid) : NULL;
	if (!a) {
		free(b);
		return -ENOMEM;
	}
	fill_batches(t, f, what, b);
	functions = (int)(b[BATCH_FREES].n + b[BATCH_CALLS].n + b[BATCH_ENTRIES].n);
	if (what == ATTACH_ALL)
		functions -= (int)f->nlibc_frees;
	err = put_unwinders(t, a, path, &b[BATCH_UNWINDERS]);
	if (!err)
		err = put_probes(t, a, path, b);
	if (!err)
		err = remember_offsets(a, path, b, BATCHES);
	free(b);
	if (err) {
		trace_attach__destroy(a);
		t->n--;
		return err;
	}
	*fresh = true;
	return functions;
}

static void remove_attachments(struct tracer *t,
			       bool (*goes)(const struct attachment *a, uint32_t id), uint32_t id)
{
	size_t kept = 0;

	if (!t->detacher)
		t->detacher = detacher__new();
	for (size_t i = 0; i < t->n; i++) {
		if (goes(&t->attachments[i], id))
			detacher__add(t->detacher, &t->attachments[i]);
		else
			t->attachments[kept++] = t->attachments[i];
	}
	t->n = kept;
}

static bool is_of_process(const struct attachment *a, uint32_t pid)
{
	return a->pid == (pid_t)pid;
}

static bool is_in_file(const struct attachment *a, uint32_t module)
{
	return a->module == module;
}

void trace_attach__remove(struct tracer *t, pid_t pid)
{
	remove_attachments(t, is_of_process, (uint32_t)pid);
}

void trace_attach__release_file(struct tracer *t, uint32_t module)
{
	remove_attachments(t, is_in_file, module);
}

/* ---- trial ---- */

/* The function that the trial probes; no traced program calls it. */
__attribute__((noinline)) static int trial_function(int v)
{
	__asm__ volatile("" ::: "memory");
	return v + 1;
}

/* The file offset of an address of our own code. */
static int own_offset(const void *addr, uint64_t *offset)
{
	uint64_t start, end, off, want = (uintptr_t)addr;
	FILE *f = fopen("/proc/self/maps", "re");
	char line[512], perms[8];
	int err = -ENOENT;

	if (!f)
		return -errno;
	while (err && fgets(line, sizeof(line), f))
		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s %" SCNx64, &start, &end, perms,
			   &off) == 4 &&
		    want >= start && want < end) {
			*offset = want - start + off;
			err = 0;
		}
	fclose(f);
	return err;
}

int trace_attach__trial(struct tracer *t)
{
	struct attachment a = { .pid = getpid() };
	struct batch *b = calloc(BATCHES, sizeof(*b));
	uint64_t offset = 0;
	int err;

	if (!b)
		return -ENOMEM;
	err = own_offset((const void *)trial_function, &offset);
	if (!err) {
		/* Without cookies, functions could not be distinguished. */
		add_probe(&b[BATCH_FREES], offset, 1);
		b[BATCH_CALLS] = b[BATCH_FREES];
		err = put_probes(t, &a, "/proc/self/exe", b);
	}
	if (!err && trial_function(1) != 2)
		err = -EIO;
	trace_attach__destroy(&a);
	free(b);
	return err;
}
