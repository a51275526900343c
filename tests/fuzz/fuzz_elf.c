/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arbitrary ELF files under libFuzzer, read from a file and from memory: segments, the build ID,
 * functions, symbol tables, call frame information and Go's table.
 */
#include "elf_mutator.h"

#include <errno.h>

#include "elf/elf.h"
#include "elf/go_table.h"
#include "symbols/symtab.h"
#include "unwind/cfi.h"

static int see_function(void *ctx, const struct elf_function *f)
{
	size_t *n = ctx;

	read_through(f->name);
	return ++*n > 100000;
}

static void read_symbols(struct elf *e)
{
	struct symtab *t = symtab__new();
	bool exact;

	require(t && symtab__add(t, e, false) == 0 && symtab__add(t, e, true) == 0);
	require(symtab__finish(t) == 0);
	for (uint64_t at = 0; at < 0x6000; at += 64)
		read_through(symtab__find(t, at, &exact));
	read_through(symtab__find(t, UINT64_MAX, &exact));
	symtab__free(t);
}

static void read_go(struct elf *e)
{
	struct go_table t;
	struct go_function f;
	const char *file;
	uint32_t line;

	if (!go_table__find(e, &t))
		return;
	for (uint64_t at = t.text; at < t.text + 0x80; at += 5) {
		if (!go_table__look_up(&t, at, &f))
			continue;
		require(f.start <= at && at < f.end);
		read_through(f.name);
		if (go_table__line(&t, &f, at, &file, &line))
			read_through(file);
	}
}

static void read_frames(struct elf *e)
{
	struct cfi_source src;
	struct cfi cfi = { 0 };
	int err = cfi__source(e, &src);

	if (!err && cfi__build(&src, &cfi) == 0)
		cfi__add_ends(&cfi, &src, e);
	if (!err || err == -ENODATA)
		require(cfi__add_go(&cfi, &src, e) == 0);
	for (size_t i = 1; i < cfi.n; i++)
		require(cfi.rows[i - 1].vaddr < cfi.rows[i].vaddr);
	cfi__find(&cfi, 0x1030);
	cfi__release(&cfi);
}

static void read_elf(struct elf *e)
{
	static const char *const sections[] = { ".eh_frame", ".debug_info", ".symtab", "" };
	uint8_t id[64];
	uint64_t at;
	size_t n = 0, len = 0;

	if (!e)
		return;
	elf__functions(e, see_function, &n);
	elf__debug_functions(e, see_function, &n);
	require(elf__build_id(e, id, sizeof(id)) <= sizeof(id));
	elf__debug_size(e);
	if (elf__offset_to_vaddr(e, 0x1000, &at))
		elf__vaddr_to_offset(e, at, &at);
	elf__vaddr_to_offset(e, UINT64_MAX, &at);
	read_bytes(elf__code(e, 0x1000, 64, &len), len);
	read_bytes(elf__code(e, 0, SIZE_MAX, &len), len);
	for (size_t i = 0; i < sizeof(sections) / sizeof(*sections); i++)
		read_bytes(elf__section(e, sections[i], &len), len);
	read_symbols(e);
	read_go(e);
	read_frames(e);
	elf__close(e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = exact_copy(data, size);

	read_elf(elf__open(as_file(data, size)));
	read_elf(elf__open_memory(copy, size));
	free(copy);
	return 0;
}
