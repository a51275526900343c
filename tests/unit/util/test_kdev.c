/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/kdev.h"

#include "test.h"

TEST(both_ways)
{
	static const unsigned int majors[] = { 0, 8, 0xfe, 0xfff },
				  minors[] = { 0, 1, 256, 0xfffff };

	for (int i = 0; i < 4; i++) {
		for (int j = 0; j < 4; j++) {
			uint32_t kernel = majors[i] << 20 | minors[j];

			CHECK(kdev__to_user(kernel) == makedev(majors[i], minors[j]));
			CHECK_EQ(kdev__from_user(makedev(majors[i], minors[j])), kernel);
		}
	}
}
