/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arbitrary ELF files with debug information under libFuzzer: the names, lines and inlined calls of
 * addresses all over the code, from a file or from memory, loaded twice.
 */
#include "elf_mutator.h"

#include "symbols/debug_file.h"
#include "symbols/roots.h"
#include "symbols/symbols.h"

static void look_up(struct symbols *s, uint64_t offset)
{
	struct symbol_frame frames[SYMBOL_FRAMES_MAX];
	int n = symbols__lookup(s, offset, frames);

	require(n >= 0 && n <= SYMBOL_FRAMES_MAX);
	for (int i = 0; i < n; i++) {
		read_through(frames[i].func);
		read_through(frames[i].file);
		require(frames[i].inlined == (i < n - 1));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct roots *roots;
	char *copy = size && data[size - 1] & 1 ? exact_copy(data, size) : NULL;
	struct debug_places places = { .root = ROOT_OWN, .dir = "/nonexistent" };
	struct symbols_source source = {
		.code = {
			.fd = copy ? -1 : as_file(data, size),
			.memory = copy,
			.len = copy ? size : 0,
			.path = "/nonexistent/program",
			.places = &places,
		},
	};
	struct symbols *s;

	if (!roots)
		roots = roots__new(4);
	places.roots = roots;
	s = symbols__new(&source);
	require(s && roots);
	for (uint64_t at = 0x1000; at < 0x1200; at += 7)
		look_up(s, at);
	symbols__memory(s);
	symbols__unload(s);
	look_up(s, 0x1030);
	look_up(s, UINT64_MAX);
	symbols__free(s);
	free(copy);
	return 0;
}
