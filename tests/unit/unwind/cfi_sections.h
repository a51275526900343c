/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sections of call frame information, written entry by entry, and the rules read from them. */
#ifndef CFI_SECTIONS_H
#define CFI_SECTIONS_H

#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "elf/elf.h"
#include "unwind/cfi.h"

#define TEXT 0x1000
#define TEXT_END 0x9000
#define EH 0x20000 /* address of the section */

/* ---- a section, written byte by byte ---- */

struct section {
	uint8_t bytes[4096];
	size_t len, entry;
};

static inline void put(struct section *s, const void *p, size_t n)
{
	memcpy(s->bytes + s->len, p, n);
	s->len += n;
}

static inline void put_number(struct section *s, uint64_t v, size_t size)
{
	put(s, &v, size);
}

static inline void begin(struct section *s)
{
	s->entry = s->len;
	put_number(s, 0, 4);
}

static inline void end(struct section *s)
{
	uint32_t len;

	while (s->len % 8)
		put_number(s, 0, 1);
	len = (uint32_t)(s->len - s->entry - 4);
	memcpy(s->bytes + s->entry, &len, 4);
}

/* An .eh_frame CIE as gcc makes it: pc-relative, CFA = rsp + 8, return address at CFA - 8. Returns
 * its offset. */
static inline size_t cie(struct section *s, const char *augmentation)
{
	static const uint8_t init[] = { 0x0c, 7, 8, 0x80 + 16, 1 };

	begin(s);
	put_number(s, 0, 4);
	put_number(s, 1, 1);
	put(s, augmentation, strlen(augmentation) + 1);
	put_number(s, 1, 1);	/* code alignment */
	put_number(s, 0x78, 1); /* data alignment: -8 */
	put_number(s, 16, 1);	/* return address column */
	put_number(s, 1, 1);	/* augmentation data: R */
	put_number(s, 0x1b, 1); /* pc-relative, signed, 4 bytes */
	put(s, init, sizeof(init));
	end(s);
	return s->entry;
}

static inline void fde(struct section *s, size_t cie_offset, uint64_t start, uint64_t len,
		       const void *insns, size_t n)
{
	begin(s);
	put_number(s, s->len - cie_offset, 4);
	put_number(s, start - (EH + s->len), 4);
	put_number(s, len, 4);
	put_number(s, 0, 1);
	put(s, insns, n);
	end(s);
}

#define FDE(s, c, start, len, ...)                                                                 \
	do {                                                                                       \
		const uint8_t insns_[] = { 0, ##__VA_ARGS__ };                                     \
		fde(s, c, start, len, insns_, sizeof(insns_));                                     \
	} while (0)

static inline struct cfi_source source(const struct section *s)
{
	return (struct cfi_source){ .eh_frame = { s->bytes, s->len, EH },
				    .code = { { TEXT, TEXT_END } },
				    .ncode = 1 };
}

static inline struct cfi build(const struct section *s)
{
	struct cfi_source src = source(s);
	struct cfi c = { 0 };

	CHECK_EQ(cfi__build(&src, &c), 0);
	return c;
}

static inline bool is(const struct cfi *c, uint64_t vaddr, struct unwind_rule want)
{
	struct unwind_rule got = cfi__find(c, vaddr);

	if (!memcmp(&got, &want, sizeof(got)))
		return true;
	printf("# %#" PRIx64 ": kind %d saved %#x rbp %d rbx %d cfa %d\n", vaddr, got.kind,
	       got.saved, got.rbp, got.rbx, got.cfa);
	return false;
}

#define RULE(k, ...) ((struct unwind_rule){ .kind = UNWIND_##k, ##__VA_ARGS__ })
#define SAVED(rbp, rbx, plus) .saved = UNWIND_SAVED(UNWIND_##rbp, UNWIND_##rbx, plus)

/* Rows ascend, neighbours differ, and the last one says that nothing more is described. */
static inline void check_shape(const struct cfi *c)
{
	for (size_t i = 1; i < c->n; i++)
		if (c->rows[i - 1].vaddr >= c->rows[i].vaddr ||
		    !memcmp(&c->rows[i - 1].rule, &c->rows[i].rule, sizeof(struct unwind_rule))) {
			CHECK(!"rows in order");
			return;
		}
	CHECK(!c->n || c->rows[c->n - 1].rule.kind == UNWIND_NONE);
}

#endif
