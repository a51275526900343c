/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "elf/go_table.h"

#include <string.h>

#include "elf/elf.h"
#include "elf/internal.h"
#include "util/array.h"

#define NAME_MAX_LENGTH 4096

/* The header: a magic number, two zeros, the unit of addresses, the size of a pointer, and words of
 * that size. */
enum {
	HEADER_FUNCTIONS = 8, /* their number */
	HEADER_TEXT = 24,
	HEADER_NAMES = 32,
	HEADER_UNITS = 40,
	HEADER_FILES = 48,
	HEADER_STEPS = 56,
	HEADER_TABLE = 64,
	HEADER_SIZE = 72,
};

/* A function's description. In Go 1.20 a word came before the last four. */
enum {
	FUNCTION_NAME = 4,
	FUNCTION_DEPTH = 16,
	FUNCTION_FILE = 20,
	FUNCTION_LINE = 24,
	FUNCTION_NDATA = 28,
	FUNCTION_UNIT = 32,
	FUNCTION_FLAGS = 37,
	FUNCTION_DATA = 40,
	FUNCTION_NEWER = 4,
};

#define DATA_INLINED 2 /* steps: which inlined call, -1: none */
#define NO_FILE UINT32_MAX

/* Returns n bytes at an offset; NULL: the table does not have them. All else goes through this. */
static const uint8_t *bytes_at(const struct go_table *t, uint64_t at, size_t n)
{
	return at <= t->len && n <= t->len - at ? t->bytes + at : NULL;
}

static bool read_u32(const struct go_table *t, uint64_t at, uint32_t *out)
{
	const uint8_t *p = bytes_at(t, at, sizeof(*out));

	if (p)
		memcpy(out, p, sizeof(*out));
	return p;
}

static bool read_u64(const struct go_table *t, uint64_t at, uint64_t *out)
{
	const uint8_t *p = bytes_at(t, at, sizeof(*out));

	if (p)
		memcpy(out, p, sizeof(*out));
	return p;
}

/* Returns a string that ends in the table; NULL: it does not, is empty, or too long. */
static const char *string_at(const struct go_table *t, uint64_t at)
{
	const uint8_t *p = bytes_at(t, at, 1);
	size_t left = p ? t->len - at : 0;

	if (!p || !*p || !memchr(p, 0, left < NAME_MAX_LENGTH ? left : NAME_MAX_LENGTH))
		return NULL;
	return (const char *)p;
}

/* ---- finding the table ---- */

static bool is_header(const uint8_t *p)
{
	static const uint8_t rest[] = { 0xff, 0xff, 0xff, 0, 0, 1, 8 };

	return (*p == 0xf0 || *p == 0xf1) && !memcmp(p + 1, rest, sizeof(rest));
}

/* The linker may have merged the table into another section, at a multiple of 8. */
static bool find_header(const struct elf *e, struct go_table *t, uint64_t *vaddr)
{
	static const char *const sections[] = { ".gopclntab", ".data.rel.ro.gopclntab",
						".data.rel.ro" };

	for (size_t i = 0; i < ARRAY_SIZE(sections); i++) {
		size_t len;
		const uint8_t *p = elf__section_at(e, sections[i], &len, vaddr);

		for (size_t at = 0; p && len >= HEADER_SIZE && at <= len - HEADER_SIZE; at += 8) {
			if (!is_header(p + at))
				continue;
			*t = (struct go_table){ .bytes = p + at, .len = len - at };
			t->newer = p[at] == 0xf1;
			*vaddr += at;
			return true;
		}
	}
	return false;
}

static bool is_go(const struct elf *e)
{
	size_t len;

	return elf__machine(e) == ELF_X86_64 && elf__is_64bit(e) &&
	       (elf__section(e, ".go.buildinfo", &len) || elf__section(e, ".gopclntab", &len) ||
		elf__section(e, ".note.go.buildid", &len));
}

bool go_table__find(const struct elf *e, struct go_table *t)
{
	uint64_t vaddr, n, text, end;
	struct go_function last;

	if (!is_go(e) || !find_header(e, t, &vaddr) || !read_u64(t, HEADER_FUNCTIONS, &n) ||
	    !read_u64(t, HEADER_TEXT, &text) || !read_u64(t, HEADER_NAMES, &t->names) ||
	    !read_u64(t, HEADER_UNITS, &t->units) || !read_u64(t, HEADER_FILES, &t->files) ||
	    !read_u64(t, HEADER_STEPS, &t->steps) || !read_u64(t, HEADER_TABLE, &t->functions))
		return false;
	/* In code that may be mapped anywhere, the address is a relocation's. */
	if (!text && !elf__relative(e, vaddr + HEADER_TEXT, &text))
		return false;
	t->text = text;
	if (!n || n > t->len / 8 || t->names > t->len || t->units > t->len || t->files > t->len ||
	    t->steps > t->len || t->functions > t->len)
		return false;
	t->n = (uint32_t)n;
	return go_table__function(t, t->n - 1, &last) && elf__vaddr_to_offset(e, text, &end) &&
	       elf__vaddr_to_offset(e, last.end - 1, &end);
}

/* ---- functions ---- */

/* Reads where the i-th function starts; the number after the last is where the code ends. */
static bool start_of(const struct go_table *t, uint32_t i, uint64_t *start)
{
	uint32_t distance;

	if (!read_u32(t, t->functions + 8ull * i, &distance) || t->text > UINT64_MAX - distance)
		return false;
	*start = t->text + distance;
	return true;
}

bool go_table__function(const struct go_table *t, uint32_t i, struct go_function *f)
{
	uint32_t at, name;
	const uint8_t *flags;

	if (i >= t->n || !start_of(t, i, &f->start) || !start_of(t, i + 1, &f->end) ||
	    f->end <= f->start || !read_u32(t, t->functions + 8ull * i + 4, &at))
		return false;
	f->at = t->functions + at;
	flags = bytes_at(t, f->at + FUNCTION_FLAGS + (t->newer ? FUNCTION_NEWER : 0), 1);
	if (!flags || !read_u32(t, f->at + FUNCTION_NAME, &name))
		return false;
	f->flags = *flags;
	f->name = string_at(t, t->names + name);
	return f->name;
}

bool go_table__look_up(const struct go_table *t, uint64_t vaddr, struct go_function *f)
{
	uint32_t lo = 0, n = t->n;
	uint64_t start;

	while (n > 1) {
		uint32_t half = n / 2;

		if (!start_of(t, lo + half, &start))
			return false;
		if (start <= vaddr)
			lo += half;
		n -= half;
	}
	return go_table__function(t, lo, f) && vaddr >= f->start && vaddr < f->end;
}

/* ---- steps ---- */

static bool begin(const struct go_table *t, const struct go_function *f, uint64_t field,
		  struct go_steps *s)
{
	uint32_t at;

	if (!read_u32(t, f->at + field, &at) || !at)
		return false;
	*s = (struct go_steps){ .table = t, .at = t->steps + at, .pc = f->start, .end = f->end };
	s->value = -1;
	s->first = true;
	return true;
}

static bool varint(struct go_steps *s, uint32_t *out)
{
	*out = 0;
	for (unsigned int shift = 0; shift < 32; shift += 7) {
		const uint8_t *p = bytes_at(s->table, s->at, 1);

		if (!p)
			return false;
		s->at++;
		*out |= (uint32_t)(*p & 0x7f) << shift;
		if (!(*p & 0x80))
			return true;
	}
	return false;
}

bool go_table__next(struct go_steps *s, struct go_step *out)
{
	uint32_t change, distance;

	if (s->pc >= s->end || !varint(s, &change) || (!change && !s->first) ||
	    !varint(s, &distance) || !distance)
		return false;
	s->first = false;
	change = change & 1 ? ~(change >> 1) : change >> 1;
	s->value = (int32_t)((uint32_t)s->value + change);
	out->start = s->pc;
	s->pc = distance < s->end - s->pc ? s->pc + distance : s->end;
	out->end = s->pc;
	out->value = s->value;
	return true;
}

bool go_table__depths(const struct go_table *t, const struct go_function *f, struct go_steps *s)
{
	return begin(t, f, FUNCTION_DEPTH, s);
}

static bool value_at(const struct go_table *t, const struct go_function *f, uint64_t field,
		     uint64_t vaddr, int32_t *value)
{
	struct go_steps s;
	struct go_step step;

	if (!begin(t, f, field, &s))
		return false;
	while (go_table__next(&s, &step)) {
		if (vaddr < step.end) {
			*value = step.value;
			return true;
		}
	}
	return false;
}

/* Whether an address is in an inlined call. */
static bool is_inlined(const struct go_table *t, const struct go_function *f, uint64_t vaddr)
{
	uint64_t data = FUNCTION_DATA + (t->newer ? FUNCTION_NEWER : 0);
	uint32_t n, at;
	int32_t call;

	if (!read_u32(t, f->at + FUNCTION_NDATA, &n) || n <= DATA_INLINED)
		return false;
	data += 4ull * DATA_INLINED;
	if (!read_u32(t, f->at + data, &at) || !at)
		return false;
	return !value_at(t, f, data, vaddr, &call) || call >= 0;
}

bool go_table__line(const struct go_table *t, const struct go_function *f, uint64_t vaddr,
		    const char **file, uint32_t *line)
{
	int32_t number, found;
	uint32_t unit, at;

	if (is_inlined(t, f, vaddr) || !value_at(t, f, FUNCTION_LINE, vaddr, &found) ||
	    found <= 0 || !value_at(t, f, FUNCTION_FILE, vaddr, &number) || number < 0 ||
	    !read_u32(t, f->at + FUNCTION_UNIT, &unit) ||
	    !read_u32(t, t->units + 4 * ((uint64_t)unit + (uint32_t)number), &at) || at == NO_FILE)
		return false;
	*file = string_at(t, t->files + at);
	*line = (uint32_t)found;
	return *file;
}
