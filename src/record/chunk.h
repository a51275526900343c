/*
 * The outer form of a recording: a head, then chunks that each stand alone, with their length, a
 *checksum and their bytes deflated. All numbers are little-endian.
 *
 *	head	8 bytes magic, u32 version, u32 CRC-32 of these 12 bytes
 *	chunk	u8 type, u8 flags, u16 (the low half of the CRC-32 of the other 10 bytes before the
 *next), u32 stored bytes, u32 bytes when inflated, u32 CRC-32 of the 12 bytes before and of the
 *		stored bytes; then the stored bytes
 *
 * A chunk of events or of state is a row of packed events (recording_events.h) and of records: a
 *byte EVENT_PACKED_NONE, the record's kind, its length, its bytes.
 */
#ifndef MEMTRACE_RECORD_CHUNK_H
#define MEMTRACE_RECORD_CHUNK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RECORDING_MAGIC "\211memtrc\n" /* 8 bytes */
#define RECORDING_VERSION 2
#define RECORDING_HEAD 16
#define CHUNK_HEAD 16
#define CHUNK_BYTES_MAX (64u << 20) /* more is damage: nobody writes such chunks */

enum chunk_type {
	CHUNK_EVENTS = 1,
	CHUNK_STATE, /* what stands for all that came before the first event of a compacted file */
	CHUNK_STATE_END, /* no more of that */
	CHUNK_END,	 /* the recording was ended, not cut off */
};

#define CHUNK_F_PLAIN 1 /* not deflated */

struct chunk {
	uint8_t type, flags;
	uint32_t stored, bytes, crc;
};

void chunk__file_head(uint8_t out[RECORDING_HEAD]);
/* 0; -ENOMSG: not ours; -ENOTSUP: of a version that we don't know, which is *version; -EBADMSG:
 * damaged. */
int chunk__check_file_head(const uint8_t head[RECORDING_HEAD], uint32_t *version);

/* 0 or -EBADMSG. */
int chunk__parse(const uint8_t head[CHUNK_HEAD], struct chunk *out);
bool chunk__intact(const uint8_t head[CHUNK_HEAD], const void *stored, const struct chunk *ch);
/* Into `out`, which has room for ch->bytes. 0, -EBADMSG or -ENOMEM. */
int chunk__inflate(const struct chunk *ch, const void *stored, void *out);

struct chunk_packer; /* makes chunks, one after the other */

struct chunk_packer *chunk__new_packer(void); /* NULL and errno */
void chunk__free_packer(struct chunk_packer *p);
/*
 * The whole chunk, head and all, in *out, which is the packer's until its next call. plain: there
 * is no time to deflate. 0 or -ENOMEM.
 */
int chunk__pack(struct chunk_packer *p, enum chunk_type type, const void *bytes, size_t n,
		bool plain, const uint8_t **out, size_t *len);

#endif
