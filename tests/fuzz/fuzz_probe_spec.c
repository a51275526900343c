/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arbitrary values of --probe under libFuzzer, and arbitrary files and symbols that are compared
 * with them: the first line is the value, the second a path, the third a symbol.
 */
#include "fuzz.h"

#include <errno.h>

#include "probe/cxx_name.h"
#include "probe/spec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *value = as_string(data, size), *path = cut_line(value), *symbol = cut_line(path);
	const char *names[API_ROWS];
	struct probe_specs ps = { 0 };
	char why[200] = "";
	int err;

	cut_line(symbol);
	err = probe_specs__add(&ps, value, why, sizeof(why));
	require(err != -EINVAL || why[0]);
	require(strnlen(why, sizeof(why)) < sizeof(why));
	for (size_t i = 0; i < ps.n; i++) {
		const struct probe_spec *s = &ps.specs[i];

		read_through(s->text);
		read_through(s->part);
		probe_spec__matches_path(s, path);
		if (!s->by_offset) {
			probe_spec__match_symbol(s, symbol);
			probe_spec__match_symbol(s, "_ZN4Pool4freeEPv.constprop.0");
		}
		require(probe_specs__api(&ps, probe_specs__row(i)) == &s->api);
	}
	probe_specs__names(&ps, names);
	probe_specs__release(&ps);
	cxx_name__matches(symbol, path);
	free(cxx_name__own_part(symbol));
	free(value);
	return 0;
}
