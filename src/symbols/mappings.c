#include "symbols/mappings.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "symbols/module.h"
#include "unwind/stacks.h"
#include "util/util.h"

struct mappings {
	uint32_t pid;
	struct mapping *maps; /* by address, never overlapping */
	size_t n;
	char *paths; /* what the mappings' paths point into */
	size_t paths_len;
};

struct mappings *mappings__new(uint32_t pid)
{
	struct mappings *sp = calloc(1, sizeof(*sp));

	if (sp)
		sp->pid = pid;
	return sp;
}

void mappings__free(struct mappings *sp)
{
	if (!sp)
		return;
	free(sp->maps);
	free(sp->paths);
	free(sp);
}

/* Whether a path is part of the text that this space holds. */
static bool is_own(const struct mappings *sp, const char *path)
{
	return sp->paths && path >= sp->paths && path < sp->paths + sp->paths_len;
}

struct mappings *mappings__copy(const struct mappings *sp, uint32_t pid)
{
	struct mappings *copy = mappings__new(pid);

	if (!copy || !sp->n)
		return copy;
	copy->maps = malloc(sp->n * sizeof(*sp->maps));
	copy->paths = malloc(sp->paths_len + 1);
	if (!copy->maps || !copy->paths) {
		mappings__free(copy);
		errno = ENOMEM;
		return NULL;
	}
	memcpy(copy->maps, sp->maps, sp->n * sizeof(*sp->maps));
	if (sp->paths_len)
		memcpy(copy->paths, sp->paths, sp->paths_len);
	copy->n = sp->n;
	copy->paths_len = sp->paths_len;
	for (size_t i = 0; i < copy->n; i++)
		if (is_own(sp, sp->maps[i].path))
			copy->maps[i].path = copy->paths + (sp->maps[i].path - sp->paths);
	return copy;
}

/* ---- the text of /proc/PID/maps ---- */

/* What is left of a line. Only take_number, take_flag and take_path read the text. */
struct line {
	const char *p, *end;
	bool bad;
};

static unsigned int digit(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned int)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (unsigned int)(c - 'a') + 10;
	return UINT32_MAX;
}

/* A number and the character that must follow it ('\0': a space or the line's end). */
static uint64_t take_number(struct line *l, unsigned int base, char follows)
{
	uint64_t n = 0;
	size_t digits = 0;

	for (; l->p < l->end; l->p++, digits++) {
		unsigned int d = digit(*l->p);

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
 * Copies the rest of the line to `out`, which has room for it, as a string. The kernel escapes
 * nothing but line feeds, so that a name that holds "\012" itself cannot be told apart; the same
 * goes for one that ends in " (deleted)".
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

/* One line; `path` has room for what is left of it. Returns the bytes of `path` used, 0 for a bad
 * line. */
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
	if (l.bad || m->start >= m->end)
		return 0;
	m->dev = makedev(major, minor);
	m->module = FRAME_NO_MODULE;
	m->path = path;
	return take_path(&l, path);
}

/*
 * Lines come in the order of addresses, but the kernel gives them page by page: a mapping that grew
 * or merged in between may overlap the one before. What was seen first stays.
 */
static bool trim(struct mapping *m, const struct mapping *before)
{
	if (before && m->start < before->end) {
		m->offset += before->end - m->start;
		m->start = before->end;
	}
	return m->start < m->end;
}

/* What stands for a thread's files, and who knows them better than maps; NULLs: nobody. */
struct context {
	uint32_t pid, tid; /* tid: whose /proc entry shows the memory */
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

/* -ESRCH: it had files to be identified, and has nothing any more. */
static int identify(const struct mapping *maps, size_t n, const struct context *c,
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
		any = is_code_of_file(&maps[i]);
	return any && !*nids ? -ESRCH : 0;
}

static int register_modules(struct mapping *maps, size_t n, const struct context *c)
{
	const struct identity *ids = NULL, *real;
	size_t nids, next = 0;
	int err = identify(maps, n, c, &ids, &nids);

	for (size_t i = 0; i < n && !err; i++) {
		struct mapping *m = &maps[i];

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

static int parse(struct mappings *sp, const struct context *c, const char *text, size_t len)
{
	const char *end = text + len;
	size_t lines = 0, n = 0, used = 0;
	struct mapping *maps;
	char *paths;
	int err;

	for (const char *p = text; (p = memchr(p, '\n', (size_t)(end - p))); p++)
		lines++;
	maps = malloc((lines + 1) * sizeof(*maps));
	paths = malloc(len + 1); /* each path and its terminator are shorter than the line */
	if (!maps || !paths) {
		free(maps);
		free(paths);
		return -ENOMEM;
	}
	while (text < end) {
		const char *eol = memchr(text, '\n', (size_t)(end - text));
		struct line l = { .p = text, .end = eol ? eol : end };
		size_t path = parse_line(l, &maps[n], paths + used);

		if (!path) {
			free(maps);
			free(paths);
			return -EINVAL;
		}
		if (trim(&maps[n], n ? &maps[n - 1] : NULL)) {
			used += path;
			n++;
		}
		text = eol ? eol + 1 : end;
	}
	err = register_modules(maps, n, c);
	if (err) {
		free(maps);
		free(paths);
		return err;
	}
	free(sp->maps);
	free(sp->paths);
	sp->maps = maps;
	sp->n = n;
	sp->paths = paths;
	sp->paths_len = used;
	return 0;
}

int mappings__parse(struct mappings *sp, struct modules *modules, const char *maps, size_t len)
{
	return parse(sp, &(struct context){ .pid = sp->pid, .tid = sp->pid, .modules = modules },
		     maps, len);
}

static char *read_maps(uint32_t tid, size_t *len)
{
	char path[64];
	char *text;

	snprintf(path, sizeof(path), "/proc/%u/maps", tid);
	text = util__read_file(path, len);
	if (text && !*len) {
		free(text);
		text = NULL;
		errno = ESRCH;
	}
	return text;
}

/* A main thread that ended before the others has no memory to show any more, but they do. */
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
		if (util__parse_u64(d->d_name, &id) || id == pid)
			continue;
		*tid = (uint32_t)id;
		text = read_maps(*tid, len);
	}
	closedir(dir);
	return text;
}

int mappings__refresh_as(struct mappings *sp, struct modules *modules, const struct identifier *who)
{
	struct context c = { .pid = sp->pid, .tid = sp->pid, .modules = modules, .who = who };
	char *text;
	size_t len;
	int err;

	text = read_maps(c.tid, &len);
	if (!text && errno != ENOENT && errno != ESRCH)
		return -errno;
	if (!text)
		text = read_maps_of_thread(sp->pid, &c.tid, &len);
	if (!text)
		return -ESRCH;
	err = parse(sp, &c, text, len);
	free(text);
	return err;
}

int mappings__refresh(struct mappings *sp, struct modules *modules)
{
	return mappings__refresh_as(sp, modules, NULL);
}

/* What is left of [start, end) of a mapping. */
static struct mapping part_of(const struct mapping *m, uint64_t start, uint64_t end)
{
	struct mapping part = *m;

	part.offset += start - m->start;
	part.start = start;
	part.end = end;
	return part;
}

int mappings__map(struct mappings *sp, const struct mapping *m)
{
	struct mapping *maps = reallocarray(NULL, sp->n + 2, sizeof(*maps));
	size_t n = 0, i = 0;

	if (!maps)
		return -ENOMEM;
	for (; i < sp->n && sp->maps[i].start < m->start; i++)
		maps[n++] = sp->maps[i].end <= m->start
				? sp->maps[i]
				: part_of(&sp->maps[i], sp->maps[i].start, m->start);
	maps[n++] = *m;
	/* The last that began before may go on behind. */
	if (i && sp->maps[i - 1].end > m->end)
		maps[n++] = part_of(&sp->maps[i - 1], m->end, sp->maps[i - 1].end);
	for (; i < sp->n; i++)
		if (sp->maps[i].start >= m->end)
			maps[n++] = sp->maps[i];
		else if (sp->maps[i].end > m->end)
			maps[n++] = part_of(&sp->maps[i], m->end, sp->maps[i].end);
	free(sp->maps);
	sp->maps = maps;
	sp->n = n;
	return 0;
}

/* ---- look-up ---- */

const struct mapping *mappings__find(const struct mappings *sp, uint64_t addr)
{
	size_t lo = 0, hi = sp->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (sp->maps[mid].end <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < sp->n && sp->maps[lo].start <= addr ? &sp->maps[lo] : NULL;
}

size_t mappings__count(const struct mappings *sp)
{
	return sp->n;
}

const struct mapping *mappings__at(const struct mappings *sp, size_t i)
{
	return i < sp->n ? &sp->maps[i] : NULL;
}
