/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads the numbers and pointers of call frame information through the checked cursor: past the end
 * everything is zero and the cursor is bad. LEB128 numbers differ from those of util/codec.h: DWARF
 * allows padding, so that bits above the 64th are ignored rather than an error.
 */
#ifndef MEMTRACE_UNWIND_CFI_BYTES_H
#define MEMTRACE_UNWIND_CFI_BYTES_H

#include <string.h>

#include "unwind/cfi.h"
#include "util/cursor.h"

/* Pointer encodings of .eh_frame: the low half is the pointer's format, the high half what it is
 * relative to. */
enum {
	ENCODING_ABSPTR = 0x00,
	ENCODING_ULEB = 0x01,
	ENCODING_U2 = 0x02,
	ENCODING_U4 = 0x03,
	ENCODING_U8 = 0x04,
	ENCODING_SLEB = 0x09,
	ENCODING_S2 = 0x0a,
	ENCODING_S4 = 0x0b,
	ENCODING_S8 = 0x0c,
	ENCODING_FORMAT = 0x0f,
	ENCODING_PCREL = 0x10,
	ENCODING_RELATIVE = 0x70,
	ENCODING_INDIRECT = 0x80,
};

/* Reads a little-endian number of 1, 2, 4 or 8 bytes. */
static inline uint64_t cfi_bytes__number(struct cursor *c, unsigned int size)
{
	const uint8_t *p = cursor__take(c, size);
	uint64_t v = 0;

	if (p)
		memcpy(&v, p, size);
	return v;
}

static inline uint8_t cfi_bytes__u8(struct cursor *c)
{
	const uint8_t *p = cursor__take(c, 1);

	return p ? *p : 0;
}

uint64_t cfi_bytes__uleb(struct cursor *c);
int64_t cfi_bytes__sleb(struct cursor *c);

/* Takes the next n bytes as a cursor of their own, which is bad if there are fewer. */
struct cursor cfi_bytes__cut(struct cursor *c, uint64_t n);

/* Reads a pointer of section `s`. False for an encoding that does not occur in .eh_frame, or at the
 * end of the bytes. */
bool cfi_bytes__pointer(const struct cfi_section *s, struct cursor *c, uint8_t encoding,
			uint64_t *out);

#endif
