/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/hash.h"

#include "test.h"

TEST(mix_depends_on_both)
{
	CHECK(hash__mix(1, 2) != hash__mix(2, 1));
	CHECK(hash__mix(0, 0) != hash__mix(0, 1));
	CHECK(hash__mix(0, 0) != hash__mix(1, 0));
	CHECK(hash__mix(0, 0) != 0);
	CHECK(hash__mix(5, 6) == hash__mix(5, 6));
}

/* Stack IDs are made of these and kept in recordings, baselines and reports: they must not change.
 */
TEST(values_stay_as_they_are)
{
	CHECK(hash__mix(1, 2) == 0xbcd9dbb49673066b);
	CHECK(hash__bytes(HASH_START, "", 0) == HASH_START);
	/* From the authors' test vectors of FNV-1a. */
	CHECK(hash__bytes(HASH_START, "a", 1) == 0xaf63dc4c8601ec8c);
	CHECK(hash__bytes(HASH_START, "foobar", 6) == 0x85944171f73967e8);
	CHECK(hash__string(HASH_START, "foobar") == 0x85944171f73967e8);
	CHECK(hash__string(hash__bytes(HASH_START, "foo", 3), "bar") == 0x85944171f73967e8);
}
