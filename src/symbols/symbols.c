/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "symbols/symbols.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "elf/elf.h"
#include "symbols/debug_file.h"
#include "symbols/demangle.h"
#include "symbols/dwarf.h"
#include "symbols/symtab.h"
#include "util/hashmap.h"
#include "util/strtab.h"

/* The cached result for one offset. */
struct entry {
	int n;
	struct symbol_frame frames[];
};

struct symbols {
	struct symbols_source source;
	struct hashmap *entries; /* by offset */
	struct strtab *texts;	 /* function names and file paths */
	size_t kept;		 /* bytes of entries */

	bool loaded;
	struct elf *elf;	  /* the file itself */
	struct elf *debug, *mini; /* its separate debug file, its unpacked .gnu_debugdata */
	struct debug_file debug_file;
	bool unsettled; /* a debug file may still be found */
	void *mini_bytes;
	size_t mini_len;
	struct symtab *symtab;
	struct dwarf *dwarf;
};

struct symbols *symbols__new(const struct symbols_source *source)
{
	struct symbols *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->source = *source;
	s->debug_file.fd = -ENOENT;
	s->entries = hashmap__new();
	s->texts = strtab__new();
	if (s->entries && s->texts)
		return s;
	symbols__free(s);
	errno = ENOMEM;
	return NULL;
}

void symbols__unload(struct symbols *s)
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
	s->mini = s->debug = s->elf = NULL;
	s->mini_bytes = NULL;
	s->mini_len = 0;
	s->loaded = false;
}

static void drop_entries(struct symbols *s)
{
	struct entry *entry;
	size_t pos = 0;

	while (s->entries && (entry = hashmap__next_ptr(s->entries, &pos, NULL)))
		free(entry);
	hashmap__free(s->entries);
	s->entries = NULL;
	s->kept = 0;
}

void symbols__free(struct symbols *s)
{
	if (!s)
		return;
	symbols__unload(s);
	drop_entries(s);
	strtab__free(s->texts);
	free(s);
}

void symbols__retry(struct symbols *s)
{
	struct hashmap *empty = s->unsettled ? hashmap__new() : NULL;

	if (!empty)
		return;
	s->unsettled = false;
	symbols__unload(s);
	drop_entries(s);
	s->entries = empty;
}

/* ---- loading ---- */

static void find_separate_files(struct symbols *s)
{
	struct debug_places places =
	    s->source.places ? *s->source.places : (struct debug_places){ .root = -1 };

	/* A server is not asked for what the file itself has. */
	if (elf__debug_size(s->elf))
		places.server = NULL;
	s->debug_file = debug_file__find(s->elf, s->source.path, &places);
	if (s->debug_file.fd >= 0)
		s->debug = elf__open(s->debug_file.fd);
	s->mini_bytes = debug_file__unpack(s->elf, &s->mini_len);
	if (s->mini_bytes)
		s->mini = elf__open_memory(s->mini_bytes, s->mini_len);
}

/* The file that a debug file shares with others is in the same root, perhaps the host's. */
static struct dwarf *open_separate_dwarf(struct symbols *s)
{
	struct debug_places places = { .root = -1 };

	if (s->source.places)
		places = *s->source.places;
	if (s->debug_file.path)
		places.root = s->debug_file.root;
	return dwarf__open(s->debug, s->debug_file.path, &places);
}

static void find_dwarf(struct symbols *s)
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
static void load_files(struct symbols *s)
{
	s->loaded = true;
	s->elf = s->source.memory ? elf__open_memory(s->source.memory, s->source.len)
				  : elf__open(s->source.fd);
	if (!s->elf)
		return;
	if (!s->source.memory)
		find_separate_files(s);
	find_dwarf(s);
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
static char *symbol_name(struct symbols *s, uint64_t vaddr, bool only_mangled, bool *exact)
{
	const char *name = s->symtab ? symtab__find(s->symtab, vaddr, exact) : NULL;

	if (!name || (only_mangled && !demangle__is_mangled(name)))
		return NULL;
	return demangle__name(name);
}

/*
 * DWARF names the inlined calls and the function around them; the symbol table has names for code
 * without DWARF, and fuller ones where DWARF gives no linkage name.
 */
static int find_frames(struct symbols *s, uint64_t vaddr,
		       struct symbol_frame out[SYMBOL_FRAMES_MAX])
{
	struct dwarf_frame frames[SYMBOL_FRAMES_MAX] = { 0 }, *last;
	int n = s->dwarf ? dwarf__lookup(s->dwarf, vaddr, frames, SYMBOL_FRAMES_MAX) : 0;
	bool exact = true;

	n = n ? n : 1;
	last = &frames[n - 1];
	if (!last->func || last->built) {
		char *better = symbol_name(s, vaddr, last->built, &exact);

		if (better) {
			free(last->func);
			last->func = better;
		}
	}
	for (int i = 0; i < n; i++) {
		out[i] = (struct symbol_frame){
			.func = strtab__copy(s->texts, frames[i].func),
			.file = strtab__copy(s->texts, frames[i].file),
			.line = frames[i].line,
			.inlined = i + 1 < n,
			.exact = i + 1 < n || exact,
		};
		free(frames[i].func);
	}
	return out[0].func || out[0].file ? n : 0;
}

static int cache_frames(struct symbols *s, uint64_t offset, const struct symbol_frame *frames,
			int n)
{
	size_t size = sizeof(struct entry) + (size_t)n * sizeof(*frames);
	struct entry *entry = malloc(size);

	if (!entry)
		return -ENOMEM;
	entry->n = n;
	memcpy(entry->frames, frames, (size_t)n * sizeof(*frames));
	if (hashmap__set_ptr(s->entries, offset, entry)) {
		free(entry);
		return -ENOMEM;
	}
	s->kept += size;
	return 0;
}

int symbols__lookup(struct symbols *s, uint64_t offset, struct symbol_frame out[SYMBOL_FRAMES_MAX])
{
	struct entry *entry = hashmap__get_ptr(s->entries, offset);
	uint64_t vaddr;
	int n = 0;

	if (entry) {
		memcpy(out, entry->frames, (size_t)entry->n * sizeof(*out));
		return entry->n;
	}
	if (!s->loaded)
		load_files(s);
	if (s->elf && elf__offset_to_vaddr(s->elf, offset, &vaddr))
		n = find_frames(s, vaddr, out);
	if (s->dwarf && dwarf__is_full(s->dwarf))
		symbols__unload(s);
	cache_frames(s, offset, out, n);
	return n;
}

int symbols__know(struct symbols *s, uint64_t offset, const struct symbol_frame *frames, int n)
{
	struct symbol_frame kept[SYMBOL_FRAMES_MAX];
	struct entry *old;

	for (int i = 0; i < n; i++) {
		kept[i] = frames[i];
		kept[i].func = strtab__copy(s->texts, frames[i].func);
		kept[i].file = strtab__copy(s->texts, frames[i].file);
	}
	old = hashmap__remove_ptr(s->entries, offset);
	if (old)
		s->kept -= sizeof(*old) + (size_t)old->n * sizeof(*frames);
	free(old);
	return cache_frames(s, offset, kept, n);
}

size_t symbols__loaded(const struct symbols *s)
{
	return s->mini_len + (s->symtab ? symtab__memory(s->symtab) : 0) +
	       (s->dwarf ? dwarf__memory(s->dwarf) : 0);
}

size_t symbols__memory(const struct symbols *s)
{
	return sizeof(*s) + s->kept + strtab__memory(s->texts) + symbols__loaded(s);
}
