/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory from the kernel directly: each case in a function of its own. */
#define _GNU_SOURCE
#include <pthread.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <time.h>

#include "truth.h"

#define PAGE 4096L

/* Inlined, so that the innermost frame is the caller. */
static inline __attribute__((always_inline)) char *map_at(void *addr, long pages, int flags)
{
	char *p = mmap(addr, pages * PAGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);

	if (p == MAP_FAILED)
		abort();
	return p;
}

#define map(pages) map_at(NULL, pages, 0)

static void must(int ok)
{
	if (!ok)
		abort();
}

static NOINLINE void map_whole(void)
{
	map(10);
	truth(__func__, "mmap", 1, 10 * PAGE);
}

static NOINLINE void map_odd_size(void)
{
	must(mmap(NULL, 5000, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
	truth(__func__, "mmap", 1, 2 * PAGE);
}

static NOINLINE void map_fails(void)
{
	must(mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
	must(mmap((void *)PAGE, 1L << 60, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
	     MAP_FAILED);
	must(munmap((void *)1, PAGE) != 0);
}

static NOINLINE void unmap_whole(void)
{
	char *p = map(10);

	must(!munmap(p, 10 * PAGE));
}

static NOINLINE void unmap_head(void)
{
	char *p = map(10);

	must(!munmap(p, 3 * PAGE));
	truth(__func__, "mmap", 1, 7 * PAGE);
}

static NOINLINE void unmap_tail(void)
{
	char *p = map(10);

	must(!munmap(p + 6 * PAGE, 4 * PAGE));
	truth(__func__, "mmap", 1, 6 * PAGE);
}

static NOINLINE void unmap_middle(void)
{
	char *p = map(10);

	must(!munmap(p + 4 * PAGE, 2 * PAGE));
	truth(__func__, "mmap", 1, 8 * PAGE);
}

static NOINLINE void unmap_piecewise(void)
{
	char *p = map(10);

	for (int i = 9; i >= 0; i--)
		must(!munmap(p + (i * 7 % 10) * PAGE, PAGE));
}

static NOINLINE void unmap_twice(void)
{
	char *p = map(4);

	must(!munmap(p, 2 * PAGE));
	must(!munmap(p, 2 * PAGE));
	truth(__func__, "mmap", 1, 2 * PAGE);
}

static char *under;

static NOINLINE void fixed_under(void)
{
	under = map(10);
	truth(__func__, "mmap", 1, 6 * PAGE);
}

static NOINLINE void fixed_over(void)
{
	map_at(under + 3 * PAGE, 4, MAP_FIXED);
	truth(__func__, "mmap", 1, 4 * PAGE);
}

static NOINLINE void remap_grow(void)
{
	char *p = map(4);

	must(mremap(p, 4 * PAGE, 9 * PAGE, MREMAP_MAYMOVE) != MAP_FAILED);
	truth(__func__, "mmap|mremap", 1, 9 * PAGE);
}

static NOINLINE void remap_shrink(void)
{
	char *p = map(9);

	must(mremap(p, 9 * PAGE, 2 * PAGE, 0) == p);
	truth(__func__, "mmap|mremap", 1, 2 * PAGE);
}

static NOINLINE void remap_move(void)
{
	char *p = map(5), *to = map(20);

	must(!munmap(to, 20 * PAGE));
	must(mremap(p, 5 * PAGE, 8 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to);
	truth(__func__, "mmap|mremap", 1, 8 * PAGE);
}

/* A part of a mapping is moved and grows. */
static NOINLINE void remap_part(void)
{
	char *p = map(10), *to = map(20);

	must(!munmap(to, 20 * PAGE));
	must(mremap(p + 4 * PAGE, 2 * PAGE, 3 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to);
	truth(__func__, "mmap|mremap", ANY, 11 * PAGE);
}

static NOINLINE void map_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	must(fd >= 0);
	must(mmap(NULL, 3 * PAGE, PROT_READ, MAP_PRIVATE, fd, 0) != MAP_FAILED);
	close(fd);
	truth(__func__, "mmap", 1, 3 * PAGE);
}

static NOINLINE void attach_segment(void)
{
	int id = shmget(IPC_PRIVATE, 3 * PAGE, IPC_CREAT | 0600);
	void *p = shmat(id, NULL, 0), *q = shmat(id, NULL, 0);

	shmctl(id, IPC_RMID, NULL);
	must(p != (void *)-1 && q != (void *)-1);
	must(!shmdt(q));
	truth(__func__, "shmat", 1, 3 * PAGE);
}

static NOINLINE void move_break(void)
{
	void *end = (char *)sbrk(0) + 16 * PAGE;

	must(sbrk(16 * PAGE) != (void *)-1);
	must(sbrk(-6 * PAGE) == end);
	truth(__func__, "brk", 1, 10 * PAGE);
}

static void *sleeper(void *arg)
{
	struct timespec forever = { 1000, 0 };

	nanosleep(&forever, NULL);
	return arg;
}

static NOINLINE void start_thread(void)
{
	pthread_attr_t attr;
	pthread_t thread;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 64 * PAGE);
	must(!pthread_create(&thread, &attr, sleeper, NULL));
}

static NOINLINE void grow_allocator(void)
{
	keep(malloc(5000000)); /* the allocator's own mmap, not the program's */
	for (int i = 0; i < 1000; i++)
		keep(malloc(1000));
}

int main(int argc, char **argv)
{
	(void)argc;
	truth_begin();
	map_whole();
	map_odd_size();
	map_fails();
	unmap_whole();
	unmap_head();
	unmap_tail();
	unmap_middle();
	unmap_piecewise();
	unmap_twice();
	fixed_under();
	fixed_over();
	remap_grow();
	remap_shrink();
	remap_move();
	remap_part();
	map_file(argv[0]);
	attach_segment();
	move_break();
	grow_allocator();
	start_thread();
	usleep(200000); /* the size of a segment can only be read while the process lives */
	truth_end();
	return 0;
}
