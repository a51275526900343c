/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unwind/cfi_bytes.h"

uint64_t cfi_bytes__uleb(struct cursor *c)
{
	unsigned int shift = 0;
	uint64_t v = 0, byte;

	do {
		byte = cfi_bytes__u8(c);
		if (shift < 64)
			v |= (byte & 0x7f) << shift;
		shift += 7;
	} while (byte & 0x80);
	return v;
}

int64_t cfi_bytes__sleb(struct cursor *c)
{
	unsigned int shift = 0;
	uint64_t v = 0, byte;

	do {
		byte = cfi_bytes__u8(c);
		if (shift < 64)
			v |= (byte & 0x7f) << shift;
		shift += 7;
	} while (byte & 0x80);
	if (shift < 64 && byte & 0x40)
		v |= ~0ull << shift;
	return (int64_t)v;
}

struct cursor cfi_bytes__cut(struct cursor *c, uint64_t n)
{
	const uint8_t *p = cursor__take(c, n);

	return p ? (struct cursor){ p, p + n, false } : (struct cursor){ c->end, c->end, true };
}

bool cfi_bytes__pointer(const struct cfi_section *s, struct cursor *c, uint8_t encoding,
			uint64_t *out)
{
	uint64_t place = s->vaddr + (uint64_t)(c->p - s->bytes);

	switch (encoding & ENCODING_FORMAT) {
	case ENCODING_ABSPTR:
	case ENCODING_U8:
	case ENCODING_S8:
		*out = cfi_bytes__number(c, 8);
		break;
	case ENCODING_ULEB:
		*out = cfi_bytes__uleb(c);
		break;
	case ENCODING_SLEB:
		*out = (uint64_t)cfi_bytes__sleb(c);
		break;
	case ENCODING_U2:
		*out = cfi_bytes__number(c, 2);
		break;
	case ENCODING_S2:
		*out = (uint64_t)(int16_t)cfi_bytes__number(c, 2);
		break;
	case ENCODING_U4:
		*out = cfi_bytes__number(c, 4);
		break;
	case ENCODING_S4:
		*out = (uint64_t)(int32_t)cfi_bytes__number(c, 4);
		break;
	default:
		return false;
	}
	if ((encoding & ENCODING_RELATIVE) == ENCODING_PCREL)
		*out += place;
	else if (encoding & ENCODING_RELATIVE)
		return false;
	return !(encoding & ENCODING_INDIRECT) && !c->bad;
}
