/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Converts device numbers between the kernel's own form, in which the probes send them (major << 20
 * | minor), and the form of stat() and makedev().
 */
#ifndef MEMTRACE_UTIL_KDEV_H
#define MEMTRACE_UTIL_KDEV_H

#include <stdint.h>
#include <sys/sysmacros.h>

static inline uint64_t kdev__to_user(uint32_t dev)
{
	return makedev(dev >> 20, dev & 0xfffff);
}

static inline uint32_t kdev__from_user(uint64_t dev)
{
	return major(dev) << 20 | minor(dev);
}

#endif
