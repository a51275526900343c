/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads the clocks, in nanoseconds. */
#ifndef MEMTRACE_UTIL_CLOCK_H
#define MEMTRACE_UTIL_CLOCK_H

#include <stdint.h>

uint64_t clock__now_ns(void);  /* CLOCK_MONOTONIC, like bpf_ktime_get_ns */
uint64_t clock__wall_ns(void); /* CLOCK_REALTIME: may be set back */
uint64_t clock__boot_ns(void); /* CLOCK_BOOTTIME, like the start times in /proc */

#endif
