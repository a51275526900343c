/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/proto.h"

#include <errno.h>
#include <limits.h>
#define ZLIB_CONST
#include <zlib.h>

#include "report/internal.h"

#define WIRE_VARINT 0
#define WIRE_BYTES 2
#define GZIP_WINDOW (15 + 16) /* the largest window; +16: a gzip header instead of zlib's */

static void varint(struct strbuf *sb, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		strbuf__addc(sb, (char)(v | 0x80));
	strbuf__addc(sb, (char)v);
}

void proto__varint(struct strbuf *sb, unsigned int field, uint64_t value)
{
	if (!value)
		return;
	varint(sb, field << 3 | WIRE_VARINT);
	varint(sb, value);
}

void proto__bytes(struct strbuf *sb, unsigned int field, const void *data, size_t len)
{
	varint(sb, field << 3 | WIRE_BYTES);
	varint(sb, len);
	strbuf__add(sb, data, len);
}

void proto__packed(struct strbuf *sb, unsigned int field, const uint64_t *values, size_t n)
{
	struct strbuf packed = { 0 };

	if (!n)
		return;
	for (size_t i = 0; i < n; i++)
		varint(&packed, values[i]);
	proto__message(sb, field, &packed);
	strbuf__free(&packed);
}

void proto__message(struct strbuf *sb, unsigned int field, struct strbuf *message)
{
	if (message->error)
		sb->error = message->error;
	proto__bytes(sb, field, message->data, message->len);
	strbuf__reset(message);
}

static int deflate_all(z_stream *z, const unsigned char *data, size_t len, FILE *out)
{
	unsigned char buf[16384];
	int ret;

	z->next_in = data;
	do {
		if (!z->avail_in && len) {
			z->avail_in = len > UINT_MAX / 2 ? UINT_MAX / 2 : (unsigned int)len;
			len -= z->avail_in;
		}
		z->next_out = buf;
		z->avail_out = sizeof(buf);
		ret = deflate(z, len ? Z_NO_FLUSH : Z_FINISH);
		if (ret != Z_OK && ret != Z_STREAM_END && ret != Z_BUF_ERROR)
			return -EIO;
		errno = 0;
		if (fwrite(buf, 1, sizeof(buf) - z->avail_out, out) != sizeof(buf) - z->avail_out)
			return errno ? -errno : -EIO;
	} while (ret != Z_STREAM_END);
	return report__flush(out);
}

int proto__gzip(const void *data, size_t len, FILE *out)
{
	z_stream z = { 0 };
	int err;

	if (deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP_WINDOW, 8,
			 Z_DEFAULT_STRATEGY) != Z_OK)
		return -ENOMEM;
	err = deflate_all(&z, data, len, out);
	deflateEnd(&z);
	return err;
}
