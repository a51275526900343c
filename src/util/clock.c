/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/clock.h"

#include <time.h>

static uint64_t read_clock(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

uint64_t clock__now_ns(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

uint64_t clock__wall_ns(void)
{
	return read_clock(CLOCK_REALTIME);
}

uint64_t clock__boot_ns(void)
{
	return read_clock(CLOCK_BOOTTIME);
}
