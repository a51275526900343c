/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads and writes the outer form of a recording (recording.h): its head, and chunks. */
#ifndef MEMTRACE_RECORD_CHUNK_H
#define MEMTRACE_RECORD_CHUNK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "record/recording.h"

struct chunk {
	uint8_t type, flags;
	uint32_t stored, bytes, crc;
};

void chunk__file_head(uint8_t out[RECORDING_HEAD]);
/* Returns 0; -ENOMSG: not a recording; -ENOTSUP: of an unknown version, in *version; -EBADMSG:
 * damaged. */
int chunk__check_file_head(const uint8_t head[RECORDING_HEAD], uint32_t *version);

/* Returns 0 or -EBADMSG. */
int chunk__parse(const uint8_t head[CHUNK_HEAD], struct chunk *out);
bool chunk__intact(const uint8_t head[CHUNK_HEAD], const void *stored, const struct chunk *ch);
/* Inflates into `out`, which has room for ch->bytes. Returns 0, -EBADMSG or -ENOMEM. */
int chunk__inflate(const struct chunk *ch, const void *stored, void *out);

/* Makes chunks one at a time. */
struct chunk_packer;

struct chunk_packer *chunk__new_packer(void);	 /* NULL on failure, errno set */
void chunk__free_packer(struct chunk_packer *p); /* takes NULL */
/*
 * Gives the whole chunk, head included, in *out, which belongs to the packer and is valid until its
 * next call. plain: do not deflate, for lack of time. Returns 0 or -ENOMEM.
 */
int chunk__pack(struct chunk_packer *p, enum chunk_type type, const void *bytes, size_t n,
		bool plain, const uint8_t **out, size_t *len);

#endif
