/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "record/chunk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#define ZLIB_CONST
#include <zlib.h>

#include "util/array.h"

#define MAGIC_LEN 8

static void put_u32(uint8_t *p, uint32_t n)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(n >> 8 * i);
}

static uint32_t get_u32(const uint8_t *p)
{
	uint32_t n = 0;

	for (int i = 0; i < 4; i++)
		n |= (uint32_t)p[i] << 8 * i;
	return n;
}

static uint32_t crc_of_chunk(const uint8_t *head, const void *stored, size_t len)
{
	uLong crc = crc32_z(0, head, CHUNK_HEAD - 4);

	/* Given no bytes at NULL, zlib returns the initial value. */
	return (uint32_t)(len ? crc32_z(crc, stored, len) : crc);
}

/* Keeps a damaged length from being taken for a file that was cut off. */
static uint16_t crc_of_lengths(const uint8_t *head)
{
	return (uint16_t)crc32_z(crc32_z(0, head, 2), head + 4, 8);
}

/* ---- the file's head ---- */

void chunk__file_head(uint8_t out[RECORDING_HEAD])
{
	memcpy(out, RECORDING_MAGIC, MAGIC_LEN);
	put_u32(out + 8, RECORDING_VERSION);
	put_u32(out + 12, (uint32_t)crc32_z(0, out, 12));
}

int chunk__check_file_head(const uint8_t head[RECORDING_HEAD], uint32_t *version)
{
	if (memcmp(head, RECORDING_MAGIC, MAGIC_LEN))
		return -ENOMSG;
	if (get_u32(head + 12) != (uint32_t)crc32_z(0, head, 12))
		return -EBADMSG;
	*version = get_u32(head + 8);
	return *version == RECORDING_VERSION ? 0 : -ENOTSUP;
}

/* ---- reading ---- */

int chunk__parse(const uint8_t head[CHUNK_HEAD], struct chunk *out)
{
	*out = (struct chunk){
		.type = head[0],
		.flags = head[1],
		.stored = get_u32(head + 4),
		.bytes = get_u32(head + 8),
		.crc = get_u32(head + 12),
	};
	if ((head[2] | head[3] << 8) != crc_of_lengths(head))
		return -EBADMSG;
	return out->type && out->stored <= CHUNK_BYTES_MAX && out->bytes <= CHUNK_BYTES_MAX
		   ? 0
		   : -EBADMSG;
}

bool chunk__intact(const uint8_t head[CHUNK_HEAD], const void *stored, const struct chunk *ch)
{
	return crc_of_chunk(head, stored, ch->stored) == ch->crc;
}

int chunk__inflate(const struct chunk *ch, const void *stored, void *out)
{
	uLongf len = ch->bytes;
	int err;

	if (ch->flags & CHUNK_F_PLAIN) {
		if (ch->stored != ch->bytes)
			return -EBADMSG;
		memcpy(out, stored, ch->bytes);
		return 0;
	}
	err = uncompress(out, &len, stored, ch->stored);
	if (err == Z_MEM_ERROR)
		return -ENOMEM;
	return err == Z_OK && len == ch->bytes ? 0 : -EBADMSG;
}

/* ---- writing ---- */

struct chunk_packer {
	z_stream z;
	uint8_t *out;
	size_t cap;
};

struct chunk_packer *chunk__new_packer(void)
{
	struct chunk_packer *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	if (deflateInit(&p->z, 1) == Z_OK)
		return p;
	free(p);
	errno = ENOMEM;
	return NULL;
}

void chunk__free_packer(struct chunk_packer *p)
{
	if (!p)
		return;
	deflateEnd(&p->z);
	free(p->out);
	free(p);
}

int chunk__pack(struct chunk_packer *p, enum chunk_type type, const void *bytes, size_t n,
		bool plain, const uint8_t **out, size_t *len)
{
	size_t stored = n;

	if (n > CHUNK_BYTES_MAX ||
	    array__grow(&p->out, &p->cap, CHUNK_HEAD + deflateBound(&p->z, n) + n, 1))
		return -ENOMEM;
	if (!plain && n) {
		deflateReset(&p->z);
		p->z.next_in = bytes;
		p->z.avail_in = (uInt)n;
		p->z.next_out = p->out + CHUNK_HEAD;
		p->z.avail_out = (uInt)(p->cap - CHUNK_HEAD);
		plain = deflate(&p->z, Z_FINISH) != Z_STREAM_END || p->z.total_out >= n;
		stored = p->z.total_out;
	} else {
		plain = true;
	}
	if (plain && n) {
		memcpy(p->out + CHUNK_HEAD, bytes, n);
		stored = n;
	}
	memset(p->out, 0, CHUNK_HEAD);
	p->out[0] = (uint8_t)type;
	p->out[1] = plain ? CHUNK_F_PLAIN : 0;
	put_u32(p->out + 4, (uint32_t)stored);
	put_u32(p->out + 8, (uint32_t)n);
	p->out[2] = (uint8_t)crc_of_lengths(p->out);
	p->out[3] = (uint8_t)(crc_of_lengths(p->out) >> 8);
	put_u32(p->out + 12, crc_of_chunk(p->out, p->out + CHUNK_HEAD, stored));
	*out = p->out;
	*len = CHUNK_HEAD + stored;
	return 0;
}
