/* Which files and functions a specification means. */
#include "probe/spec_match.h"

#include <ctype.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "probe/spec.h"
#include "symbols/demangle.h"
#include "util/util.h"

/* How long a C++ name is without its parameters: "f(int) const" is f. */
static size_t without_parameters(const char *name)
{
	size_t len = strlen(name), end = len;
	int depth = 0;

	while (end && name[end - 1] != ')' && name[end - 1] != ':')
		end--;
	if (!end || name[end - 1] == ':')
		return len;
	for (size_t i = end; i-- > 0;) {
		depth += name[i] == ')' ? 1 : name[i] == '(' ? -1 : 0;
		if (!depth)
			return i ? i : len;
	}
	return len;
}

char *probe_name__spelt_part(const char *function)
{
	size_t end = without_parameters(function), start;
	int depth = 0;

	while (end && (depth || function[end - 1] == '>')) {
		depth += function[end - 1] == '>' ? 1 : function[end - 1] == '<' ? -1 : 0;
		end--;
	}
	for (start = end;
	     start && (isalnum((unsigned char)function[start - 1]) || function[start - 1] == '_');)
		start--;
	if (start == end || strstr(function, "operator") || strchr(function, '~'))
		return NULL;
	return strndup(function + start, end - start);
}

bool probe_spec__is_file(const struct probe_spec *s, const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!s->file)
		return true;
	if (strchr(s->file, '/') || !slash)
		return !fnmatch(s->file, path, 0);
	return !fnmatch(s->file, slash + 1, 0);
}

/* The same but for spaces. */
static bool same_name(const char *a, size_t len, const char *b)
{
	const char *end = a + len;

	for (;;) {
		while (a < end && *a == ' ')
			a++;
		while (*b == ' ')
			b++;
		if (a == end || !*b)
			return a == end && !*b;
		if (*a++ != *b++)
			return false;
	}
}

static bool same_demangled(const struct probe_spec *s, const char *symbol)
{
	char *name;
	bool same;

	if (!demangle__is_mangled(symbol) || (s->part && !strstr(symbol, s->part)))
		return false;
	name = demangle__name(symbol);
	same = name && (same_name(name, strlen(name), s->function) ||
			same_name(name, without_parameters(name), s->function));
	free(name);
	return same;
}

/* How compilers mark what they made of a static function: after a dot. */
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

enum probe_match probe_spec__match(const struct probe_spec *s, const char *symbol)
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
