/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A million and a half live blocks. */
#include "truth.h"

#define BLOCKS 1500000L

static NOINLINE void leak_many(void)
{
	long bytes = 0;

	for (long i = 0; i < BLOCKS; i++) {
		keep(malloc(8 + i % 50));
		bytes += 8 + i % 50;
	}
	truth(__func__, "malloc", BLOCKS, bytes);
}

int main(void)
{
	truth_begin();
	leak_many();
	truth_end();
	return 0;
}
