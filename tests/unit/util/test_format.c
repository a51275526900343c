/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/format.h"

#include "test.h"
#include "util/array.h"

TEST(size)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} rows[] = {
		{ 0, "0 B" },
		{ 512, "512 B" },
		{ 1023, "1023 B" },
		{ 1024, "1.0 KiB" },
		{ 1536, "1.5 KiB" },
		{ 1023 * 1024 + 970, "1023.9 KiB" },
		{ 1024 * 1024 - 1, "1.0 MiB" },
		{ 432642458, "412.6 MiB" },
		{ 3435973837, "3.2 GiB" },
		{ 1ull << 40, "1.0 TiB" },
		{ 1ull << 50, "1.0 PiB" },
		{ UINT64_MAX, "16.0 EiB" },
	};
	char buf[12];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		CHECK_STR(format__size(buf, sizeof(buf), rows[i].bytes), rows[i].text);
}
