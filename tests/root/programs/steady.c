/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Allocates and frees in some threads, and counts how often in a file, by which a test sees that it
 * goes on: steady FILE THREADS [REST]. Each thread rests for REST microseconds (1,000) every 500
 * rounds, so that others get on beside it, and leaks a block of 100 bytes every 5,000.
 */
#include <pthread.h>
#include <stdint.h>
#include <sys/mman.h>

#include "truth.h"

static useconds_t rest = 1000;
static volatile uint64_t *counters; /* one for each thread, a cache line apart */

static NOINLINE void leak(void)
{
	keep(malloc(100));
}

static NOINLINE void round_of(volatile uint64_t *counter)
{
	free(keep(malloc(30)));
	++*counter;
}

static void *work(void *counter)
{
	for (unsigned int i = 0;; i++) {
		round_of(counter);
		if (i % 5000 == 1)
			leak();
		if (rest && i % 500 == 0)
			usleep(rest);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	int fd = argc > 2 ? open(argv[1], O_RDWR | O_CREAT | O_CLOEXEC, 0644) : -1;
	int n = argc > 2 ? atoi(argv[2]) : 0;
	pthread_t thread;

	if (fd < 0 || n < 1 || n > 64 || ftruncate(fd, 4096))
		return 2;
	if (argc > 3)
		rest = (useconds_t)atoi(argv[3]);
	counters = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (counters == MAP_FAILED)
		return 2;
	for (int i = 1; i < n; i++)
		if (pthread_create(&thread, NULL, work, (void *)&counters[8 * i]))
			return 2;
	work((void *)counters);
	return 0;
}
