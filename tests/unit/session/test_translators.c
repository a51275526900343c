/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "session/translators.h"

#include <unistd.h>

#include "test.h"
#include "util/array.h"

TEST(by_executable_and_maps)
{
	static const struct {
		const char *exe, *maps, *name;
	} rows[] = {
		{ "/usr/libexec/valgrind/memcheck-amd64-linux", "", "valgrind" },
		{ "/opt/v/lib/valgrind/massif-amd64-linux", NULL, "valgrind" },
		{ "/usr/bin/valgrind", "", NULL }, /* it executes the above */
		{ "/usr/bin/qemu-x86_64", "", "qemu-user" },
		{ "/usr/bin/qemu-x86_64-static", "", "qemu-user" },
		{ "/usr/bin/qemu-mipsn32el", "", "qemu-user" },
		{ "/usr/bin/qemu-system-x86_64", "", NULL },
		{ "/usr/libexec/qemu-kvm", "", NULL },
		{ "/usr/bin/qemu-img", "", NULL },
		{ "/usr/bin/qemu-storage-daemon", "", NULL },
		{ "/home/a/valgrind/shop", "", NULL },
		{ "/home/a/shop", "7f00-7f01 r-xp 0 0:0 1 /opt/dr/lib64/release/libdynamorio.so\n",
		  "DynamoRIO" },
		{ "/home/a/shop", "7f00-7f01 r-xp 0 0:0 1 /usr/lib/libc.so.6\n", NULL },
		{ "/opt/pin/intel64/bin/pinbin", "", "Pin" },
		{ "/usr/bin/box64", "", "box64" },
		{ "/home/a/qemu-x86_64/shop", "", NULL },
		{ NULL, NULL, NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *name = translators__named(rows[i].exe, rows[i].maps);

		CHECK_STR(name ? name : "", rows[i].name ? rows[i].name : "");
	}
}

TEST(this_process_is_not_translated)
{
	CHECK(!translators__of((uint32_t)getpid()));
	CHECK(!translators__of(UINT32_MAX));
}
