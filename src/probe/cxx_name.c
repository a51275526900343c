/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/cxx_name.h"

#include <ctype.h>
#include <string.h>

/* The length of a C++ name without its parameters: that of "f" for "f(int) const". */
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

/* Whether two names are the same but for spaces. */
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

bool cxx_name__matches(const char *demangled, const char *written)
{
	return same_name(demangled, strlen(demangled), written) ||
	       same_name(demangled, without_parameters(demangled), written);
}

char *cxx_name__own_part(const char *written)
{
	size_t end = without_parameters(written), start;
	int depth = 0;

	while (end && (depth || written[end - 1] == '>')) {
		depth += written[end - 1] == '>' ? 1 : written[end - 1] == '<' ? -1 : 0;
		end--;
	}
	for (start = end;
	     start && (isalnum((unsigned char)written[start - 1]) || written[start - 1] == '_');)
		start--;
	if (start == end || strstr(written, "operator") || strchr(written, '~'))
		return NULL;
	return strndup(written + start, end - start);
}
