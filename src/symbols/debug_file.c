/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "symbols/debug_file.h"

#include <errno.h>
#include <lzma.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "elf/elf.h"
#include "symbols/checksums.h"
#include "symbols/debug_paths.h"
#include "util/array.h"

/* Limits of the size that .gnu_debugdata is uncompressed to, and of the decoder's memory. A small
 * file can state any size. */
#define UNPACKED_MAX (256u << 20)
#define UNPACKER_MAX (128u << 20)

static const struct debug_file not_found = { .fd = -ENOENT };

void debug_file__done(struct debug_file *f)
{
	if (f->fd >= 0)
		close(f->fd);
	free(f->path);
	*f = not_found;
}

/* ---- whether a debug file belongs to a file ---- */

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
static int belongs(const struct debug_candidate *c, const struct debug_wish *want, uint32_t crc,
		   struct checksums *known)
{
	struct elf *e = elf__open(c->fd);
	uint8_t id[DEBUG_ID_MAX];
	size_t len;

	if (!e)
		return 0;
	len = elf__build_id(e, id, sizeof(id));
	elf__close(e);
	if (len && len == want->id_len && !memcmp(id, want->id, len))
		return 1;
	if (!c->by_link || (want->id_len && len))
		return 0;
	return same_crc(known, c->fd, crc);
}

static int open_candidate(const struct debug_wish *want, const char *from,
			  const struct debug_places *p, unsigned int step,
			  struct debug_candidate *out)
{
	if (p->ask)
		return p->ask(p->ctx, want, step, out);
	return debug_paths__open(want, from, p, step, out);
}

static struct debug_file find_file(const struct debug_wish *want, uint32_t crc, const char *from,
				   const struct debug_places *p)
{
	struct debug_candidate c = { 0 };
	bool pending = false;
	int err, ours;

	for (unsigned int tries = 0; tries < DEBUG_STEPS_MAX; tries++) {
		err = open_candidate(want, from, p, c.next, &c);
		pending |= err == -EAGAIN;
		if (err)
			break;
		ours = belongs(&c, want, crc, p->checksums);
		if (ours > 0)
			return (struct debug_file){ .fd = c.fd, .path = c.path, .root = c.root };
		pending |= ours == -EAGAIN;
		close(c.fd);
		free(c.path);
	}
	return (struct debug_file){ .fd = pending ? -EAGAIN : -ENOENT };
}

/* ---- .gnu_debuglink ---- */

/* The section holds a name, zeros up to a multiple of four, and the checksum of the whole file. The
 * name is a file's, without a directory. */
static const char *read_debuglink(const struct elf *e, uint32_t *crc)
{
	size_t len, end;
	const char *name = elf__section(e, ".gnu_debuglink", &len);

	if (!name || len < sizeof(*crc) + 1)
		return NULL;
	end = strnlen(name, len - sizeof(*crc));
	if (!end || end == len - sizeof(*crc) || end >= DEBUG_NAME_MAX || strchr(name, '/'))
		return NULL;
	end = (end + 1 + 3) & ~(size_t)3;
	if (end + sizeof(*crc) > len)
		return NULL;
	memcpy(crc, name + end, sizeof(*crc));
	return name;
}

struct debug_file debug_file__find(const struct elf *e, const char *path,
				   const struct debug_places *places)
{
	struct debug_wish want = { .ask_server = places->server || places->ask };
	uint32_t crc = 0;

	/* A server is not asked for what the file itself has. */
	if (elf__debug_size(e))
		want.ask_server = false;
	want.id_len = elf__build_id(e, want.id, sizeof(want.id));
	want.name = read_debuglink(e, &crc);
	return find_file(&want, crc, path, places);
}

/* ---- .gnu_debugaltlink ---- */

struct debug_file debug_file__find_shared(const char *name, const void *id, size_t len,
					  const char *from, const struct debug_places *places)
{
	struct debug_wish want = {
		.shared = true,
		.from_debug = places->from_debug,
		.ask_server = true,
		.id_len = len,
		.name = name,
	};

	if (len < 2 || len > sizeof(want.id) || strnlen(name, DEBUG_NAME_MAX) == DEBUG_NAME_MAX)
		return not_found;
	memcpy(want.id, id, len);
	return find_file(&want, 0, from, places);
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
