/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Threads that allocate, resize blocks, free those of other threads, and end during a call. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "truth.h"
#include "own.h"

#define THREADS 8
#define SLOTS 64

static _Atomic(size_t *) slots[SLOTS]; /* each block begins with its size */
static int rounds = 20000;

static void run(void *(*body)(void *), int n, pthread_t *threads)
{
	for (long i = 0; i < n; i++) {
		if (pthread_create(&threads[i], NULL, body, (void *)i))
			abort();
	}
}

static void join(int n, pthread_t *threads)
{
	for (int i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
}

static void tell_slots(const char *func, const char *api)
{
	long blocks = 0, bytes = 0;

	for (int i = 0; i < SLOTS; i++) {
		if (slots[i]) {
			blocks++;
			bytes += *slots[i];
		}
	}
	truth(func, api, blocks, bytes);
}

static NOINLINE size_t *cross_alloc(size_t size)
{
	size_t *p = keep(malloc(size));

	*p = size;
	return p;
}

static NOINLINE void leak_in_thread(void)
{
	for (int i = 0; i < 5; i++)
		keep(malloc(48));
}

/* A thread frees the block that it finds in a slot, mostly one of another thread. */
static void *cross(void *arg)
{
	unsigned int seed = (long)arg + 1;

	for (int i = 0; i < rounds; i++)
		free(atomic_exchange(&slots[rand_r(&seed) % SLOTS],
				     cross_alloc(8 + rand_r(&seed) % 500)));
	leak_in_thread();
	return NULL;
}

static NOINLINE size_t *race_realloc(size_t *p, size_t size)
{
	p = keep(realloc(p, size));
	*p = size;
	return p;
}

/* Addresses that realloc releases in one thread are reused in another at once. */
static void *race(void *arg)
{
	unsigned int seed = (long)arg + 1;

	for (int i = 0; i < rounds; i++) {
		int n = rand_r(&seed) % SLOTS;
		size_t *p = atomic_exchange(&slots[n], NULL);
		size_t size =
		    rand_r(&seed) % 8 ? 8 + rand_r(&seed) % 200 : 8 + rand_r(&seed) % 300000;

		free(atomic_exchange(&slots[n], race_realloc(p, size)));
	}
	return NULL;
}

static NOINLINE void leak_then_wait(void)
{
	struct timespec forever = { 1000, 0 };

	keep(malloc(32));
	nanosleep(&forever, NULL);
}

static void *wait_for_cancel(void *arg)
{
	(void)arg;
	leak_then_wait();
	return NULL;
}

static void leave(void)
{
	own_hook = NULL;
	pthread_exit(NULL);
}

static NOINLINE void leave_inside(void)
{
	own_hook = leave;
	je_malloc(64);
	abort();
}

static void *exit_inside(void *arg)
{
	(void)arg;
	leave_inside();
	return NULL;
}

static NOINLINE void *after_exit(void *arg)
{
	keep(je_malloc(40));
	return arg;
}

static NOINLINE void *small_block(void *arg)
{
	struct timespec forever = { 1000, 0 };

	keep(malloc(1000));
	nanosleep(&forever, NULL);
	return arg;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	pthread_t threads[16];

	truth_begin();
	if (!strcmp(what, "cross")) {
		run(cross, THREADS, threads);
		join(THREADS, threads);
		tell_slots("cross_alloc", "malloc");
		truth("leak_in_thread", "malloc", THREADS * 5, THREADS * 5 * 48);
	} else if (!strcmp(what, "realloc")) {
		run(race, THREADS, threads);
		join(THREADS, threads);
		tell_slots("race_realloc", "realloc");
	} else if (!strcmp(what, "cancel")) {
		run(wait_for_cancel, 16, threads);
		usleep(100000);
		for (int i = 0; i < 16; i++)
			pthread_cancel(threads[i]);
		join(16, threads);
		truth("leak_then_wait", "malloc", 16, 16 * 32);
	} else if (!strcmp(what, "exit")) {
		for (int i = 0; i < 50; i++) {
			run(exit_inside, 1, threads);
			join(1, threads);
			run(after_exit, 1, threads);
			join(1, threads);
		}
		truth("after_exit", "je_malloc", 50, 50 * 40);
	} else if (!strcmp(what, "arenas")) {
		run(small_block, 4, threads);
		usleep(100000);
		truth("small_block", "malloc", 4, 4000);
	} else {
		return 2;
	}
	truth_end();
	return 0;
}
