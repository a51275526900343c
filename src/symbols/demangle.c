/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Uses the demanglers of libiberty, which trust names:
 *
 * A name of a few hundred bytes can stand for one of many gigabytes, because it may refer back to
 * its own parts. Both demanglers pass their output to a callback piece by piece, without allocating
 * memory for it, so the piece that exceeds the limit ends them with a longjmp.
 *
 * To expand a template parameter pack, the C++ demangler searches the components around it for the
 * pack, and forgets which of them it has been through: in a name whose components refer to each
 * other, that takes exponential time without any output. So the components of a name with packs are
 * counted first, each as often as the search would come to it.
 *
 * The Rust demangler counts up to any number of bound lifetimes (rust_binders.h).
 */
#include "symbols/demangle.h"

#include <errno.h>
#include <libiberty/demangle.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "symbols/rust_binders.h"

/*
 * libiberty puts an array of components on the stack and recurses over them; by default it refuses
 * C++ names over 1,024 bytes, which templates do reach. Up to this length, 2 MiB of stack are
 * enough without its limit. A Rust name may refer to itself, so for those the limit always holds.
 */
#define MANGLED_MAX 2048
/* The most components that one search for a pack may come to; those of clang need 1,898. */
#define PACK_STEPS_MAX 32768

struct output {
	const char *rust; /* the symbol, while it is read as one of Rust */
	char text[DEMANGLE_MAX];
	size_t len;
	jmp_buf full;
};

/*
 * Whether a piece of a Rust name is neither part of the symbol nor of our program: then it is in
 * memory that the demangler frees after it was printed, and that a longjmp would leak. The next
 * piece, a separator, is not.
 */
static bool is_temporary(const struct output *o, const char *piece)
{
	extern const char __executable_start[], _end[];
	uintptr_t at = (uintptr_t)piece;

	return o->rust && at - (uintptr_t)o->rust > MANGLED_MAX &&
	       (at < (uintptr_t)__executable_start || at >= (uintptr_t)_end);
}

static void append_piece(const char *piece, size_t len, void *ctx)
{
	struct output *o = ctx;
	size_t room = sizeof(o->text) - 1 - o->len;
	bool fits = len <= room;

	if (!len)
		return; /* `piece` may be NULL */
	memcpy(o->text + o->len, piece, fits ? len : room);
	o->len += fits ? len : room;
	if (!fits && !is_temporary(o, piece))
		longjmp(o->full, 1);
}

/* ---- template parameter packs ---- */

/* The components of a name, which libiberty allocates as one array. */
struct components {
	const struct demangle_component *first;
	size_t n;
	uint32_t *steps; /* for each: those of a search from there on; 0: not counted yet */
};

static uint32_t count_steps(struct components *all, const struct demangle_component *at);

static uint32_t count_link(struct components *all, const struct demangle_component *to)
{
	uintptr_t offset = (uintptr_t)to - (uintptr_t)all->first;

	if (offset >= all->n * sizeof(*to) || offset % sizeof(*to))
		return 0;
	return count_steps(all, to);
}

/* Adds what the components that this one points to take. */
static uint32_t count_links(struct components *all, const struct demangle_component *at)
{
	switch (at->type) {
	case DEMANGLE_COMPONENT_NAME:
	case DEMANGLE_COMPONENT_TEMPLATE_PARAM:
	case DEMANGLE_COMPONENT_FUNCTION_PARAM:
	case DEMANGLE_COMPONENT_SUB_STD:
	case DEMANGLE_COMPONENT_BUILTIN_TYPE:
	case DEMANGLE_COMPONENT_OPERATOR:
	case DEMANGLE_COMPONENT_CHARACTER:
	case DEMANGLE_COMPONENT_NUMBER:
	case DEMANGLE_COMPONENT_UNNAMED_TYPE:
		return 0;
	case DEMANGLE_COMPONENT_LAMBDA:
	case DEMANGLE_COMPONENT_DEFAULT_ARG:
		return count_link(all, at->u.s_unary_num.sub);
	case DEMANGLE_COMPONENT_CTOR:
		return count_link(all, at->u.s_ctor.name);
	case DEMANGLE_COMPONENT_DTOR:
		return count_link(all, at->u.s_dtor.name);
	case DEMANGLE_COMPONENT_EXTENDED_OPERATOR:
		return count_link(all, at->u.s_extended_operator.name);
	case DEMANGLE_COMPONENT_FIXED_TYPE:
		return count_link(all, at->u.s_fixed.length);
	default: /* types of a newer libiberty included: at worst, too much is counted */
		return count_link(all, at->u.s_binary.left) + count_link(all, at->u.s_binary.right);
	}
}

static uint32_t count_steps(struct components *all, const struct demangle_component *at)
{
	uint32_t *steps = &all->steps[at - all->first];

	if (!*steps) {
		*steps = PACK_STEPS_MAX + 1; /* for a circle */
		*steps = 1 + count_links(all, at);
		if (*steps > PACK_STEPS_MAX)
			*steps = PACK_STEPS_MAX + 1;
	}
	return *steps;
}

/* Returns whether the search for a pack may take exponential time. */
static bool has_endless_packs(const char *name, int options)
{
	struct demangle_component *top;
	struct components all = { .n = 2 * strlen(name) };
	void *memory = NULL;
	bool endless = true;

	if (!strstr(name, "Dp") && !strstr(name, "sp") && !strstr(name, "sZ"))
		return false;
	top = cplus_demangle_v3_components(name, options, &memory);
	if (!top)
		return false;
	all.first = memory;
	all.steps = calloc(all.n, sizeof(*all.steps));
	if (all.steps)
		endless = count_link(&all, top) > PACK_STEPS_MAX;
	free(all.steps);
	free(memory);
	return endless;
}

/* ---- names ---- */

static bool demangle_cxx(const char *name, struct output *o)
{
	int options = DMGL_PARAMS | DMGL_ANSI;

	/* By its own limit, libiberty refuses any name that is longer. */
	if (strlen(name) > 1024)
		options |= DMGL_NO_RECURSE_LIMIT;
	o->len = 0;
	return !has_endless_packs(name, options) &&
	       cplus_demangle_v3_callback(name, options, append_piece, o) && o->len;
}

/* False if it is not a mangled name. */
static bool try_demanglers(const char *name, struct output *o)
{
	/* Legacy Rust names are also C++ names, ending in a hash, so Rust is tried first. */
	o->rust = rust_binders__are_absurd(name) ? NULL : name;
	if (o->rust && rust_demangle_callback(name, DMGL_PARAMS | DMGL_ANSI, append_piece, o) &&
	    o->len)
		return true;
	o->rust = NULL;
	return demangle_cxx(name, o);
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
	o->rust = NULL;
	o->len = 0;
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
