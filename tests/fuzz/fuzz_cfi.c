/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads arbitrary call frame information under libFuzzer: no crash, no hang, and a table whose
 * bounds the walk in BPF does not leave.
 *
 * The first bytes choose .eh_frame or .debug_frame, whether it ends at its first empty entry, and
 * the entry point. The rest is the section.
 */
#include <stdlib.h>
#include <string.h>

#include "unwind/cfi.h"
#include "unwind/table.h"

#define TEXT 0x1000
#define TEXT_END 0x11000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t rules[UNWIND_MAX_RULES];

static void require(int condition)
{
	if (!condition)
		abort();
}

static void check_rows(const struct cfi *c)
{
	for (size_t i = 0; i < c->n; i++) {
		const struct unwind_rule *r = &c->rows[i].rule;

		require(!i || c->rows[i - 1].vaddr < c->rows[i].vaddr);
		require(!i || memcmp(&c->rows[i - 1].rule, r, sizeof(*r)));
		require(r->kind < UNWIND_KINDS);
	}
	require(!c->n || c->rows[c->n - 1].rule.kind == UNWIND_NONE);
}

/* Every address of the code leads to the rule that the rows have for it. */
static int check_piece(void *ctx, const struct unwind_mapping *m)
{
	const struct unwind_table *t = ((const void **)ctx)[0];
	const struct cfi *c = ((const void **)ctx)[1];

	for (uint64_t at = m->start; at < m->start + m->len; at += 1 + (at & 15)) {
		struct unwind_rule want = cfi__find(c, at), got = { 0 };
		uint64_t offset = at - m->base;
		const uint32_t *page = t->words + m->pages + 2 * (offset >> UNWIND_PAGE_BITS);
		uint32_t row = page[0], n = page[1];

		require((size_t)(page - t->words) + 1 < t->nchunks * UNWIND_CHUNK_WORDS);
		if (n) {
			require(row + n <= t->nchunks * UNWIND_CHUNK_WORDS);
			require(row >> UNWIND_CHUNK_BITS == (row + n - 1) >> UNWIND_CHUNK_BITS);
			while (n > 1 &&
			       UNWIND_ROW_OFFSET(t->words[row + 1]) <= offset % UNWIND_PAGE_SIZE) {
				row++;
				n--;
			}
			memcpy(&got, &rules[UNWIND_ROW_RULE(t->words[row])], sizeof(got));
		}
		require(!memcmp(&got, &want, sizeof(got)));
	}
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cfi_source src = { .code = { { TEXT, TEXT_END, TEXT } }, .ncode = 1 };
	struct cfi cfi;

	if (size < 4)
		return 0;
	src.ends_at_zero = data[0] & 2;
	src.entry = data[0] & 4 ? TEXT + (uint64_t)data[1] * 256 + data[2] : 0;
	*(data[0] & 1 ? &src.debug_frame : &src.eh_frame) =
	    (struct cfi_section){ data + 4, size - 4, 0x20000 };
	if (cfi__build(&src, &cfi) != 0)
		return 0;
	check_rows(&cfi);
	if (size < 4096) {
		struct rule_set *rs = rule_set__new(rules);
		struct unwind_table *t = unwind_table__new(&cfi, &src, rs);
		const void *ctx[] = { t, &cfi };

		require(unwind_table__map(t, TEXT, TEXT_END, TEXT, check_piece, ctx) == 0);
		unwind_table__free(t);
		rule_set__free(rs);
	}
	cfi__release(&cfi);
	return 0;
}
