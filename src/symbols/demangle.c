/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Uses the demanglers of libiberty. A name of a few hundred bytes can stand for one of many
 * gigabytes, because it may refer back to its own parts. Both demanglers pass their output to a
 * callback piece by piece, without allocating memory for it, so the piece that exceeds the limit
 * ends them with a longjmp.
 */
#include "symbols/demangle.h"

#include <errno.h>
#include <libiberty/demangle.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/*
 * libiberty puts an array of components on the stack and recurses over them; by default it refuses
 * names over 1,024 bytes, which templates do reach. Up to this length, 2 MiB of stack are enough.
 */
#define MANGLED_MAX 2048

struct output {
	char text[DEMANGLE_MAX];
	size_t len;
	jmp_buf full;
};

static void append_piece(const char *piece, size_t len, void *ctx)
{
	struct output *o = ctx;
	size_t room = sizeof(o->text) - 1 - o->len;
	bool fits = len <= room;

	memcpy(o->text + o->len, piece, fits ? len : room);
	o->len += fits ? len : room;
	if (!fits)
		longjmp(o->full, 1);
}

static bool run_demangler(int (*demangler)(const char *, int, demangle_callbackref, void *),
			  const char *name, struct output *o)
{
	o->len = 0;
	return demangler(name, DMGL_PARAMS | DMGL_ANSI | DMGL_NO_RECURSE_LIMIT, append_piece, o) &&
	       o->len;
}

/* False if it is not a mangled name. */
static bool try_demanglers(const char *name, struct output *o)
{
	/* Legacy Rust names are also C++ names, ending in a hash, so Rust is tried first. */
	return run_demangler(rust_demangle_callback, name, o) ||
	       run_demangler(cplus_demangle_v3_callback, name, o);
}

bool demangle__is_mangled(const char *name)
{
	return name[0] == '_' && (name[1] == 'Z' || name[1] == 'R');
}

char *demangle__name(const char *name)
{
	static const char dots[] = "...";
	size_t len = strnlen(name, DEMANGLE_MAX);
	struct output *o;
	char *copy;

	if (len < DEMANGLE_MAX && name[0] != '_')
		return strdup(name);
	o = malloc(sizeof(*o));
	if (!o)
		return NULL;
	if (setjmp(o->full)) {
		memcpy(o->text + o->len + 1 - sizeof(dots), dots, sizeof(dots) - 1);
	} else if (len > MANGLED_MAX || !try_demanglers(name, o)) {
		o->len = 0;
		append_piece(name, len, o);
	}
	copy = strndup(o->text, o->len);
	free(o);
	return copy;
}
