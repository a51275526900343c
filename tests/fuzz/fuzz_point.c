/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arbitrary machine code under libFuzzer: the first byte says which arguments are needed, the rest
 * are a function's instructions. The probe point stays inside of it.
 */
#include "fuzz.h"

#include "probe/point.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint64_t to[] = { 0x1000, 0x401000, 0x401010, UINT64_MAX };
	struct probe_point p = { 0 };
	uint8_t *code;

	if (size < 1)
		return 0;
	code = (uint8_t *)exact_copy(data + 1, size - 1);
	if (probe_point__find(code, size - 1, 0x401000, data[0], &p) == 0) {
		require(p.offset < size - 1);
		require(p.emulated || !p.offset);
		require(strnlen(p.insn, sizeof(p.insn)) < sizeof(p.insn));
		require(strnlen(p.why, sizeof(p.why)) < sizeof(p.why));
		for (size_t i = 0; i < POINT_ARGS; i++)
			require(p.arg[i] <= POINT_RAX);
	}
	probe_point__find(code, size - 1, UINT64_MAX - 2, data[0], &p);
	probe_point__only_forwards(code, size - 1, 0x401000, to, 4);
	free(code);
	return 0;
}
