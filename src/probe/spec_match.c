/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether a specification is about a file or a function. */
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "probe/cxx_name.h"
#include "probe/spec.h"
#include "symbols/demangle.h"
#include "util/array.h"

bool probe_spec__matches_path(const struct probe_spec *s, const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!s->file)
		return true;
	if (strchr(s->file, '/') || !slash)
		return !fnmatch(s->file, path, 0);
	return !fnmatch(s->file, slash + 1, 0);
}

static bool same_demangled(const struct probe_spec *s, const char *symbol)
{
	char *name;
	bool same;

	if (!demangle__is_mangled(symbol) || (s->part && !strstr(symbol, s->part)))
		return false;
	name = demangle__name(symbol);
	same = name && cxx_name__matches(name, s->function);
	free(name);
	return same;
}

/* What a compiler made of a static function is marked by a suffix after a dot. */
static enum probe_match kind_of_copy(const char *suffix)
{
	static const char *const others[] = { ".isra.", ".constprop.", ".specialized." };

	if (!strncmp(suffix, ".lto_priv.", 10) || !strncmp(suffix, ".llvm.", 6))
		return PROBE_FUNCTION;
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (strstr(suffix, others[i]))
			return PROBE_COPY;
	return PROBE_OTHER;
}

enum probe_match probe_spec__match_symbol(const struct probe_spec *s, const char *symbol)
{
	const char *suffix = strchr(symbol, '.');
	char *stem;
	bool same;

	if (s->by_offset)
		return PROBE_OTHER;
	if (!strcmp(symbol, s->function))
		return PROBE_FUNCTION;
	if (!suffix)
		return same_demangled(s, symbol) ? PROBE_FUNCTION : PROBE_OTHER;
	if (kind_of_copy(suffix) == PROBE_OTHER)
		return PROBE_OTHER;
	stem = strndup(symbol, (size_t)(suffix - symbol));
	same = stem && (!strcmp(stem, s->function) || same_demangled(s, stem));
	free(stem);
	return same ? kind_of_copy(suffix) : PROBE_OTHER;
}
