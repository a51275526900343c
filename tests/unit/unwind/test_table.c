/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tables, read the way the walk in BPF reads them, compared with the rows that they were made
 * from. */
#include "test.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <stdbool.h>
#include <unistd.h>

#include "elf/elf.h"
#include "unwind/table.h"

#define CHUNKS 64 /* of the array that the tables are placed in */

static uint64_t rules[UNWIND_MAX_RULES];
static uint32_t space[CHUNKS][UNWIND_CHUNK_WORDS];

/* Copies the table to chunks far apart, as the tracer may have to. */
static void place(struct unwind_table *t)
{
	uint32_t numbers[CHUNKS];

	CHECK(t->nchunks < CHUNKS / 3);
	for (uint32_t i = 0; i < t->nchunks; i++)
		numbers[i] = (i * 5 + 7) % 61 + 1;
	unwind_table__place(t, numbers);
	for (uint32_t i = 0; i < t->nchunks; i++)
		memcpy(space[numbers[i]], t->words + i * UNWIND_CHUNK_WORDS, sizeof(space[0]));
	unwind_table__drop_words(t);
}

static uint32_t word(uint32_t at)
{
	CHECK(at >> UNWIND_CHUNK_BITS < CHUNKS);
	return space[(at >> UNWIND_CHUNK_BITS) % CHUNKS][at & (UNWIND_CHUNK_WORDS - 1)];
}

static struct unwind_rule find_rule(const struct unwind_mapping *m, uint64_t at)
{
	uint64_t offset = at - m->base;
	uint32_t page = m->pages + 2 * (uint32_t)(offset >> UNWIND_PAGE_BITS), n, row;
	struct unwind_rule rule = { .kind = UNWIND_NONE };

	if (m->pages == UNWIND_NO_CFI)
		return rule;
	row = word(page);
	n = word(page + 1);
	if (!n)
		return rule;
	CHECK_EQ(row >> UNWIND_CHUNK_BITS, (row + n - 1) >> UNWIND_CHUNK_BITS);
	CHECK_EQ(UNWIND_ROW_OFFSET(word(row)), 0);
	while (n > 1 && UNWIND_ROW_OFFSET(word(row + 1)) <= (offset & (UNWIND_PAGE_SIZE - 1))) {
		row++;
		n--;
	}
	memcpy(&rule, &rules[UNWIND_ROW_RULE(word(row))], sizeof(rule));
	return rule;
}

struct pieces {
	struct unwind_mapping m[64];
	size_t n;
};

static int collect(void *ctx, const struct unwind_mapping *m)
{
	struct pieces *p = ctx;

	p->m[p->n++] = *m;
	return 0;
}

static struct unwind_rule find_in(const struct pieces *p, uint64_t at)
{
	for (size_t i = 0; i < p->n; i++)
		if (at - p->m[i].start < p->m[i].len)
			return find_rule(&p->m[i], at);
	CHECK(!"a piece holds the address");
	return (struct unwind_rule){ 0 };
}

static bool same(struct unwind_rule a, struct unwind_rule b)
{
	return !memcmp(&a, &b, sizeof(a));
}

static void compare_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct elf *e = elf__open(fd);
	struct rule_set *rs = rule_set__new(rules);
	const uint64_t load = 0x7f0000000000;
	struct pieces pieces = { .n = 0 };
	struct unwind_table *t;
	struct cfi_source src;
	struct cfi cfi;
	size_t wrong = 0;

	CHECK_EQ(cfi__source(e, &src), 0);
	CHECK_EQ(cfi__build(&src, &cfi), 0);
	t = unwind_table__new(&cfi, &src, rs);
	CHECK(t != NULL);
	CHECK(t->rows >= cfi.n);
	CHECK(t->nchunks * UNWIND_CHUNK_WORDS < (t->rows + t->rows / 4) + 4 * UNWIND_CHUNK_WORDS);
	place(t);
	for (size_t i = 0; i < src.ncode; i++) {
		uint64_t start = src.code[i].start & -4096ull,
			 end = (src.code[i].end + 4095) & -4096ull;

		CHECK_EQ(unwind_table__map(t, load + start, load + end,
					   src.code[i].offset & -4096ull, collect, &pieces),
			 0);
	}
	for (size_t i = 0; i + 1 < cfi.n; i++) {
		uint64_t first = cfi.rows[i].vaddr, last = cfi.rows[i + 1].vaddr - 1,
			 mid = first + (last - first) / 2;

		wrong += !same(find_in(&pieces, load + first), cfi.rows[i].rule);
		wrong += !same(find_in(&pieces, load + mid), cfi.rows[i].rule);
		wrong += !same(find_in(&pieces, load + last), cfi.rows[i].rule);
	}
	CHECK_EQ(wrong, 0);
	CHECK(rule_set__count(rs) > 10);
	unwind_table__free(t);
	cfi__release(&cfi);
	rule_set__free(rs);
	elf__close(e);
	close(fd);
}

TEST(tables_of_real_files)
{
	Dl_info libc;

	compare_file("/proc/self/exe");
	CHECK(dladdr((void *)(uintptr_t)malloc, &libc) != 0);
	compare_file(libc.dli_fname);
}

/* ---- made by hand ---- */

static struct unwind_rule rsp(int cfa)
{
	return (struct unwind_rule){ .kind = UNWIND_RSP, .cfa = cfa };
}

TEST(rules_are_numbered_once)
{
	struct rule_set *rs = rule_set__new(rules);
	struct unwind_rule got;
	uint16_t a, b;

	CHECK_EQ(rule_set__number(rs, (struct unwind_rule){ .kind = UNWIND_NONE }), 0);
	a = rule_set__number(rs, rsp(8));
	b = rule_set__number(rs, rsp(16));
	CHECK(a != b && a && b);
	CHECK_EQ(rule_set__number(rs, rsp(8)), a);
	memcpy(&got, &rules[b], sizeof(got));
	CHECK(same(got, rsp(16)));
	for (int i = 0; i < (int)UNWIND_MAX_RULES; i++)
		rule_set__number(rs, rsp(8 * i));
	CHECK_EQ(rule_set__count(rs), UNWIND_MAX_RULES);
	memcpy(&got, &rules[rule_set__number(rs, rsp(-8))], sizeof(got));
	CHECK_EQ(got.kind, UNWIND_LOST);
	CHECK_EQ(rule_set__number(rs, rsp(8)), a);
	rule_set__free(rs);
}

/* 40 MiB of code with another rule every 9 MiB: three parts, of which the second starts in the
 * middle of a rule. */
TEST(more_code_than_one_chunk_describes)
{
	struct cfi_row rows[5];
	struct cfi cfi = { .rows = rows, .n = 5 };
	struct cfi_source src = { .code = { { 0x1000, 0x1000 + (40 << 20), 0x1000 } }, .ncode = 1 };
	struct rule_set *rs = rule_set__new(rules);
	struct pieces pieces = { .n = 0 };
	struct unwind_table *t;

	for (int i = 0; i < 4; i++)
		rows[i] = (struct cfi_row){ 0x2000 + (uint64_t)i * (9 << 20), rsp(8 * i + 8) };
	rows[4] = (struct cfi_row){ 0x2000 + (36 << 20), { .kind = UNWIND_NONE } };
	t = unwind_table__new(&cfi, &src, rs);
	CHECK_EQ(t->nparts, 3);
	CHECK_EQ(t->parts[0].len, 16 << 20);
	CHECK_EQ(t->parts[2].len, 8 << 20);
	place(t);
	unwind_table__map(t, 0x10000000, 0x10000000 + (41 << 20), 0x1000, collect, &pieces);
	CHECK_EQ(pieces.n, 4);
	CHECK_EQ(pieces.m[3].pages, UNWIND_NO_CFI);
	CHECK_EQ(pieces.m[3].len, 1 << 20);
	CHECK(same(find_in(&pieces, 0x10000000), (struct unwind_rule){ .kind = UNWIND_NONE }));
	CHECK(same(find_in(&pieces, 0x10001000), rsp(8)));
	CHECK(same(find_in(&pieces, 0x10001000 + (9 << 20) - 1), rsp(8)));
	CHECK(same(find_in(&pieces, 0x10000000 + (16 << 20)), rsp(16)));
	CHECK(same(find_in(&pieces, 0x10000000 + (30 << 20)), rsp(32)));
	CHECK(same(find_in(&pieces, 0x10000000 + (39 << 20)),
		   (struct unwind_rule){ .kind = UNWIND_NONE }));
	unwind_table__free(t);
	rule_set__free(rs);
}

/* A rule at every byte of a page, which is the maximum, and two segments that share a page. */
TEST(full_pages_and_shared_pages)
{
	static struct cfi_row rows[4097];
	struct cfi cfi = { .rows = rows, .n = 4097 };
	struct cfi_source src = { .code = { { 0x3000, 0x3800, 0 }, { 0x3800, 0x5000, 0x800 } },
				  .ncode = 2 };
	struct rule_set *rs = rule_set__new(rules);
	struct pieces pieces = { .n = 0 };
	struct unwind_table *t;
	size_t wrong = 0;

	for (int i = 0; i < 4096; i++)
		rows[i] = (struct cfi_row){ 0x3000 + (uint64_t)i, rsp(8 * i) };
	rows[4096] = (struct cfi_row){ 0x4000, { .kind = UNWIND_NONE } };
	t = unwind_table__new(&cfi, &src, rs);
	CHECK_EQ(t->nparts, 2);
	place(t);
	unwind_table__map(t, 0x10000, 0x12000, 0, collect, &pieces);
	for (uint64_t i = 0; i < 4096; i++)
		wrong += !same(find_in(&pieces, 0x10000 + i), rsp((int)(8 * i)));
	CHECK_EQ(wrong, 0);
	unwind_table__free(t);
	rule_set__free(rs);
}

/* A part of a segment that is mapped on its own, and a mapping that is not code of the file. */
TEST(parts_of_a_mapping)
{
	struct cfi_row rows[] = { { 0x11000, { .kind = UNWIND_RSP, .cfa = 8 } },
				  { 0x13000, { .kind = UNWIND_NONE } } };
	struct cfi cfi = { .rows = rows, .n = 2 };
	struct cfi_source src = { .code = { { 0x11040, 0x13000, 0x1040 } }, .ncode = 1 };
	struct rule_set *rs = rule_set__new(rules);
	struct pieces pieces = { .n = 0 };
	struct unwind_file_key key = { .ino = 5, .dev = 7 };
	struct unwind_file file;
	struct unwind_table *t = unwind_table__new(&cfi, &src, rs);

	place(t);
	unwind_table__map(t, 0x50000, 0x51000, 0x2000, collect, &pieces);
	CHECK_EQ(pieces.n, 1);
	CHECK_EQ(pieces.m[0].start, 0x50000);
	CHECK_EQ(pieces.m[0].len, 0x1000);
	CHECK_EQ(pieces.m[0].base, 0x4f000);
	CHECK(same(find_in(&pieces, 0x50000), rsp(8)));
	unwind_table__in_file(t, &key, &file);
	CHECK_EQ(file.parts[0].offset, 0x1000);
	CHECK_EQ(file.parts[0].len, 0x2000);
	CHECK_EQ(file.parts[0].pages, t->parts[0].pages);
	CHECK(file.parts[0].check == UNWIND_PART_CHECK(&key, &file.parts[0]));
	CHECK_EQ(file.parts[1].len, 0);
	pieces.n = 0;
	unwind_table__map(t, 0x50000, 0x51000, 0x7000, collect, &pieces);
	CHECK_EQ(pieces.n, 1);
	CHECK_EQ(pieces.m[0].pages, UNWIND_NO_CFI);
	unwind_table__free(t);
	rule_set__free(rs);
}
