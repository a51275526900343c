#include "model/debugfile.h"

#include <errno.h>
#include <limits.h>
#include <lzma.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "ground/file.h"
#include "model/elf.h"

#define BUILD_ID_BYTES 64
/* What .gnu_debugdata may unpack to, and what the unpacking may take. A small file can name any
 * size. */
#define UNPACKED_MAX (256u << 20)
#define UNPACKER_MAX (128u << 20)

struct id {
	uint8_t bytes[BUILD_ID_BYTES];
	size_t len;
};

static struct id id_of(const struct elf *e)
{
	struct id id;

	id.len = elf__build_id(e, id.bytes, sizeof(id.bytes));
	return id;
}

static struct id id_of_fd(int fd)
{
	struct elf *e = elf__open(fd);
	struct id id = { .len = 0 };

	if (e)
		id = id_of(e);
	elf__close(e);
	return id;
}

static bool same_id(const struct id *a, const struct id *b)
{
	return a->len && a->len == b->len && !memcmp(a->bytes, b->bytes, a->len);
}

static int open_path(const char *path)
{
	struct stat st;

	return file__open_regular(path, 0, &st);
}

int debugfile__open_build_id(const uint8_t *bytes, size_t len, const char *dir)
{
	char path[PATH_MAX];
	struct id want = { .len = len }, found;
	int n, fd;

	if (len < 2 || len > sizeof(want.bytes))
		return -ENOENT;
	memcpy(want.bytes, bytes, len);
	n = snprintf(path, sizeof(path), "%s/.build-id/%02x/", dir, bytes[0]);
	if (n < 0 || (size_t)n + 2 * len + sizeof(".debug") > sizeof(path))
		return -ENAMETOOLONG;
	for (size_t i = 1; i < len; i++)
		n += snprintf(path + n, sizeof(path) - (size_t)n, "%02x", bytes[i]);
	snprintf(path + n, sizeof(path) - (size_t)n, ".debug");

	fd = open_path(path);
	if (fd < 0)
		return fd;
	found = id_of_fd(fd);
	if (same_id(&want, &found))
		return fd;
	close(fd);
	return -ENOENT;
}

/* ---- .gnu_debuglink ---- */

struct link {
	const char *name;	/* a file name without any directory */
	uint32_t crc;
};

/* The section holds a name, zeros up to a multiple of four, and the checksum of the whole file. */
static bool read_link(const struct elf *e, struct link *l)
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

static bool same_crc(int fd, uint32_t want)
{
	uLong crc = crc32(0, NULL, 0);
	unsigned char buf[65536];
	off_t at = 0;
	ssize_t got;

	while ((got = pread(fd, buf, sizeof(buf), at)) > 0) {
		crc = crc32(crc, buf, (uInt)got);
		at += got;
	}
	return got == 0 && crc == want;
}

static int try_link(const char *path, const struct link *l, const struct id *want)
{
	int fd = open_path(path);
	struct id found;

	if (fd < 0)
		return fd;
	found = id_of_fd(fd);
	if (same_id(want, &found) || (!(want->len && found.len) && same_crc(fd, l->crc)))
		return fd;
	close(fd);
	return -ENOENT;
}

int debugfile__open(const struct elf *e, const char *path, const char *dir)
{
	const char *slash = path ? strrchr(path, '/') : NULL;
	int dirlen = slash ? (int)(slash - path) : 0;
	struct id id = id_of(e);
	char file[PATH_MAX];
	struct link l;
	int fd;

	fd = debugfile__open_build_id(id.bytes, id.len, dir);
	if (fd >= 0 || !slash || !read_link(e, &l))
		return fd;
	for (int place = 0; fd < 0 && place < 3; place++) {
		const char *before = place == 2 ? dir : "", *below = place == 1 ? "/.debug" : "";
		int n = snprintf(file, sizeof(file), "%s%.*s%s/%s", before, dirlen, path, below,
				 l.name);

		if (n > 0 && (size_t)n < sizeof(file))
			fd = try_link(file, &l, &id);
	}
	return fd;
}

/* ---- .gnu_debugdata ---- */

void *debugfile__unpack(const struct elf *e, size_t *len)
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
		size_t grown = cap ? cap * 2 : 65536;
		char *bigger = realloc(out, grown);

		if (!bigger)
			break;
		out = bigger;
		cap = grown;
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
