/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "symbols/debug_paths.h"

#include <elf.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "symbols/debuginfod.h"
#include "symbols/roots.h"
#include "util/array.h"

enum place { BY_ID, BESIDE, BELOW, IN_DEBUG_DIRECTORY, BY_SHARED_NAME, ON_HOST, AT_SERVER };

static const enum place own_places[] = { BY_ID,	  BESIDE,   BELOW, IN_DEBUG_DIRECTORY,
					 ON_HOST, AT_SERVER };
static const enum place shared_places[] = { BY_SHARED_NAME, BY_ID, ON_HOST, AT_SERVER };

static bool is_elf(int fd)
{
	char magic[SELFMAG];

	return pread(fd, magic, SELFMAG, 0) == SELFMAG && !memcmp(magic, ELFMAG, SELFMAG);
}

__attribute__((format(printf, 4, 5))) static int open_path(const struct debug_places *p,
							   int64_t root,
							   struct debug_candidate *out,
							   const char *format, ...)
{
	char path[PATH_MAX];
	struct stat st;
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(path, sizeof(path), format, ap);
	va_end(ap);
	if (!p->roots || n < 0 || (size_t)n >= sizeof(path))
		return -ENOENT;
	out->fd = roots__open(p->roots, root, path, &st);
	if (out->fd < 0)
		return -ENOENT;
	out->path = is_elf(out->fd) ? strdup(path) : NULL;
	out->root = root;
	if (out->path)
		return 0;
	close(out->fd);
	return -ENOENT;
}

static const char *debug_directory(const struct debug_places *p)
{
	return p->dir ? p->dir : DEBUGFILE_DIR;
}

static int open_by_id(const struct debug_wish *w, const struct debug_places *p, int64_t root,
		      struct debug_candidate *out)
{
	char rest[2 * DEBUG_ID_MAX + 1] = "";

	if (w->id_len < 2)
		return -ENOENT;
	for (size_t i = 1; i < w->id_len; i++)
		snprintf(rest + 2 * (i - 1), 3, "%02x", w->id[i]);
	return open_path(p, root, out, "%s/.build-id/%02x/%s.debug", debug_directory(p), w->id[0],
			 rest);
}

static int open_by_link(const struct debug_wish *w, const char *from, const struct debug_places *p,
			enum place place, struct debug_candidate *out)
{
	const char *slash = from ? strrchr(from, '/') : NULL;
	int len = slash && slash - from < PATH_MAX ? (int)(slash - from) : 0;

	if (!w->name || !slash || slash - from >= PATH_MAX)
		return -ENOENT;
	out->by_link = true;
	if (place == BESIDE)
		return open_path(p, p->root, out, "%.*s/%s", len, from, w->name);
	if (place == BELOW)
		return open_path(p, p->root, out, "%.*s/.debug/%s", len, from, w->name);
	return open_path(p, p->root, out, "%s%.*s/%s", debug_directory(p), len, from, w->name);
}

static int open_shared(const struct debug_wish *w, const char *from, const struct debug_places *p,
		       struct debug_candidate *out)
{
	const char *slash = from ? strrchr(from, '/') : NULL;

	if (w->name && w->name[0] == '/')
		return open_path(p, p->root, out, "%s", w->name);
	if (!w->name || !slash || slash - from >= PATH_MAX)
		return -ENOENT;
	return open_path(p, p->root, out, "%.*s/%s", (int)(slash - from), from, w->name);
}

static int ask_server(const struct debug_wish *w, const struct debug_places *p,
		      struct debug_candidate *out)
{
	if (!w->ask_server || !p->server || w->id_len < 2)
		return -ENOENT;
	out->fd = debuginfod__open(p->server, w->id, w->id_len);
	return out->fd < 0 ? out->fd : 0;
}

static int open_place(const struct debug_wish *w, const char *from, const struct debug_places *p,
		      enum place place, struct debug_candidate *out)
{
	switch (place) {
	case BY_ID:
		return open_by_id(w, p, p->root, out);
	case BESIDE:
	case BELOW:
	case IN_DEBUG_DIRECTORY:
		return open_by_link(w, from, p, place, out);
	case BY_SHARED_NAME:
		return open_shared(w, from, p, out);
	case ON_HOST:
		return p->root == ROOT_OWN ? -ENOENT : open_by_id(w, p, ROOT_OWN, out);
	case AT_SERVER:
		return ask_server(w, p, out);
	}
	return -ENOENT;
}

int debug_paths__open(const struct debug_wish *w, const char *from, const struct debug_places *p,
		      unsigned int step, struct debug_candidate *out)
{
	const enum place *places = w->shared ? shared_places : own_places;
	size_t n = w->shared ? ARRAY_SIZE(shared_places) : ARRAY_SIZE(own_places);
	int err = -ENOENT;

	for (; err && err != -EAGAIN && step < n; step++) {
		*out = (struct debug_candidate){ .fd = -1, .root = -1 };
		err = open_place(w, from, p, places[step], out);
	}
	out->next = step;
	return err == 0 || err == -EAGAIN ? err : -ENOENT;
}
