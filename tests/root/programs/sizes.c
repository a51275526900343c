/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sites of different sizes, numbers and ages, for options that select and sort. */
#include "truth.h"

static volatile int three = 3; /* a loop that is not unrolled into three call sites */

static NOINLINE void leak_small(void)
{
	for (int i = 0; i < 10; i++)
		keep(malloc(300));
	truth(__func__, "malloc", 10, 3000);
}

static NOINLINE void leak_big(void)
{
	for (int i = 0; i < three; i++)
		keep(malloc(5000));
	truth(__func__, "malloc", 3, 15000);
}

static NOINLINE void churn(void)
{
	for (int i = 0; i < 5000; i++) {
		void *p = keep(malloc(64));

		if (i < 4999)
			free(p);
	}
	truth(__func__, "malloc", 1, 64);
}

static NOINLINE void leak_late(void)
{
	for (int i = 0; i < 100; i++)
		keep(malloc(10));
	truth(__func__, "malloc", 100, 1000);
}

int main(void)
{
	truth_begin();
	leak_small();
	leak_big();
	churn();
	usleep(1200000);
	leak_late();
	truth_end();
	return 0;
}
