/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Preloaded into a program, makes it leak in a function that it calls often. real.py compiles it
 * and looks for the names of the two functions that leak. REAL_LEAK_IN is the function (read, recv,
 * write, send, writev, sendmsg). One in REAL_LEAK_EVERY calls leaks a block of 100 bytes. With
 * REAL_LEAK_CHURN, each call allocates a block at the same call site and frees that of the call
 * before, unless that is leaked.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

enum { SIZE = 100 };

static char leaks_in[16]; /* a copy: servers write their title over the environment */
static unsigned long every;
static bool churns;

static __thread unsigned long calls;
static __thread char *held;

static __attribute__((noinline)) void real_leak_steady(void)
{
	char *p = malloc(SIZE);

	if (p)
		memset(p, 1, SIZE);
	__asm__ volatile("" : : "r"(p) : "memory");
}

static __attribute__((noinline)) void real_leak_forgets(bool forget)
{
	if (!forget)
		free(held);
	held = malloc(SIZE);
	if (held)
		memset(held, 1, SIZE);
}

static void called(const char *name)
{
	bool leak;

	if (!every || strcmp(leaks_in, name))
		return;
	leak = ++calls % every == 0;
	if (churns)
		real_leak_forgets(leak);
	else if (leak)
		real_leak_steady();
}

static ssize_t (*next_read)(int, void *, size_t);
static ssize_t (*next_recv)(int, void *, size_t, int);
static ssize_t (*next_write)(int, const void *, size_t);
static ssize_t (*next_send)(int, const void *, size_t, int);
static ssize_t (*next_writev)(int, const struct iovec *, int);
static ssize_t (*next_sendmsg)(int, const struct msghdr *, int);

static __attribute__((constructor)) void prepare(void)
{
	const char *number = getenv("REAL_LEAK_EVERY"), *name = getenv("REAL_LEAK_IN");

	if (!next_read) {
		next_read = dlsym(RTLD_NEXT, "read");
		next_recv = dlsym(RTLD_NEXT, "recv");
		next_write = dlsym(RTLD_NEXT, "write");
		next_send = dlsym(RTLD_NEXT, "send");
		next_writev = dlsym(RTLD_NEXT, "writev");
		next_sendmsg = dlsym(RTLD_NEXT, "sendmsg");
	}
	churns = getenv("REAL_LEAK_CHURN");
	if (name && strlen(name) < sizeof(leaks_in))
		memcpy(leaks_in, name, strlen(name) + 1);
	every = number ? strtoul(number, NULL, 10) : 0;
}

ssize_t read(int fd, void *to, size_t n)
{
	if (!next_read)
		prepare();
	called("read");
	return next_read(fd, to, n);
}

ssize_t recv(int fd, void *to, size_t n, int flags)
{
	if (!next_recv)
		prepare();
	called("recv");
	return next_recv(fd, to, n, flags);
}

ssize_t write(int fd, const void *from, size_t n)
{
	if (!next_write)
		prepare();
	called("write");
	return next_write(fd, from, n);
}

ssize_t send(int fd, const void *from, size_t n, int flags)
{
	if (!next_send)
		prepare();
	called("send");
	return next_send(fd, from, n, flags);
}

ssize_t writev(int fd, const struct iovec *from, int n)
{
	if (!next_writev)
		prepare();
	called("writev");
	return next_writev(fd, from, n);
}

ssize_t sendmsg(int fd, const struct msghdr *from, int flags)
{
	if (!next_sendmsg)
		prepare();
	called("sendmsg");
	return next_sendmsg(fd, from, flags);
}
