/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "symbols/mappings.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "symbols/module.h"
#include "unwind/stacks.h"
#include "util/array.h"
#include "util/file.h"
#include "util/parse.h"

/* This many mappings, and as many as were read, may be added between two reads: ends of mappings
 * are not reported, so that a process which maps code again and again would fill the list. */
#define ADDED_MAX 4096

struct mappings {
	uint32_t pid;
	struct mapping *list; /* by address, never overlapping */
	size_t n, cap;
	size_t read; /* how many there were when they were read */
	char *paths; /* the mappings' paths point into this */
	size_t paths_len;
};

struct mappings *mappings__new(uint32_t pid)
{
	struct mappings *maps = calloc(1, sizeof(*maps));

	if (maps)
		maps->pid = pid;
	return maps;
}

void mappings__free(struct mappings *maps)
{
	if (!maps)
		return;
	free(maps->list);
	free(maps->paths);
	free(maps);
}

/* Returns whether a path points into the text that belongs to `maps`. */
static bool is_own(const struct mappings *maps, const char *path)
{
	return maps->paths && path >= maps->paths && path < maps->paths + maps->paths_len;
}

struct mappings *mappings__copy(const struct mappings *maps, uint32_t pid)
{
	struct mappings *copy = mappings__new(pid);

	if (!copy || !maps->n)
		return copy;
	copy->list = malloc(maps->n * sizeof(*maps->list));
	copy->paths = malloc(maps->paths_len + 1);
	if (!copy->list || !copy->paths) {
		mappings__free(copy);
		errno = ENOMEM;
		return NULL;
	}
	memcpy(copy->list, maps->list, maps->n * sizeof(*maps->list));
	if (maps->paths_len)
		memcpy(copy->paths, maps->paths, maps->paths_len);
	copy->n = copy->cap = maps->n;
	copy->read = maps->read;
	copy->paths_len = maps->paths_len;
	for (size_t i = 0; i < copy->n; i++)
		if (is_own(maps, maps->list[i].path))
			copy->list[i].path = copy->paths + (maps->list[i].path - maps->paths);
	return copy;
}

/* ---- the text of /proc/PID/maps ---- */

/* The rest of a line. Only take_number, take_flag and take_path read the text. */
struct line {
	const char *p, *end;
	bool bad;
};

static unsigned int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned int)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (unsigned int)(c - 'a') + 10;
	return UINT32_MAX;
}

/* Takes a number and the character that must follow it ('\0': a space or the end of the line). */
static uint64_t take_number(struct line *l, unsigned int base, char follows)
{
	uint64_t n = 0;
	size_t digits = 0;

	for (; l->p < l->end; l->p++, digits++) {
		unsigned int d = digit_value(*l->p);

		if (d >= base || __builtin_mul_overflow(n, base, &n) ||
		    __builtin_add_overflow(n, d, &n))
			break;
	}
	if (!digits || (l->p < l->end ? *l->p != (follows ? follows : ' ') : follows))
		l->bad = true;
	else if (l->p < l->end)
		l->p++;
	return n;
}

static bool take_flag(struct line *l, char flag)
{
	if (l->p >= l->end) {
		l->bad = true;
		return false;
	}
	return *l->p++ == flag;
}

/*
 * Copies the rest of the line to `out`, which has room for it, as a string. The kernel escapes only
 * line feeds, so a name that contains "\012" itself is ambiguous, and so is one that ends in "
 * (deleted)".
 */
static size_t take_path(struct line *l, char *out)
{
	static const char deleted[] = " (deleted)";
	const size_t tail = sizeof(deleted) - 1;
	char *o = out;

	while (l->p < l->end && *l->p == ' ')
		l->p++;
	if ((size_t)(l->end - l->p) > tail && !memcmp(l->end - tail, deleted, tail))
		l->end -= tail;
	while (l->p < l->end) {
		if (l->end - l->p >= 4 && !memcmp(l->p, "\\012", 4)) {
			*o++ = '\n';
			l->p += 4;
		} else {
			*o++ = *l->p++;
		}
	}
	*o++ = '\0';
	return (size_t)(o - out);
}

/* Parses one line; `path` has room for what is left of it. Returns the bytes of `path` used, 0 for
 * an invalid line. */
static size_t parse_line(struct line l, struct mapping *m, char *path)
{
	uint64_t major, minor;

	memset(m, 0, sizeof(*m));
	m->start = take_number(&l, 16, '-');
	m->end = take_number(&l, 16, ' ');
	take_flag(&l, 'r');
	m->write = take_flag(&l, 'w');
	m->exec = take_flag(&l, 'x');
	take_flag(&l, 'p');
	if (!take_flag(&l, ' '))
		return 0;
	m->offset = take_number(&l, 16, ' ');
	major = take_number(&l, 16, ':');
	minor = take_number(&l, 16, ' ');
	m->ino = take_number(&l, 10, '\0');
	if (l.bad || m->start >= m->end || major > UINT32_MAX || minor > UINT32_MAX)
		return 0;
	m->dev = makedev((unsigned int)major, (unsigned int)minor);
	m->module = FRAME_NO_MODULE;
	m->path = path;
	return take_path(&l, path);
}

/*
 * Lines are sorted by address, but the kernel produces them a page of text at a time: a mapping
 * that grew or merged in between may overlap the one before. The first one seen is kept.
 */
static bool trim_overlap(struct mapping *m, const struct mapping *before)
{
	if (before && m->start < before->end) {
		m->offset += before->end - m->start;
		m->start = before->end;
	}
	return m->start < m->end;
}

/* What parsing needs besides the text. `modules` and `who` may be NULL. */
struct context {
	uint32_t pid, tid; /* tid: the thread whose /proc entry shows the memory */
	struct modules *modules;
	const struct identifier *who;
};

static void register_module(struct mapping *m, const struct context *c, const struct identity *real)
{
	struct mapped_file f = {
		.pid = (pid_t)c->tid,
		.start = m->start,
		.end = m->end,
		.dev = m->dev,
		.ino = m->ino,
		.real_dev = real ? real->dev : 0,
		.real_ino = real ? real->ino : 0,
		.unread = real && real->unread,
		.path = m->path,
	};
	int64_t id;

	if (!m->exec || (!m->ino && strcmp(m->path, "[vdso]")))
		return;
	id = modules__add(c->modules, &f);
	if (id >= 0)
		m->module = (uint32_t)id;
}

static bool is_code_of_file(const struct mapping *m)
{
	return m->exec && m->ino;
}

/* Returns -ESRCH if there were files to identify, and now there is nothing. */
static int identify_files(const struct mapping *list, size_t n, const struct context *c,
			  const struct identity **ids, size_t *nids)
{
	bool any = false;
	int err;

	*nids = 0;
	if (!c->who)
		return 0;
	err = c->who->identify(c->who->ctx, c->pid, ids, nids);
	if (err) {
		*nids = 0;
		return err == -ESRCH ? err : 0;
	}
	for (size_t i = 0; i < n && !any; i++)
		any = is_code_of_file(&list[i]);
	return any && !*nids ? -ESRCH : 0;
}

static int register_modules(struct mapping *list, size_t n, const struct context *c)
{
	const struct identity *ids = NULL, *real;
	size_t nids, next = 0;
	int err = identify_files(list, n, c, &ids, &nids);

	for (size_t i = 0; i < n && !err; i++) {
		struct mapping *m = &list[i];

		while (next < nids && ids[next].start < m->start)
			next++;
		real = next < nids && ids[next].start == m->start && m->ino && ids[next].ino
			   ? &ids[next]
			   : NULL;
		if (c->modules)
			register_module(m, c, real);
		if (real) {
			m->dev = real->dev;
			m->ino = real->ino;
		}
	}
	return err;
}

static int parse_maps(struct mappings *maps, const struct context *c, const char *text, size_t len)
{
	const char *end = text + len;
	size_t lines = 0, n = 0, used = 0;
	struct mapping *list;
	char *paths;
	int err;

	for (const char *p = text; (p = memchr(p, '\n', (size_t)(end - p))); p++)
		lines++;
	list = malloc((lines + 1) * sizeof(*list));
	paths = malloc(len + 1); /* each path with its terminator is shorter than its line */
	if (!list || !paths) {
		free(list);
		free(paths);
		return -ENOMEM;
	}
	while (text < end) {
		const char *eol = memchr(text, '\n', (size_t)(end - text));
		struct line l = { .p = text, .end = eol ? eol : end };
		size_t path = parse_line(l, &list[n], paths + used);

		if (!path) {
			free(list);
			free(paths);
			return -EINVAL;
		}
		if (trim_overlap(&list[n], n ? &list[n - 1] : NULL)) {
			used += path;
			n++;
		}
		text = eol ? eol + 1 : end;
	}
	err = register_modules(list, n, c);
	if (err) {
		free(list);
		free(paths);
		return err;
	}
	free(maps->list);
	free(maps->paths);
	maps->list = list;
	maps->n = maps->read = n;
	maps->cap = lines + 1;
	maps->paths = paths;
	maps->paths_len = used;
	return 0;
}

int mappings__parse(struct mappings *maps, struct modules *modules, const char *text, size_t len)
{
	return parse_maps(
	    maps, &(struct context){ .pid = maps->pid, .tid = maps->pid, .modules = modules }, text,
	    len);
}

static char *read_maps(uint32_t tid, size_t *len)
{
	char path[64];
	char *text;

	snprintf(path, sizeof(path), "/proc/%u/maps", tid);
	text = file__read(path, len);
	if (text && !*len) {
		free(text);
		text = NULL;
		errno = ESRCH;
	}
	return text;
}

/* A main thread that ended before the others no longer shows the memory, but they do. */
static char *read_maps_of_thread(uint32_t pid, uint32_t *tid, size_t *len)
{
	char path[64], *text = NULL;
	struct dirent *d;
	uint64_t id;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%u/task", pid);
	dir = opendir(path);
	if (!dir)
		return NULL;
	while (!text && (d = readdir(dir))) {
		if (parse__u64(d->d_name, &id) || id == pid)
			continue;
		*tid = (uint32_t)id;
		text = read_maps(*tid, len);
	}
	closedir(dir);
	return text;
}

int mappings__refresh_as(struct mappings *maps, struct modules *modules,
			 const struct identifier *who)
{
	struct context c = { .pid = maps->pid, .tid = maps->pid, .modules = modules, .who = who };
	char *text;
	size_t len;
	int err;

	text = read_maps(c.tid, &len);
	if (!text && errno != ENOENT && errno != ESRCH)
		return -errno;
	if (!text)
		text = read_maps_of_thread(maps->pid, &c.tid, &len);
	if (!text)
		return -ESRCH;
	err = parse_maps(maps, &c, text, len);
	free(text);
	return err;
}

int mappings__refresh(struct mappings *maps, struct modules *modules)
{
	return mappings__refresh_as(maps, modules, NULL);
}

/* Returns the index of the first mapping that ends after an address. */
static size_t index_of(const struct mappings *maps, uint64_t addr)
{
	size_t lo = 0, hi = maps->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (maps->list[mid].end <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* Returns the part of a mapping in [start, end). */
static struct mapping part_of(const struct mapping *m, uint64_t start, uint64_t end)
{
	struct mapping part = *m;

	part.offset += start - m->start;
	part.start = start;
	part.end = end;
	return part;
}

/* Makes room for one more mapping, and for the rest of one that is cut in two. */
static int grow_list(struct mappings *maps)
{
	return array__grow(&maps->list, &maps->cap, maps->n + 2, sizeof(*maps->list));
}

/* Replaces `old` entries from the i-th on by those given. */
static void replace(struct mappings *maps, size_t i, size_t old, const struct mapping *with,
		    size_t n)
{
	memmove(maps->list + i + n, maps->list + i + old,
		(maps->n - i - old) * sizeof(*maps->list));
	memcpy(maps->list + i, with, n * sizeof(*with));
	maps->n += n - old;
}

int mappings__map(struct mappings *maps, const struct mapping *m)
{
	struct mapping parts[3];
	size_t first, after, n = 0;

	if (maps->n > 2 * maps->read + ADDED_MAX)
		return -ENOSPC;
	if (grow_list(maps))
		return -ENOMEM;
	first = after = index_of(maps, m->start);
	if (first < maps->n && maps->list[first].start < m->start)
		parts[n++] = part_of(&maps->list[first], maps->list[first].start, m->start);
	parts[n++] = *m;
	while (after < maps->n && maps->list[after].end <= m->end)
		after++;
	/* The last one that starts before it ends may continue after it. */
	if (after < maps->n && maps->list[after].start < m->end) {
		parts[n++] = part_of(&maps->list[after], m->end, maps->list[after].end);
		after++;
	}
	replace(maps, first, after - first, parts, n);
	return 0;
}

/* ---- lookup ---- */

const struct mapping *mappings__find(const struct mappings *maps, uint64_t addr)
{
	size_t i = index_of(maps, addr);

	return i < maps->n && maps->list[i].start <= addr ? &maps->list[i] : NULL;
}

size_t mappings__count(const struct mappings *maps)
{
	return maps->n;
}

const struct mapping *mappings__at(const struct mappings *maps, size_t i)
{
	return i < maps->n ? &maps->list[i] : NULL;
}
