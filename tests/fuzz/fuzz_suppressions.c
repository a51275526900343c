/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arbitrary suppression files under libFuzzer, and arbitrary names of frames: the first line is a
 * function's name, the second a module's, and the rest the file.
 */
#include "fuzz.h"

#include <errno.h>

#include "profile/suppressions.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *names = as_string(data, size), *module = cut_line(names), *rest = cut_line(module);
	size_t from = (size_t)(rest - names) < size ? (size_t)(rest - names) : size, line = 0;
	char *text = exact_copy(data + from, size - from);
	struct suppress_frame stack[] = { { names, module, names }, { NULL, module, NULL }, { 0 } };
	struct suppressions *s = suppressions__new();
	const char *why = NULL;
	int err, rule;

	require(s != NULL);
	err = suppressions__add_text(s, text, size - from, "file", &line, &why);
	require(err != -EINVAL || (line && why));
	free(text);
	require(suppressions__add_builtin(s) == 0);
	for (size_t i = 0; i < suppressions__count(s); i++) {
		const struct suppress_rule *r = suppressions__rule(s, i);

		read_through(r->pattern);
		read_through(r->source);
	}
	rule = suppressions__find(s, stack, 3);
	require(rule >= -1 && rule < (int)suppressions__count(s));
	suppressions__matches(names, module);
	suppressions__matches(module, rest);
	suppressions__free(s);
	free(names);
	return 0;
}
