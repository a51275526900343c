/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loads the BPF programs and watches processes. The same BPF bodies come in three forms (session,
 * multi, perf); which one this kernel supports is found by loading it and attaching it to a
 * function of our own, never by version.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "trace/detacher.h"
#include "trace/internal.h"
#include "trace/load_error.h"
#include "trace/unwind_maps.h"
#include "util/array.h"
#include "util/log.h"

static const char *const method_names[ATTACH_METHODS] = { "session", "multi", "perf" };

/* The log of the load in progress: libbpf's callback has no context argument. */
static struct load_log load_log;

/* In verbose mode, keeps the end of each message: a verifier's log gives its reason there. */
static int handle_message(enum libbpf_print_level level, const char *fmt, va_list args)
{
	enum { LINES_MAX = 24 };
	char *text, *line, *rest;
	int lines = 0;

	if (level == LIBBPF_DEBUG || vasprintf(&text, fmt, args) < 0)
		return 0;
	load_error__add_message(&load_log, text);
	for (line = text + strlen(text); line > text && lines < LINES_MAX; line--)
		lines += line[-1] == '\n';
	rest = line;
	while ((line = strsep(&rest, "\n")))
		if (*line)
			log__debug("%s", line);
	free(text);
	return 0;
}

/* Ring buffer sizes have to be powers of two. */
static uint32_t round_up_pow2(uint64_t v)
{
	uint32_t p = 4096;

	while (p < v && p < 1u << 31)
		p <<= 1;
	return p;
}

static void choose_programs(struct tracer *t, const struct tracer_opts *o)
{
	struct memtrace_bpf *s = t->skel;
	bool session = t->method == ATTACH_SESSION, perf = t->method == ATTACH_PERF;
	bool multi = t->method == ATTACH_MULTI;
	const struct {
		struct bpf_program *prog;
		bool load;
	} rows[] = {
		{ s->progs.session_call, session },
		{ s->progs.multi_enter, session || multi },
		{ s->progs.multi_exit, session || multi },
		{ s->progs.multi_return, multi },
		{ s->progs.multi_free, session || multi },
		{ s->progs.multi_files, session || multi },
		{ s->progs.perf_enter, perf },
		{ s->progs.perf_return, perf },
		{ s->progs.perf_exit, perf },
		{ s->progs.perf_free, perf },
		{ s->progs.perf_files, perf },
		{ s->progs.on_sys_enter, o->syscalls },
		{ s->progs.on_sys_exit, o->syscalls },
		{ s->progs.on_translated, o->per_file },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		bpf_program__set_autoload(rows[i].prog, rows[i].load);
	if (session)
		bpf_program__set_expected_attach_type(
		    s->progs.session_call, (enum bpf_attach_type)ATTACH_TYPE_UPROBE_SESSION);
}

static int load_method(struct tracer *t, const struct tracer_opts *o)
{
	int err;

	t->skel = memtrace_bpf__open();
	if (!t->skel)
		return -errno;
	choose_programs(t, o);
	snprintf(t->compiler, sizeof(t->compiler), "%s", (const char *)t->skel->rodata->compiler);
	t->skel->rodata->follow_children = o->children;
	t->skel->rodata->stack_mode = o->stack_mode;
	t->skel->rodata->self = (uint32_t)getpid();
	t->skel->rodata->holding = o->holding;
	t->modules = o->modules;
	t->skel->rodata->can_hold = o->holding || o->per_file;
	t->skel->rodata->per_file = o->per_file;
	t->skel->rodata->watches_maps = o->syscalls;
	t->skel->rodata->max_depth = o->max_depth ? o->max_depth : EVENT_MAX_FRAMES;
	if (o->ring_bytes)
		bpf_map__set_max_entries(t->skel->maps.ring, round_up_pow2(o->ring_bytes));
	t->skel->rodata->wakeup_bytes = bpf_map__max_entries(t->skel->maps.ring) / 16;
	/* Sized even if unused: every map of the object is created. */
	err = unwind_maps__prepare(t->skel->obj, o->stack_mode != STACK_DWARF ? UNWIND_MEMORY_MIN
						 : o->unwind_memory	      ? o->unwind_memory
									      : UNWIND_MEMORY);
	if (!err)
		err = memtrace_bpf__load(t->skel);
	if (!err)
		t->processes = (struct process_table){
			.slots = t->skel->bss->processes,
			.overflow_fd = bpf_map__fd(t->skel->maps.process_overflow),
			.overflowed = &t->skel->bss->processes_overflowed,
		};
	if (!err && o->stack_mode == STACK_DWARF) {
		t->unwind = unwind_maps__new(t->skel->obj, o->modules);
		err = t->unwind ? 0 : -errno;
	}
	if (!err) {
		err = trace_attach__trial(t);
		load_log.perf_event = err && t->method == ATTACH_PERF;
	}
	if (err) {
		unwind_maps__free(t->unwind);
		t->unwind = NULL;
		memtrace_bpf__destroy(t->skel);
		t->skel = NULL;
	}
	return err;
}

/* Without this, the BPF side counts programs that run before they are probed as late. */
static void warn_of_holds(const struct tracer_opts *o)
{
	if (o->holding && !libbpf_probe_bpf_helper(BPF_PROG_TYPE_KPROBE, BPF_FUNC_loop, NULL))
		log__info("this kernel cannot hold new programs and libraries until they are "
			  "probed (Linux 5.17 can); "
			  "those that come before their probes are counted as late");
}

struct tracer *tracer__new(const struct tracer_opts *o, char *why, size_t cap)
{
	struct tracer *t = calloc(1, sizeof(*t));
	struct load_host host;
	int err = -EINVAL;

	if (!t)
		return NULL;
	libbpf_set_print(handle_message);
	t->syscalls = o->syscalls;
	t->probe_throwing = o->probe_throwing;
	for (int m = 0; m < ATTACH_METHODS; m++) {
		if (o->method && strcmp(o->method, method_names[m]))
			continue;
		t->method = (enum attach_method)m;
		load_log = (struct load_log){ 0 };
		err = load_method(t, o);
		if (!err) {
			log__debug("probes attach as %s", method_names[m]);
			warn_of_holds(o);
			return t;
		}
		log__debug("%s probes: %s", method_names[m], strerror(-err));
	}
	host = load_error__read_host(t->compiler);
	load_error__explain(&load_log, err, &host, why, cap);
	free(t);
	errno = -err;
	return NULL;
}

int tracer__expect_exceptions(struct tracer *t)
{
	struct exceptions_bpf *e;
	int err;

	if (t->exceptions || t->exceptions_error)
		return t->exceptions_error;
	e = exceptions_bpf__open();
	if (!e)
		return t->exceptions_error = -errno;
	bpf_program__set_autoload(e->progs.multi_unwind, t->method != ATTACH_PERF);
	bpf_program__set_autoload(e->progs.perf_unwind, t->method == ATTACH_PERF);
	err = exceptions_bpf__load(e);
	if (err) {
		exceptions_bpf__destroy(e);
		return t->exceptions_error = err;
	}
	t->exceptions = e;
	return 0;
}

const char *tracer__method(const struct tracer *t)
{
	return method_names[t->method];
}

static int watch(struct tracer *t, struct bpf_program *prog)
{
	struct bpf_link *link = bpf_program__attach(prog);

	if (!link)
		return -errno;
	t->watches[t->nwatches++] = link;
	return 0;
}

int tracer__start(struct tracer *t)
{
	struct bpf_program *const progs[] = {
		t->skel->progs.on_exit,	    t->skel->progs.on_exec,	 t->skel->progs.on_fork,
		t->skel->progs.on_sys_exit, t->skel->progs.on_sys_enter,
	};

	for (size_t i = 0; i < ARRAY_SIZE(progs); i++) {
		int err = bpf_program__autoload(progs[i]) ? watch(t, progs[i]) : 0;

		if (err)
			return err;
	}
	return 0;
}

bool tracer__traces(struct tracer *t, pid_t pid)
{
	struct traced p;

	return !process_table__find(&t->processes, pid, &p);
}

int tracer__add_process(struct tracer *t, pid_t pid, uint32_t flags)
{
	return process_table__add(&t->processes, pid, flags);
}

int tracer__change_flags(struct tracer *t, pid_t pid, uint32_t set, uint32_t clear)
{
	return process_table__change_flags(&t->processes, pid, set, clear);
}

uint32_t tracer__begin_scan(struct tracer *t, pid_t pid)
{
	struct traced p;

	if (process_table__find(&t->processes, pid, &p))
		return 0;
	/* From now on unknown code is reported again. */
	process_table__change_flags(&t->processes, pid, 0, TRACED_ASKED);
	return p.epoch;
}

int tracer__update_process(struct tracer *t, pid_t pid, const struct mappings *space,
			   uint32_t epoch)
{
	return t->unwind ? unwind_maps__update(t->unwind, pid, space, epoch) : 0;
}

int tracer__fork_process(struct tracer *t, pid_t parent, pid_t child)
{
	return t->unwind ? unwind_maps__fork(t->unwind, parent, child) : 0;
}

void tracer__tend(struct tracer *t)
{
	if (t->unwind)
		unwind_maps__tend(t->unwind);
}

void tracer__bury_process(struct tracer *t, pid_t pid)
{
	trace_attach__remove(t, pid);
	if (t->unwind)
		unwind_maps__drop(t->unwind, pid);
}

int tracer__drop_process(struct tracer *t, pid_t pid)
{
	tracer__bury_process(t, pid);
	return process_table__remove(&t->processes, pid);
}

int tracer__set_consumer(struct tracer *t, tracer_record_fn fn, void *ctx)
{
	t->rb = ring_buffer__new(bpf_map__fd(t->skel->maps.ring), fn, ctx, NULL);
	return t->rb ? 0 : -errno;
}

int tracer__wait(struct tracer *t, int timeout_ms)
{
	struct epoll_event ev;

	if (epoll_wait(ring_buffer__epoll_fd(t->rb), &ev, 1, timeout_ms) < 0 && errno != EINTR)
		return -errno;
	return 0;
}

int tracer__consume(struct tracer *t)
{
	t->skel->bss->woken = 0;
	return ring_buffer__consume(t->rb);
}

/* Runs of a program that the kernel skipped, because it was already running on that CPU. */
static uint64_t misses(const struct bpf_program *prog)
{
	struct bpf_prog_info info = { 0 };
	__u32 len = sizeof(info);
	int fd = bpf_program__fd(prog);

	return fd >= 0 && !bpf_prog_get_info_by_fd(fd, &info, &len) ? info.recursion_misses : 0;
}

void tracer__counters(const struct tracer *t, struct counters *out)
{
	const struct memtrace_bpf *s = t->skel;

	*out = s->bss->counters;
	/* Which process they belong to is unknown: it may have been a traced one. */
	out->lost_processes +=
	    misses(s->progs.on_fork) + misses(s->progs.on_exec) + misses(s->progs.on_exit);
	if (t->syscalls)
		out->lost_events += misses(s->progs.on_sys_enter) + misses(s->progs.on_sys_exit);
}

void tracer__detach(struct tracer *t)
{
	t->skel->bss->stopped = 1;
	for (size_t i = 0; i < t->n; i++)
		trace_attach__destroy(&t->attachments[i]);
	t->n = 0;
	detacher__flush(t->detacher);
	for (size_t i = 0; i < t->nwatches; i++)
		bpf_link__destroy(t->watches[i]);
	t->nwatches = 0;
}

void tracer__free(struct tracer *t)
{
	if (!t)
		return;
	tracer__detach(t);
	detacher__free(t->detacher);
	ring_buffer__free(t->rb);
	ring_buffer__free(t->holds);
	unwind_maps__free(t->unwind);
	exceptions_bpf__destroy(t->exceptions);
	memtrace_bpf__destroy(t->skel);
	free(t->attachments);
	free(t);
}
