/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "symbols/debug_file.h"

#include <errno.h>
#include <limits.h>
#include <lzma.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "elf/elf.h"
#include "symbols/checksums.h"
#include "symbols/debuginfod.h"
#include "symbols/roots.h"
#include "util/array.h"

#define BUILD_ID_BYTES 64
/* Limits of the size that .gnu_debugdata is uncompressed to, and of the decoder's memory. A small
 * file can state any size. */
#define UNPACKED_MAX (256u << 20)
#define UNPACKER_MAX (128u << 20)

struct build_id {
	uint8_t bytes[BUILD_ID_BYTES];
	size_t len;
};

/* .gnu_debuglink */
struct link {
	const char *name; /* a file name without a directory */
	uint32_t crc;
};

/* The file looked for, identified by its build ID, or else by the checksum. */
struct wanted {
	struct build_id id;
	const struct link *link; /* NULL: by build ID alone */
};

/* ---- whether a debug file belongs to a file ---- */

static struct build_id build_id_of(const struct elf *e)
{
	struct build_id id;

	id.len = elf__build_id(e, id.bytes, sizeof(id.bytes));
	return id;
}

static bool same_id(const struct build_id *a, const struct build_id *b)
{
	return a->len && a->len == b->len && !memcmp(a->bytes, b->bytes, a->len);
}

/* Returns 1 if the file has this checksum, 0 if not, or -EAGAIN. */
static int same_crc(struct checksums *known, int fd, uint32_t want)
{
	struct checksums *own = known ? NULL : checksums__new();
	uint32_t crc;
	int err = -ENOMEM;

	if (known || own)
		err = checksums__of(known ? known : own, fd, &crc);
	checksums__free(own);
	if (err)
		return err == -EAGAIN ? err : 0;
	return crc == want;
}

/* Returns 1 if the file is the one looked for, 0 if not, or -EAGAIN if that is not known yet. */
static int belongs(int fd, const struct wanted *want, struct checksums *known)
{
	struct elf *e = elf__open(fd);
	struct build_id found = { .len = 0 };

	if (!e)
		return 0;
	found = build_id_of(e);
	elf__close(e);
	if (same_id(&want->id, &found))
		return 1;
	if (!want->link || (want->id.len && found.len))
		return 0;
	return same_crc(known, fd, want->link->crc);
}

/* ---- one path ---- */

static const struct debug_file not_found = { .fd = -ENOENT };

void debug_file__done(struct debug_file *f)
{
	if (f->fd >= 0)
		close(f->fd);
	free(f->path);
	*f = not_found;
}

__attribute__((format(printf, 4, 5))) static struct debug_file
open_candidate(const struct wanted *want, const struct debug_places *p, int64_t root,
	       const char *format, ...)
{
	struct debug_file f = not_found;
	char path[PATH_MAX];
	struct stat st;
	va_list ap;
	int n, ours;

	va_start(ap, format);
	n = vsnprintf(path, sizeof(path), format, ap);
	va_end(ap);
	if (!p->roots || n < 0 || (size_t)n >= sizeof(path))
		return f;
	f.fd = roots__open(p->roots, root, path, &st);
	if (f.fd < 0)
		return f;
	ours = belongs(f.fd, want, p->checksums);
	if (ours > 0) {
		f.path = strdup(path);
		f.root = root;
	}
	if (!f.path)
		debug_file__done(&f);
	if (ours < 0)
		f.fd = ours;
	return f;
}

static const char *debug_directory(const struct debug_places *p)
{
	return p->dir ? p->dir : DEBUGFILE_DIR;
}

static struct debug_file find_by_id(const struct wanted *want, const struct debug_places *p,
				    int64_t root)
{
	char rest[2 * BUILD_ID_BYTES + 1] = "";

	if (want->id.len < 2)
		return not_found;
	for (size_t i = 1; i < want->id.len; i++)
		snprintf(rest + 2 * (i - 1), 3, "%02x", want->id.bytes[i]);
	return open_candidate(want, p, root, "%s/.build-id/%02x/%s.debug", debug_directory(p),
			      want->id.bytes[0], rest);
}

/* Looks where paths do not matter: on the host, and at a server. */
static struct debug_file find_elsewhere(const struct wanted *want, const struct debug_places *p)
{
	struct debug_file f = not_found;

	if (p->root != ROOT_OWN)
		f = find_by_id(want, p, ROOT_OWN);
	if (f.fd >= 0 || !p->server || want->id.len < 2)
		return f;
	f.fd = debuginfod__open(p->server, want->id.bytes, want->id.len);
	if (f.fd >= 0 && belongs(f.fd, want, NULL) <= 0)
		debug_file__done(&f);
	return f;
}

/* ---- .gnu_debuglink ---- */

/* The section holds a name, zeros up to a multiple of four, and the checksum of the whole file. */
static bool read_debuglink(const struct elf *e, struct link *l)
{
	size_t len, name;

	l->name = elf__section(e, ".gnu_debuglink", &len);
	if (!l->name || len < sizeof(l->crc) + 1)
		return false;
	name = strnlen(l->name, len - sizeof(l->crc));
	if (!name || name == len - sizeof(l->crc) || strchr(l->name, '/'))
		return false;
	name = (name + 1 + 3) & ~(size_t)3;
	if (name + sizeof(l->crc) > len)
		return false;
	memcpy(&l->crc, l->name + name, sizeof(l->crc));
	return true;
}

static struct debug_file find_by_link(const struct wanted *want, const char *path,
				      const struct debug_places *p)
{
	const char *slash = strrchr(path, '/'), *name = want->link->name;
	int len = slash ? (int)(slash - path) : 0;
	struct debug_file f = not_found;

	if (!slash || slash - path >= PATH_MAX)
		return f;
	f = open_candidate(want, p, p->root, "%.*s/%s", len, path, name);
	if (f.fd < 0 && f.fd != -EAGAIN)
		f = open_candidate(want, p, p->root, "%.*s/.debug/%s", len, path, name);
	if (f.fd < 0 && f.fd != -EAGAIN)
		f = open_candidate(want, p, p->root, "%s%.*s/%s", debug_directory(p), len, path,
				   name);
	return f;
}

struct debug_file debug_file__find(const struct elf *e, const char *path,
				   const struct debug_places *places)
{
	struct wanted want = { .id = build_id_of(e) };
	struct debug_file f = find_by_id(&want, places, places->root);
	struct link l;
	int err;

	if (f.fd < 0 && path && read_debuglink(e, &l)) {
		want.link = &l;
		f = find_by_link(&want, path, places);
		want.link = NULL;
	}
	err = f.fd;
	if (f.fd < 0)
		f = find_elsewhere(&want, places);
	if (f.fd < 0 && err == -EAGAIN)
		f.fd = err;
	return f;
}

/* ---- .gnu_debugaltlink ---- */

struct debug_file debug_file__find_shared(const char *name, const void *id, size_t len,
					  const char *from, const struct debug_places *places)
{
	const char *slash = from ? strrchr(from, '/') : NULL;
	struct debug_file f = not_found;
	struct wanted want;

	if (len < 2 || len > sizeof(want.id.bytes))
		return f;
	want = (struct wanted){ .id.len = len };
	memcpy(want.id.bytes, id, len);
	if (name[0] == '/')
		f = open_candidate(&want, places, places->root, "%s", name);
	else if (slash && slash - from < PATH_MAX)
		f = open_candidate(&want, places, places->root, "%.*s/%s", (int)(slash - from),
				   from, name);
	if (f.fd < 0)
		f = find_by_id(&want, places, places->root);
	return f.fd < 0 ? find_elsewhere(&want, places) : f;
}

/* ---- .gnu_debugdata ---- */

void *debug_file__unpack(const struct elf *e, size_t *len)
{
	lzma_stream stream = LZMA_STREAM_INIT;
	size_t packed, cap = 0, done = 0;
	const void *in = elf__section(e, ".gnu_debugdata", &packed);
	lzma_ret ret = LZMA_OK;
	char *out = NULL;

	if (!in || lzma_stream_decoder(&stream, UNPACKER_MAX, 0) != LZMA_OK) {
		errno = ENOENT;
		return NULL;
	}
	stream.next_in = in;
	stream.avail_in = packed;
	while (ret == LZMA_OK && cap < UNPACKED_MAX) {
		if (array__grow(&out, &cap, cap ? 2 * cap : 65536, 1))
			break;
		stream.next_out = (uint8_t *)out + done;
		stream.avail_out = cap - done;
		ret = lzma_code(&stream, LZMA_FINISH);
		done = cap - stream.avail_out;
	}
	lzma_end(&stream);
	if (ret != LZMA_STREAM_END) {
		free(out);
		errno = EBADMSG;
		return NULL;
	}
	*len = done;
	return out;
}
