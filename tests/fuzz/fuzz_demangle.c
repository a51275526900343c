/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arbitrary symbols under libFuzzer, most of them made by the grammars of mangled names: time,
 * memory and stack are bounded, and a name comes out for each.
 */
#include "fuzz.h"

#include "mangled_names.h"
#include "probe/cxx_name.h"
#include "symbols/demangle.h"

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned int seed)
{
	static char room[1 << 16];
	struct mangler m = { .out = room,
			     .cap = max < sizeof(room) ? max : sizeof(room),
			     .random = seed };
	size_t at, skip;

	if (!pick(&m, 3))
		return LLVMFuzzerMutate(data, size, max);
	if (!pick(&m, 3)) {
		put_name(&m);
		memcpy(data, room, m.len);
		return m.len;
	}
	/* A production in the place of some bytes. */
	at = size ? pick(&m, (unsigned int)size + 1) : 0;
	skip = at < size && pick(&m, 2) ? pick(&m, (unsigned int)(size - at) + 1) % 16 : 0;
	memcpy(room, data, at);
	m.len = at;
	put_part(&m);
	skip = skip > size - at ? size - at : skip;
	if (size - at - skip < m.cap - m.len) {
		memcpy(room + m.len, data + at + skip, size - at - skip);
		m.len += size - at - skip;
	}
	memcpy(data, room, m.len);
	return m.len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *symbol = as_string(data, size), *name = demangle__name(symbol);

	require(name != NULL);
	require(strlen(name) < DEMANGLE_MAX);
	require(name[0] || !symbol[0]);
	cxx_name__matches(name, symbol);
	cxx_name__matches(name, name);
	free(cxx_name__own_part(name));
	free(name);
	free(symbol);
	return 0;
}
