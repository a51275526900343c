/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lays out a file's unwind rows in the form that the walk in BPF reads (abi/unwind.h): page entries
 * and rows, in chunks whose numbers are assigned later.
 */
#ifndef MEMTRACE_UNWIND_TABLE_H
#define MEMTRACE_UNWIND_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "abi/unwind.h"
#include "unwind/cfi.h"
#include "unwind/rule_set.h"

/* Page entries for [start, start + len), stored in consecutive words. */
struct table_part {
	uint64_t start, len; /* virtual addresses of the file; multiples of the page size */
	uint32_t pages;	     /* index of the first entry's word */
};

struct unwind_table {
	struct table_part *parts; /* by address, not overlapping */
	size_t nparts;
	struct cfi_code code[CFI_MAX_CODE];
	size_t ncode;
	/* nchunks * UNWIND_CHUNK_WORDS; NULL after unwind_table__drop_words. */
	uint32_t *words;
	size_t nchunks;
	size_t rows;
};

/* Words are addressed as if the chunks were numbered from 0. Returns NULL and sets errno on
 * failure: ENOMEM, or EFBIG for a file with more than UNWIND_MAX_CODE of code. */
struct unwind_table *unwind_table__new(const struct cfi *cfi, const struct cfi_source *src,
				       struct rule_set *rs);
void unwind_table__free(struct unwind_table *t);

/* Assigns the chunks' numbers: the i-th is numbers[i]. To be called once. */
void unwind_table__place(struct unwind_table *t, const uint32_t *numbers);
/* Frees the words, once they were copied to the walk's array. */
void unwind_table__drop_words(struct unwind_table *t);

/* Writes the parts by file offset, as many as there is room for; the rest of `out` is zeroed. */
void unwind_table__in_file(const struct unwind_table *t, const struct unwind_file_key *key,
			   struct unwind_file *out);

/*
 * Splits a process's mapping [start, end) of the file at `offset` into pieces, and calls fn for
 * each, by address. Pieces without page entries have UNWIND_NO_CFI. Stops when fn returns non-zero,
 * and returns that value.
 */
int unwind_table__map(const struct unwind_table *t, uint64_t start, uint64_t end, uint64_t offset,
		      int (*fn)(void *ctx, const struct unwind_mapping *m), void *ctx);

#endif
