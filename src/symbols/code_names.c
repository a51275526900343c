/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "symbols/code_names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "elf/elf.h"
#include "elf/go_table.h"
#include "symbols/debug_file.h"
#include "symbols/demangle.h"
#include "symbols/dwarf.h"
#include "symbols/symtab.h"

struct code_names {
	struct code_source source;
	bool loaded;
	struct elf *elf;	  /* the file itself */
	struct elf *debug, *mini; /* its separate debug file, its unpacked .gnu_debugdata */
	struct debug_file debug_file;
	bool unsettled; /* a debug file may still be found */
	void *mini_bytes;
	size_t mini_len;
	struct symtab *symtab;
	struct dwarf *dwarf;
	struct go_table go; /* n 0: none */
};

struct code_names *code_names__new(const struct code_source *source)
{
	struct code_names *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->source = *source;
	s->debug_file.fd = -ENOENT;
	return s;
}

void code_names__unload(struct code_names *s)
{
	dwarf__close(s->dwarf);
	symtab__free(s->symtab);
	elf__close(s->mini);
	elf__close(s->debug);
	elf__close(s->elf);
	free(s->mini_bytes);
	debug_file__done(&s->debug_file);
	s->dwarf = NULL;
	s->symtab = NULL;
	s->go = (struct go_table){ 0 };
	s->mini = s->debug = s->elf = NULL;
	s->mini_bytes = NULL;
	s->mini_len = 0;
	s->loaded = false;
}

void code_names__free(struct code_names *s)
{
	if (!s)
		return;
	code_names__unload(s);
	free(s);
}

/* ---- loading ---- */

static void find_separate_files(struct code_names *s)
{
	struct debug_places places =
	    s->source.places ? *s->source.places : (struct debug_places){ .root = -1 };

	s->debug_file = debug_file__find(s->elf, s->source.path, &places);
	if (s->debug_file.fd >= 0)
		s->debug = elf__open(s->debug_file.fd);
	s->mini_bytes = debug_file__unpack(s->elf, &s->mini_len);
	if (s->mini_bytes)
		s->mini = elf__open_memory(s->mini_bytes, s->mini_len);
}

/* The file that a debug file shares with others is in the same root, perhaps the host's. */
static struct dwarf *open_separate_dwarf(struct code_names *s)
{
	struct debug_places places = { .root = -1 };

	if (s->source.places)
		places = *s->source.places;
	places.from_debug = true;
	if (s->debug_file.path)
		places.root = s->debug_file.root;
	return dwarf__open(s->debug, s->debug_file.path, &places);
}

static void find_dwarf(struct code_names *s)
{
	s->unsettled = s->debug_file.fd == -EAGAIN;
	s->dwarf = dwarf__open(s->elf, s->source.path, s->source.places);
	s->unsettled |= !s->dwarf && errno == EAGAIN;
	if (s->dwarf || !s->debug)
		return;
	s->dwarf = open_separate_dwarf(s);
	s->unsettled |= !s->dwarf && errno == EAGAIN;
}

/* Whatever is missing or damaged leaves its part empty. */
static void load_files(struct code_names *s)
{
	s->loaded = true;
	s->elf = s->source.memory ? elf__open_memory(s->source.memory, s->source.len)
				  : elf__open(s->source.fd);
	if (!s->elf)
		return;
	if (!s->source.memory)
		find_separate_files(s);
	find_dwarf(s);
	if (!go_table__find(s->elf, &s->go))
		s->go.n = 0;
	s->symtab = symtab__new();
	if (!s->symtab)
		return;
	if (symtab__add(s->symtab, s->elf, false) ||
	    (s->debug && symtab__add(s->symtab, s->debug, true)) ||
	    (s->mini && symtab__add(s->symtab, s->mini, true)) || symtab__finish(s->symtab)) {
		symtab__free(s->symtab);
		s->symtab = NULL;
	}
}

/* ---- lookup ---- */

/* Returns the function at an address from the symbol table, which the caller frees; NULL: none. */
static char *symbol_name(struct code_names *s, uint64_t vaddr, bool only_mangled, bool *exact)
{
	const char *name = s->symtab ? symtab__find(s->symtab, vaddr, exact) : NULL;

	if (!name || (only_mangled && !demangle__is_mangled(name)))
		return NULL;
	return demangle__name(name);
}

/* Names Go's code without DWARF. Its names are not mangled, whatever they look like. */
static bool find_go_frame(struct code_names *s, uint64_t vaddr, struct code_frame *out)
{
	struct go_function f;

	*out = (struct code_frame){ .exact = true };
	if (!s->go.n || !go_table__look_up(&s->go, vaddr, &f))
		return false;
	if (!go_table__line(&s->go, &f, vaddr, &out->file, &out->line))
		out->file = NULL;
	out->func = strdup(f.name);
	return out->func;
}

/*
 * DWARF names the inlined calls and the function around them; the symbol table has names for code
 * without DWARF, and fuller ones where DWARF gives no linkage name.
 */
static int find_frames(struct code_names *s, uint64_t vaddr, struct code_frame *out)
{
	struct dwarf_frame frames[CODE_FRAMES_MAX] = { 0 }, *last;
	int n = s->dwarf ? dwarf__lookup(s->dwarf, vaddr, frames, CODE_FRAMES_MAX) : 0;
	bool exact = true;

	if (!n && find_go_frame(s, vaddr, out))
		return 1;
	n = n ? n : 1;
	last = &frames[n - 1];
	if (!last->func || last->built) {
		char *better = symbol_name(s, vaddr, last->built, &exact);

		if (better) {
			free(last->func);
			last->func = better;
		}
	}
	for (int i = 0; i < n; i++)
		out[i] = (struct code_frame){
			.func = frames[i].func,
			.file = frames[i].file,
			.line = frames[i].line,
			.inlined = i + 1 < n,
			.exact = i + 1 < n || exact,
		};
	if (out[0].func || out[0].file)
		return n;
	code_names__free_frames(out, n);
	return 0;
}

int code_names__look_up(struct code_names *s, uint64_t offset, struct code_frame *out)
{
	uint64_t vaddr;
	int n = 0;

	if (s->dwarf && dwarf__is_full(s->dwarf))
		code_names__unload(s);
	if (!s->loaded)
		load_files(s);
	if (s->elf && elf__offset_to_vaddr(s->elf, offset, &vaddr))
		n = find_frames(s, vaddr, out);
	return n;
}

void code_names__free_frames(struct code_frame *frames, int n)
{
	for (int i = 0; i < n; i++)
		free(frames[i].func);
}

bool code_names__unsettled(const struct code_names *s)
{
	return s->unsettled;
}

size_t code_names__loaded(const struct code_names *s)
{
	return s->mini_len + s->go.len + (s->symtab ? symtab__memory(s->symtab) : 0) +
	       (s->dwarf ? dwarf__memory(s->dwarf) : 0);
}
