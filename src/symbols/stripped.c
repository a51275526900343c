/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "symbols/stripped.h"

#include <stdlib.h>

#include "elf/elf.h"
#include "symbols/debug_file.h"
#include "symbols/module.h"

struct stripped {
	struct elf *file; /* the caller's */
	struct debug_file found;
	struct elf *debug, *mini; /* NULL: there is none */
	void *mini_bytes;
};

struct stripped *stripped__open(struct module *mod, struct elf *e)
{
	struct stripped *s = calloc(1, sizeof(*s));
	struct debug_places places;
	const char *path;
	size_t len;

	if (!s)
		return NULL;
	s->file = e;
	path = module__debug_places(mod, &places);
	s->found = debug_file__find(e, path, &places);
	if (s->found.fd >= 0)
		s->debug = elf__open(s->found.fd);
	s->mini_bytes = debug_file__unpack(e, &len);
	if (s->mini_bytes)
		s->mini = elf__open_memory(s->mini_bytes, len);
	if (s->debug || s->mini)
		return s;
	stripped__close(s);
	return NULL;
}

void stripped__close(struct stripped *s)
{
	if (!s)
		return;
	elf__close(s->debug);
	elf__close(s->mini);
	debug_file__done(&s->found);
	free(s->mini_bytes);
	free(s);
}

struct moved_visit {
	struct elf *file;
	int (*fn)(void *ctx, const struct elf_function *f);
	void *ctx;
};

/* A debug file has the addresses of the code, but not the code. */
static int visit_moved(void *ctx, const struct elf_function *f)
{
	const struct moved_visit *v = ctx;
	struct elf_function moved = *f;

	return elf__vaddr_to_offset(v->file, f->vaddr, &moved.offset) ? v->fn(v->ctx, &moved) : 0;
}

int stripped__functions(struct stripped *s, int (*fn)(void *ctx, const struct elf_function *f),
			void *ctx)
{
	struct moved_visit v = { .file = s->file, .fn = fn, .ctx = ctx };
	int ret = s->debug ? elf__debug_functions(s->debug, visit_moved, &v) : 0;

	return ret || !s->mini ? ret : elf__debug_functions(s->mini, visit_moved, &v);
}
