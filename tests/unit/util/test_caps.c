/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which capabilities are missing. */
#include "util/caps.h"

#include <linux/capability.h>

#include "test.h"
#include "util/strbuf.h"

#define BIT(cap) (1ull << (cap))

static const int both[] = { CAP_CHECKPOINT_RESTORE, CAP_DAC_READ_SEARCH };

TEST(a_capability_that_permits_more_stands_for_another)
{
	CHECK(caps__has(BIT(CAP_SYS_ADMIN), CAP_BPF));
	CHECK(caps__has(BIT(CAP_SYS_ADMIN), CAP_CHECKPOINT_RESTORE));
	CHECK(!caps__has(BIT(CAP_SYS_ADMIN), CAP_SYS_PTRACE));
	CHECK(caps__has(BIT(CAP_DAC_OVERRIDE), CAP_DAC_READ_SEARCH));
	CHECK(!caps__has(0, CAP_BPF));
	CHECK(!caps__has(~BIT(CAP_SYS_PTRACE), CAP_SYS_PTRACE));
}

TEST(what_is_missing_is_named)
{
	char why[128];

	CHECK_STR(caps__explain(0, both, 2, why, sizeof(why)),
		  "CAP_CHECKPOINT_RESTORE, CAP_DAC_READ_SEARCH are missing");
	CHECK_STR(caps__explain(BIT(CAP_SYS_ADMIN), both, 2, why, sizeof(why)),
		  "CAP_DAC_READ_SEARCH is missing");
	CHECK(strstr(caps__explain(~0ull, both, 2, why, sizeof(why)), "no capability is missing"));
}
