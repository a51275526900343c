/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Computes the checksums of whole files, as .gnu_debuglink has them, within bounds.
 *
 * Whoever can name a large file in a debug link could otherwise have it read again and again: so a
 * file is read once, and all files together at a rate that leaves time for other work.
 */
#ifndef MEMTRACE_SYMBOLS_CHECKSUMS_H
#define MEMTRACE_SYMBOLS_CHECKSUMS_H

#include <stdint.h>

struct checksums;

#define CHECKSUMS_FILE_MAX (512ll << 20) /* bytes; a larger file has no checksum */

struct checksums *checksums__new(void);	   /* NULL and errno */
void checksums__free(struct checksums *c); /* takes NULL */

/* Computes the CRC-32 of an open file. Returns 0, -EAGAIN if too much was read lately (later it may
 * succeed), or another negative errno (-EFBIG). */
int checksums__of(struct checksums *c, int fd, uint32_t *crc);

/* ---- for tests ---- */

uint64_t checksums__read(const struct checksums *c); /* bytes read so far */
/* Sets what may be read at once, and how much of that comes back in a second, in bytes. */
void checksums__limit(struct checksums *c, int64_t burst, int64_t rate);

#endif
