/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The traced program of the benchmarks: malloc/free pairs at full speed, at a given depth of calls,
 * on a given number of threads. Reads lines "DEPTH PAIRS THREADS" and answers each with the
 * nanoseconds for a pair. At depth 0 it makes system calls instead, the cheapest ones.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static long pairs;
static int depth;

__attribute__((noinline)) static void loop(void)
{
	for (long i = 0; i < pairs; i++) {
		void *volatile p = malloc(100);

		free(p);
	}
}

__attribute__((noinline)) static int descend(int n)
{
	int r = 0;

	if (n > 1)
		r = descend(n - 1) + 1;
	else
		loop();
	__asm__ volatile("" ::: "memory"); /* no tail call */
	return r;
}

static void *run(void *arg)
{
	(void)arg;
	if (depth)
		descend(depth);
	else
		for (long i = 0; i < pairs; i++)
			syscall(SYS_getppid);
	return NULL;
}

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

int main(void)
{
	int threads;

	setvbuf(stdout, NULL, _IOLBF, 0);
	while (scanf("%d %ld %d", &depth, &pairs, &threads) == 3) {
		pthread_t t[64];
		uint64_t t0 = now();

		if (threads < 1 || threads > 64)
			return 1;
		for (int i = 1; i < threads; i++)
			pthread_create(&t[i], NULL, run, NULL);
		run(NULL);
		for (int i = 1; i < threads; i++)
			pthread_join(t[i], NULL);
		printf("%.1f\n", (double)(now() - t0) / (double)pairs);
	}
	return 0;
}
