/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Some C libraries (musl) have no call frame information: a walk ends where it enters them. For the
 * two calls that every stack of a C program starts with, that is where it should end. Both are
 * recognised by the instructions after the call, which pass its result to a function that does not
 * return:
 *
 *	exit(main(argc, argv, envp))		mov %eax,%edi; call exit
 *	pthread_exit(start(arg))		mov %rax,%rdi; call pthread_exit
 *
 * Only code that has no description is searched.
 */
#include <errno.h>
#include <stdlib.h>

#include "elf/elf.h"
#include "unwind/cfi_internal.h"

/* Shorter gaps are padding. */
#define CODE_MIN 64

struct exits {
	uint64_t process, thread; /* addresses; 0: not defined in this file */
};

static int note_exit(void *ctx, const struct elf_function *f)
{
	struct exits *x = ctx;

	if (!strcmp(f->name, "exit"))
		x->process = f->vaddr;
	else if (!strcmp(f->name, "pthread_exit") || !strcmp(f->name, "__pthread_exit"))
		x->thread = f->vaddr;
	return x->process && x->thread;
}

/* Makes room for n rows after the i-th. NULL: no memory. */
static struct cfi_row *insert_rows(struct cfi *c, size_t i, size_t n)
{
	struct cfi_row *rows = reallocarray(c->rows, c->n + n, sizeof(*rows));

	if (!rows)
		return NULL;
	memmove(rows + i + 1 + n, rows + i + 1, (c->n - i - 1) * sizeof(*rows));
	c->rows = rows;
	c->n += n;
	return rows + i + 1;
}

/* Finds the return address of the first such call in [at, end). 0: none. */
static uint64_t find_end(struct elf *e, const struct exits *x, uint64_t at, uint64_t end)
{
	enum { MOV_CALL = 7 }; /* bytes: mov and call without the prefix of the 64-bit mov */
	uint64_t offset;
	const uint8_t *code;
	size_t got;

	if (!elf__vaddr_to_offset(e, at, &offset))
		return 0;
	code = elf__code(e, offset, end - at, &got);
	for (size_t i = 1; code && i + MOV_CALL <= got; i++) {
		uint64_t target;
		int32_t distance;

		if (code[i] != 0x89 || code[i + 1] != 0xc7 || code[i + 2] != 0xe8)
			continue;
		memcpy(&distance, code + i + 3, sizeof(distance));
		target = at + i + MOV_CALL + (uint64_t)(int64_t)distance;
		if (target == x->process)
			return at + i;
		if (target == x->thread && code[i - 1] == 0x48)
			return at + i - 1;
	}
	return 0;
}

int cfi__add_ends(struct cfi *c, const struct cfi_source *src, struct elf *e)
{
	struct exits x = { 0 };
	bool searched = false;

	for (size_t i = 0; i < c->n; i++) {
		uint64_t at = c->rows[i].vaddr, end = at, found;
		struct cfi_row *rows;

		if (c->rows[i].rule.kind != UNWIND_NONE)
			continue;
		if (i + 1 < c->n)
			end = c->rows[i + 1].vaddr;
		for (size_t k = 0; i + 1 == c->n && k < src->ncode; k++)
			if (at >= src->code[k].start && at < src->code[k].end)
				end = src->code[k].end;
		if (end - at < CODE_MIN)
			continue;
		if (!searched)
			elf__functions(e, note_exit, &x);
		searched = true;
		if (!x.process)
			return 0;
		found = find_end(e, &x, at, end);
		if (!found)
			continue;
		/* A return address is looked up at the byte before it. */
		rows = insert_rows(c, i, 2);
		if (!rows)
			return -ENOMEM;
		rows[0] = (struct cfi_row){ found - 1, { .kind = UNWIND_BOTTOM } };
		rows[1] = (struct cfi_row){ found + 1, { .kind = UNWIND_NONE } };
		i++; /* go on after the new rows */
	}
	return 0;
}
