/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Instructions are not decoded: that four bytes after one that could be the opcode are by chance
 * the distance to free happens in one of 2,000 files of 2 MB.
 */
#include "probe/libc_frees.h"

#include <string.h>

#include "elf/elf.h"
#include "unwind/cfi.h"

#define INSN 5 /* bytes of call and jmp with a relative target */

static bool branches_to(const uint8_t *code, uint64_t vaddr, uint64_t to)
{
	int32_t distance;

	if (*code != 0xe8 && *code != 0xe9)
		return false;
	memcpy(&distance, code + 1, sizeof(distance));
	return vaddr + INSN + (uint64_t)(int64_t)distance == to;
}

static bool is_in(const struct code_range *ranges, size_t n, uint64_t vaddr)
{
	for (size_t i = 0; i < n; i++)
		if (vaddr >= ranges[i].start && vaddr < ranges[i].end)
			return true;
	return false;
}

void libc_frees__consider(struct glibc *g, const struct elf_function *f)
{
	if (!strcmp(f->name, "gnu_get_libc_version"))
		g->found = true;
	else if (!strcmp(f->name, "__libc_free"))
		g->free = f->vaddr;
	else if (!strcmp(f->name, "__malloc_arena_thread_freeres"))
		g->thread_end = (struct code_range){ f->vaddr, f->vaddr + f->size };
}

size_t libc_frees__find(const struct glibc *g, struct elf *e, const struct code_range *not_in,
			size_t n, uint64_t offsets[LIBC_FREES_MAX])
{
	struct cfi_source src;
	size_t found = 0, len;
	uint64_t vaddr;

	if (!g->free || (!g->found && !g->thread_end.end) || cfi__source(e, &src))
		return 0;
	for (size_t k = 0; k < src.ncode; k++) {
		const struct cfi_code *c = &src.code[k];
		const uint8_t *code = elf__code(e, c->offset, c->end - c->start, &len);

		for (size_t i = 0; code && i + INSN <= len; i++) {
			vaddr = c->start + i;
			if (!branches_to(code + i, vaddr, g->free) || is_in(not_in, n, vaddr) ||
			    (g->thread_end.end && !is_in(&g->thread_end, 1, vaddr)))
				continue;
			if (found == LIBC_FREES_MAX)
				return 0;
			offsets[found++] = c->offset + i;
		}
	}
	return found;
}
