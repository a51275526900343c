/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A library for LD_PRELOAD that makes calls fail in a process:
 *
 *   FAULT_LIST=FILE     adds a line to FILE for each call stack that asks for memory: its number
 *   FAULT_AT=NUMBER     the first request by that call stack is refused
 *   FAULT_FROM=NUMBER   that one is refused, and each after it, by any stack
 *   FAULT_CLOCK=1       the wall clock jumps by a day with every look, forwards and back
 *
 * A call stack's number, a hash of the places of its calls in their files, is the same in every
 * run. With threads, the Nth request is not.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <link.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define DEPTH 10
#define SLOTS 65536

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

static _Atomic uint64_t seen[SLOTS];
static int list = -1;
static uint64_t at, from;
static bool clock_jumps;
static atomic_bool refused, ready;
static __thread bool inside;

__attribute__((constructor)) static void begin(void)
{
	const char *s;
	void *frames[2];

	backtrace(frames, 2); /* loads what it needs */
	s = getenv("FAULT_LIST");
	if (s)
		list = open(s, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	s = getenv("FAULT_AT");
	at = s ? strtoull(s, NULL, 16) : 0;
	s = getenv("FAULT_FROM");
	from = s ? strtoull(s, NULL, 16) : 0;
	clock_jumps = getenv("FAULT_CLOCK");
	ready = list >= 0 || at || from;
}

static uint64_t mix(uint64_t h, uint64_t x)
{
	h = (h ^ x) * 0x9e3779b97f4a7c15;
	return h ^ h >> 29;
}

static __attribute__((noinline)) uint64_t number_of_stack(void)
{
	void *frames[DEPTH + 3];
	int n = backtrace(frames, DEPTH + 3);
	uint64_t h = 1;

	/* This function, may_fail and the interposed function. */
	for (int i = 3; i < n; i++) {
		struct dl_find_object o;
		const char *name;

		if (_dl_find_object(frames[i], &o))
			continue;
		name = o.dlfo_link_map->l_name;
		name = strrchr(name, '/') ? strrchr(name, '/') + 1 : name;
		for (; *name; name++)
			h = mix(h, (unsigned char)*name);
		h = mix(h, (uintptr_t)frames[i] - o.dlfo_link_map->l_addr);
	}
	return h ? h : 1;
}

static void note(uint64_t number)
{
	char line[32];
	int len;

	for (size_t i = number % SLOTS;; i = (i + 1) % SLOTS) {
		uint64_t none = 0;

		if (seen[i] == number)
			return;
		if (atomic_compare_exchange_strong(&seen[i], &none, number))
			break;
	}
	len = snprintf(line, sizeof(line), "%016llx\n", (unsigned long long)number);
	if (write(list, line, (size_t)len) != len)
		abort();
}

/* Whether this request is refused. */
static __attribute__((noinline)) bool may_fail(void)
{
	uint64_t number;
	int saved = errno;
	bool fails;

	if (!ready || inside)
		return false;
	inside = true;
	number = number_of_stack();
	if (list >= 0)
		note(number);
	fails = (number == at && !atomic_exchange(&refused, true)) || (from && refused);
	if (from && number == from && !refused)
		fails = refused = true;
	inside = false;
	errno = fails ? ENOMEM : saved;
	return fails;
}

void *malloc(size_t size)
{
	return may_fail() ? NULL : __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
	return may_fail() ? NULL : __libc_calloc(n, size);
}

void *realloc(void *p, size_t size)
{
	return may_fail() ? NULL : __libc_realloc(p, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
	return may_fail() ? NULL : __libc_memalign(alignment, size);
}

int posix_memalign(void **p, size_t alignment, size_t size)
{
	if (may_fail())
		return ENOMEM;
	*p = __libc_memalign(alignment, size);
	return *p ? 0 : ENOMEM;
}

void *mmap(void *addr, size_t len, int prot, int flags, int fd, off_t offset)
{
	if (may_fail())
		return MAP_FAILED;
	return (void *)syscall(SYS_mmap, addr, len, prot, flags, fd, offset);
}

void *mmap64(void *addr, size_t len, int prot, int flags, int fd, off_t offset)
    __attribute__((alias("mmap")));

static time_t jump(void)
{
	static atomic_uint looks;

	return clock_jumps && looks++ % 2 ? -86400 : clock_jumps ? 86400 : 0;
}

int clock_gettime(clockid_t clock, struct timespec *ts)
{
	int err = (int)syscall(SYS_clock_gettime, clock, ts);

	if (!err && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
		ts->tv_sec += jump();
	return err;
}

time_t time(time_t *out)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	if (out)
		*out = ts.tv_sec;
	return ts.tv_sec;
}

int gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
	struct timespec ts;

	(void)zone;
	clock_gettime(CLOCK_REALTIME, &ts);
	tv->tv_sec = ts.tv_sec;
	tv->tv_usec = ts.tv_nsec / 1000;
	return 0;
}
