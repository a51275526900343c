/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Splits .eh_frame or .debug_frame into CIEs (what many functions have in common) and FDEs (each
 * function's own part).
 *
 * The two sections differ in how a CIE is distinguished from an FDE, in what an FDE's reference to
 * its CIE is relative to, and in how addresses are written. CIEs are collected first, because an
 * FDE of .debug_frame may come before its CIE. An FDE may refer only to the start of an entry, so
 * that nothing is read as a CIE that the walk from entry to entry did not find.
 */
#include <errno.h>
#include <stdlib.h>

#include "unwind/cfi_internal.h"
#include "util/array.h"

#define DEBUG_FRAME_CIE32 0xffffffffu
#define LENGTH_IS_64BIT 0xffffffffu

/* One entry of the section. */
struct entry {
	size_t offset;
	struct cursor body; /* after the CIE id or the reference to the CIE */
	bool is_cie;
	uint64_t cie; /* offset of the FDE's CIE */
};

/* Reads the entry at *at and moves on. False at the end, or if the length is not valid. */
static bool next_entry(const struct cfi_parts *p, struct cursor *at, struct entry *e)
{
	const struct cfi_section *s = p->section;
	unsigned int id_size = 4;
	uint64_t len, id, id_offset;

	do {
		e->offset = (size_t)(at->p - s->bytes);
		len = cfi_bytes__number(at, 4);
		if (len == 0 && (p->ends_at_zero || at->bad))
			return false;
	} while (len == 0); /* the linker leaves empty entries between input files */
	if (len == LENGTH_IS_64BIT) {
		len = cfi_bytes__number(at, 8);
		id_size = p->debug ? 8 : 4;
	}
	e->body = cfi_bytes__cut(at, len);
	id_offset = (uint64_t)(e->body.p - s->bytes);
	id = cfi_bytes__number(&e->body, id_size);
	if (p->debug) {
		e->is_cie = id == (id_size == 8 ? UINT64_MAX : DEBUG_FRAME_CIE32);
		e->cie = id;
	} else {
		e->is_cie = id == 0;
		e->cie = id_offset - id; /* may wrap around; no CIE is found there then */
	}
	return !at->bad;
}

/* Reads the data that the letters of the augmentation string announce. False for an unknown
 * letter. */
static bool read_augmentation(const struct cfi_parts *p, struct cie *c, const char *letters,
			      struct cursor *b)
{
	struct cursor data;
	uint64_t ignored;

	if (*letters != 'z')
		return *letters == '\0';
	data = cfi_bytes__cut(b, cfi_bytes__uleb(b));
	c->has_augmentation = true;
	for (letters++; *letters; letters++) {
		switch (*letters) {
		case 'R':
			c->encoding = cfi_bytes__u8(&data);
			break;
		case 'L':
			cfi_bytes__number(&data, 1);
			break;
		case 'P': {
			uint8_t encoding = cfi_bytes__u8(&data);

			/* The personality routine: only its length matters. */
			if (!cfi_bytes__pointer(p->section, &data, encoding & ENCODING_FORMAT,
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

/* An unusable CIE is kept and marked: its functions are described, but not understood. */
static struct cie read_cie(const struct cfi_parts *p, const struct entry *e)
{
	struct cie c = { .offset = e->offset };
	struct cursor b = e->body;
	uint8_t version = cfi_bytes__u8(&b);
	const char *letters = (const char *)b.p;

	while (cfi_bytes__number(&b, 1))
		;
	if (b.bad || (version != 1 && version != 3 && version != 4))
		return c;
	if (version == 4) {
		uint64_t address_size = cfi_bytes__number(&b, 1),
			 segment_size = cfi_bytes__number(&b, 1);

		if (address_size != 8 || segment_size != 0)
			return c;
	}
	if (!strncmp(letters, "eh", 2)) { /* gcc 2: a pointer for exceptions */
		cfi_bytes__number(&b, 8);
		letters += 2;
	}
	c.code_align = cfi_bytes__uleb(&b);
	c.data_align = cfi_bytes__sleb(&b);
	c.ra_column = version == 1 ? cfi_bytes__number(&b, 1) : cfi_bytes__uleb(&b);
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

/* Reads an FDE. False if it describes no code. */
static bool read_fde(const struct cfi_parts *p, const struct entry *e, struct fde *f)
{
	struct cursor b = e->body;
	uint64_t len;

	f->cie = find_cie(p, e->cie);
	if (!f->cie)
		return false;
	if (!cfi_bytes__pointer(p->section, &b, f->cie->encoding, &f->start) ||
	    !cfi_bytes__pointer(p->section, &b, f->cie->encoding & ENCODING_FORMAT, &len))
		return false;
	if (f->cie->has_augmentation)
		cfi_bytes__cut(&b, cfi_bytes__uleb(&b));
	if (b.bad || len == 0 || len > UINT64_MAX - f->start)
		return false;
	f->end = f->start + len;
	f->insns = b;
	return true;
}

int cfi_parse__split(struct cfi_parts *p)
{
	struct cursor at = cursor__of(p->section->bytes, p->section->len);
	struct entry e;

	while (next_entry(p, &at, &e)) {
		if (!e.is_cie)
			continue;
		if (array__grow(&p->cies, &p->cies_cap, p->ncies + 1, sizeof(*p->cies)))
			return -ENOMEM;
		p->cies[p->ncies++] = read_cie(p, &e);
	}
	at = cursor__of(p->section->bytes, p->section->len);
	while (next_entry(p, &at, &e)) {
		if (e.is_cie)
			continue;
		if (array__grow(&p->fdes, &p->fdes_cap, p->nfdes + 1, sizeof(*p->fdes)))
			return -ENOMEM;
		if (read_fde(p, &e, &p->fdes[p->nfdes]))
			p->nfdes++;
	}
	return 0;
}
