/*
 * Takes .eh_frame or .debug_frame apart into CIEs (what many functions have in common) and FDEs (a
 * function's own part).
 *
 * The two differ in little: how a CIE is told from an FDE, what the FDE's reference to its CIE is
 * relative to, and how addresses are written. CIEs are collected first, because an FDE of
 * .debug_frame may come before its CIE. An FDE may only refer to the start of an entry, so that
 * nothing is ever read as a CIE that the walk from entry to entry did not meet.
 */
#include <errno.h>
#include <stdlib.h>

#include "unwind/cfi_internal.h"

/* Pointer encodings of .eh_frame: the low half says how it is written, the high half what it is
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

#define DEBUG_FRAME_CIE32 0xffffffffu
#define LENGTH_IS_64BIT 0xffffffffu

uint64_t bytes__uleb(struct bytes *b)
{
	unsigned int shift = 0;
	uint64_t v = 0, byte;

	do {
		byte = bytes__number(b, 1);
		if (shift < 64)
			v |= (byte & 0x7f) << shift;
		shift += 7;
	} while (byte & 0x80);
	return v;
}

int64_t bytes__sleb(struct bytes *b)
{
	unsigned int shift = 0;
	uint64_t v = 0, byte;

	do {
		byte = bytes__number(b, 1);
		if (shift < 64)
			v |= (byte & 0x7f) << shift;
		shift += 7;
	} while (byte & 0x80);
	if (shift < 64 && byte & 0x40)
		v |= ~0ull << shift;
	return (int64_t)v;
}

bool cfi_parse__pointer(const struct cfi_section *s, struct bytes *b, uint8_t encoding,
			uint64_t *out)
{
	uint64_t place = s->vaddr + (uint64_t)(b->at - s->bytes);

	switch (encoding & ENCODING_FORMAT) {
	case ENCODING_ABSPTR:
	case ENCODING_U8:
	case ENCODING_S8:
		*out = bytes__number(b, 8);
		break;
	case ENCODING_ULEB:
		*out = bytes__uleb(b);
		break;
	case ENCODING_SLEB:
		*out = (uint64_t)bytes__sleb(b);
		break;
	case ENCODING_U2:
		*out = bytes__number(b, 2);
		break;
	case ENCODING_S2:
		*out = (uint64_t)(int16_t)bytes__number(b, 2);
		break;
	case ENCODING_U4:
		*out = bytes__number(b, 4);
		break;
	case ENCODING_S4:
		*out = (uint64_t)(int32_t)bytes__number(b, 4);
		break;
	default:
		return false;
	}
	if ((encoding & ENCODING_RELATIVE) == ENCODING_PCREL)
		*out += place;
	else if (encoding & ENCODING_RELATIVE)
		return false;
	return !(encoding & ENCODING_INDIRECT) && !b->bad;
}

/* One entry of the section. */
struct entry {
	size_t offset;
	struct bytes body; /* behind the CIE id or the reference to the CIE */
	bool is_cie;
	uint64_t cie; /* offset of the FDE's CIE */
};

/* Reads the entry at *at and moves on. False at the end, or where the length is nonsense. */
static bool next_entry(const struct cfi_parts *p, struct bytes *at, struct entry *e)
{
	const struct cfi_section *s = p->section;
	unsigned int id_size = 4;
	uint64_t len, id, id_offset;

	do {
		e->offset = (size_t)(at->at - s->bytes);
		len = bytes__number(at, 4);
		if (len == 0 && (p->ends_at_zero || at->bad))
			return false;
	} while (len == 0); /* the linker leaves empty entries between input files */
	if (len == LENGTH_IS_64BIT) {
		len = bytes__number(at, 8);
		id_size = p->debug ? 8 : 4;
	}
	e->body = bytes__cut(at, len);
	id_offset = (uint64_t)(e->body.at - s->bytes);
	id = bytes__number(&e->body, id_size);
	if (p->debug) {
		e->is_cie = id == (id_size == 8 ? UINT64_MAX : DEBUG_FRAME_CIE32);
		e->cie = id;
	} else {
		e->is_cie = id == 0;
		e->cie = id_offset - id; /* it may wrap; then no CIE is found there */
	}
	return !at->bad;
}

/* Reads what the letters of the augmentation string announce. False: a letter that nobody knows. */
static bool read_augmentation(const struct cfi_parts *p, struct cie *c, const char *letters,
			      struct bytes *b)
{
	struct bytes data;
	uint64_t ignored;

	if (*letters != 'z')
		return *letters == '\0';
	data = bytes__cut(b, bytes__uleb(b));
	c->has_augmentation = true;
	for (letters++; *letters; letters++) {
		switch (*letters) {
		case 'R':
			c->encoding = (uint8_t)bytes__number(&data, 1);
			break;
		case 'L':
			bytes__number(&data, 1);
			break;
		case 'P': {
			uint8_t encoding = (uint8_t)bytes__number(&data, 1);

			/* The personality routine: only its length matters. */
			if (!cfi_parse__pointer(p->section, &data, encoding & ENCODING_FORMAT,
						&ignored))
				return false;
			break;
		}
		case 'S':
			c->signal = true;
			break;
		case 'B': /* arm64: return addresses are signed with key B */
		case 'G': /* arm64: memory tagging */
			break;
		default:
			return false;
		}
	}
	return !data.bad;
}

/* An unusable CIE is kept as such: its functions are described, but not understood. */
static struct cie read_cie(const struct cfi_parts *p, const struct entry *e)
{
	struct cie c = { .offset = e->offset };
	struct bytes b = e->body;
	uint8_t version = (uint8_t)bytes__number(&b, 1);
	const char *letters = (const char *)b.at;

	while (bytes__number(&b, 1))
		;
	if (b.bad || (version != 1 && version != 3 && version != 4))
		return c;
	if (version == 4) {
		uint64_t address_size = bytes__number(&b, 1), segment_size = bytes__number(&b, 1);

		if (address_size != 8 || segment_size != 0)
			return c;
	}
	if (!strncmp(letters, "eh", 2)) { /* gcc 2: a pointer for exceptions */
		bytes__number(&b, 8);
		letters += 2;
	}
	c.code_align = bytes__uleb(&b);
	c.data_align = bytes__sleb(&b);
	c.ra_column = (uint8_t)(version == 1 ? bytes__number(&b, 1) : bytes__uleb(&b));
	if (!read_augmentation(p, &c, letters, &b) || b.bad)
		return c;
	c.init = b;
	c.usable = cfi_exec__init(p->section, &c);
	return c;
}

static const struct cie *find_cie(const struct cfi_parts *p, uint64_t offset)
{
	size_t lo = 0, hi = p->ncies;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (p->cies[mid].offset < offset)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < p->ncies && p->cies[lo].offset == offset ? &p->cies[lo] : NULL;
}

/* False: it describes no code. */
static bool read_fde(const struct cfi_parts *p, const struct entry *e, struct fde *f)
{
	struct bytes b = e->body;
	uint64_t len;

	f->cie = find_cie(p, e->cie);
	if (!f->cie)
		return false;
	if (!cfi_parse__pointer(p->section, &b, f->cie->encoding, &f->start) ||
	    !cfi_parse__pointer(p->section, &b, f->cie->encoding & ENCODING_FORMAT, &len))
		return false;
	if (f->cie->has_augmentation)
		bytes__cut(&b, bytes__uleb(&b));
	if (b.bad || len == 0 || len > UINT64_MAX - f->start)
		return false;
	f->end = f->start + len;
	f->insns = b;
	return true;
}

/* Room for one more element. */
static bool grow(void *array, size_t n, size_t *cap, size_t size)
{
	size_t want = *cap ? *cap * 2 : 256;
	void *p;

	if (n < *cap)
		return true;
	p = reallocarray(*(void **)array, want, size);
	if (!p)
		return false;
	*(void **)array = p;
	*cap = want;
	return true;
}

static struct bytes whole(const struct cfi_section *s)
{
	return (struct bytes){ s->bytes, s->bytes + s->len, false };
}

int cfi_parse__split(struct cfi_parts *p)
{
	struct bytes at = whole(p->section);
	struct entry e;

	while (next_entry(p, &at, &e)) {
		if (!e.is_cie)
			continue;
		if (!grow(&p->cies, p->ncies, &p->cies_cap, sizeof(*p->cies)))
			return -ENOMEM;
		p->cies[p->ncies++] = read_cie(p, &e);
	}
	at = whole(p->section);
	while (next_entry(p, &at, &e)) {
		if (e.is_cie)
			continue;
		if (!grow(&p->fdes, p->nfdes, &p->fdes_cap, sizeof(*p->fdes)))
			return -ENOMEM;
		if (read_fde(p, &e, &p->fdes[p->nfdes]))
			p->nfdes++;
	}
	return 0;
}
