/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "symbols/symbolizer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "symbols/module.h"
#include "symbols/perf_map.h"
#include "util/file.h"
#include "util/hash.h"
#include "util/hashmap.h"
#include "util/proc.h"
#include "util/strtab.h"

/* Only the end of a longer perf map is read. */
#define PERFMAP_MAX (64u << 20)

/* A process's JIT symbols: as last read, and kept when the process is gone. */
struct jit {
	struct perf_map *map;  /* NULL: none */
	struct stat read;      /* the file's state at that time */
	uint64_t report;       /* the report that last looked at it */
	struct hashmap *known; /* by address: names set by symbolizer__know */
};

struct symbolizer {
	struct modules *modules;
	struct strtab *texts;
	struct hashmap *jits; /* by pid */
	bool offline;
	uint64_t report;
};

struct symbolizer *symbolizer__new(struct modules *modules)
{
	struct symbolizer *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->modules = modules;
	s->report = 1;
	s->texts = strtab__new();
	s->jits = hashmap__new();
	if (s->texts && s->jits)
		return s;
	symbolizer__free(s);
	errno = ENOMEM;
	return NULL;
}

struct symbolizer *symbolizer__new_offline(struct modules *modules)
{
	struct symbolizer *s = symbolizer__new(modules);

	if (s)
		s->offline = true;
	return s;
}

void symbolizer__free(struct symbolizer *s)
{
	struct jit *jit;
	size_t pos = 0;

	if (!s)
		return;
	while (s->jits && (jit = hashmap__next_ptr(s->jits, &pos, NULL))) {
		perf_map__free(jit->map);
		hashmap__free(jit->known);
		free(jit);
	}
	hashmap__free(s->jits);
	strtab__free(s->texts);
	free(s);
}

/* ---- code made at run time ---- */

/*
 * The map is in the /tmp that the process sees, and its name has the process ID in the process's
 * own PID namespace. It is used only if it belongs to the process's user or to root.
 */
static int open_perfmap(uint32_t pid, struct stat *st)
{
	char path[64], name[64], *status;
	uint64_t uids[2], pids[PROC_NSPID_MAX];
	size_t nuids, npids;
	int fd;

	snprintf(path, sizeof(path), "/proc/%u/status", pid);
	status = file__read(path, NULL);
	if (!status)
		return -errno;
	npids = proc__status_numbers(status, "NSpid", pids, PROC_NSPID_MAX);
	nuids = proc__status_numbers(status, "Uid", uids, 2); /* real, effective, … */
	free(status);
	if (!npids || npids > PROC_NSPID_MAX || nuids < 2)
		return -EINVAL;
	snprintf(path, sizeof(path), "/proc/%u/root", pid);
	snprintf(name, sizeof(name), "/tmp/perf-%llu.map", (unsigned long long)pids[npids - 1]);
	fd = file__open_regular_in(path, name, O_NOFOLLOW, st);
	if (fd >= 0 && st->st_uid != 0 && st->st_uid != uids[1]) {
		close(fd);
		fd = -EPERM;
	}
	return fd;
}

static bool same_file_state(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static void read_perfmap(struct jit *jit, uint32_t pid)
{
	struct perf_map *map = NULL;
	struct stat st;
	char *text = NULL;
	size_t len;
	int fd;

	fd = open_perfmap(pid, &st);
	if (fd < 0)
		return;
	if (!jit->map || !same_file_state(&jit->read, &st))
		text = file__read_end(fd, (uint64_t)st.st_size, PERFMAP_MAX, &len);
	if (text)
		map = perf_map__parse(text, len);
	if (map) {
		perf_map__free(jit->map);
		jit->map = map;
		jit->read = st;
	}
	free(text);
	close(fd);
}

static struct jit *jit_of(struct symbolizer *s, uint32_t pid)
{
	struct jit *jit = hashmap__get_ptr(s->jits, pid);

	if (jit)
		return jit;
	jit = calloc(1, sizeof(*jit));
	if (jit && hashmap__set_ptr(s->jits, pid, jit)) {
		free(jit);
		jit = NULL;
	}
	return jit;
}

/* Returns the name of the run-time code at an address; NULL: unknown. Valid until the map is read
 * again. */
static const char *jit_name(struct symbolizer *s, uint32_t pid, uint64_t addr)
{
	struct jit *jit = jit_of(s, pid);

	if (!jit)
		return NULL;
	if (s->offline)
		return jit->known ? hashmap__get_ptr(jit->known, addr) : NULL;
	if (jit->report != s->report) {
		jit->report = s->report;
		read_perfmap(jit, pid);
	}
	return jit->map ? perf_map__find(jit->map, addr) : NULL;
}

int symbolizer__know(struct symbolizer *s, uint32_t pid, uint64_t addr, const char *name)
{
	const char *kept = strtab__copy(s->texts, name);
	struct jit *jit = jit_of(s, pid);

	if (!jit || (name && !kept))
		return -ENOMEM;
	if (!jit->known)
		jit->known = hashmap__new();
	return jit->known ? hashmap__set_ptr(jit->known, addr, kept) : -ENOMEM;
}

void symbolizer__new_report(struct symbolizer *s)
{
	s->report++;
	modules__new_report(s->modules);
}

/* ---- frames ---- */

static struct module *module_of(struct symbolizer *s, const struct frame *f)
{
	return f->module == FRAME_NO_MODULE ? NULL : modules__get(s->modules, f->module);
}

/* Returns whether code is in no file, or in one that is not ELF, such as a memfd. */
static bool is_run_time_code(struct module *mod)
{
	return !mod || !module__is_elf(mod);
}

void symbolizer__expect_frame(struct symbolizer *s, const struct frame *f)
{
	struct module *mod = module_of(s, f);

	if (mod && f->offset && !s->offline)
		module__expect(mod, f->offset - 1);
}

void symbolizer__expect(struct symbolizer *s, const struct stack *st)
{
	for (size_t i = 0; i < st->n; i++)
		symbolizer__expect_frame(s, &st->frames[i]);
}

/* Symbolizes one machine frame: the inlined calls in it, and their function. */
size_t symbolizer__frame(struct symbolizer *s, uint32_t pid, const struct frame *f,
			 struct named_frame *out, size_t cap)
{
	struct module *mod = module_of(s, f);
	struct symbol_frame found[SYMBOL_FRAMES_MAX];
	/* A return address may be past the end of its function: the call is before it. */
	int n = mod && f->offset ? module__symbolize(mod, f->offset - 1, found) : 0;
	bool run_time = n == 0 && f->pc && is_run_time_code(mod);

	if (n == 0) {
		memset(&found[0], 0, sizeof(found[0]));
		if (run_time)
			found[0].func = strtab__copy(s->texts, jit_name(s, pid, f->pc - 1));
		n = 1;
	}
	for (int i = 0; i < n && (size_t)i < cap; i++) {
		out[i] = (struct named_frame){
			.func = found[i].func,
			.module = mod ? module__path(mod) : NULL,
			.file = found[i].file,
			.line = found[i].line,
			.offset = f->offset,
			.address = f->pc,
			.module_id = mod ? f->module : FRAME_NO_MODULE,
			.inlined = found[i].inlined,
			.run_time = run_time,
		};
	}
	return (size_t)n < cap ? (size_t)n : cap;
}

size_t symbolizer__stack(struct symbolizer *s, const struct stack *st, struct named_frame *out,
			 size_t cap)
{
	size_t n = 0;

	symbolizer__expect(s, st);
	for (size_t i = 0; i < st->n && n < cap; i++)
		n += symbolizer__frame(s, st->pid, &st->frames[i], out + n, cap - n);
	return n;
}

/* ---- the stable id ---- */

uint64_t symbolizer__stable_id(struct symbolizer *s, const struct stack *st)
{
	uint64_t id = HASH_START;

	for (size_t i = 0; i < st->n; i++) {
		const struct frame *f = &st->frames[i];
		struct module *mod = module_of(s, f);
		uint8_t build_id[BUILD_ID_MAX];
		const char *name = NULL;
		size_t len = 0;

		if (!mod)
			name = f->pc ? jit_name(s, st->pid, f->pc - 1) : NULL;
		else
			len = module__build_id(mod, build_id);
		if (len)
			id = hash__bytes(id, build_id, len);
		else if (mod)
			name = module__path(mod);
		if (name)
			id = hash__string(id, name);
		/* An address outside any file means nothing in another run. */
		id = hash__mix(id, mod ? f->offset : 0);
	}
	return id;
}

size_t symbolizer__memory(const struct symbolizer *s)
{
	size_t sum = sizeof(*s) + strtab__memory(s->texts), pos = 0;
	const struct jit *jit;

	while ((jit = hashmap__next_ptr(s->jits, &pos, NULL)))
		sum += sizeof(*jit) + (jit->map ? perf_map__memory(jit->map) : 0);
	return sum;
}
