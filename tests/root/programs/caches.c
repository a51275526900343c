/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Threads that end with many freed blocks in their caches, beside a leak. */
#include <pthread.h>

#include "truth.h"

#define THREADS 32
#define SIZES 40
#define EACH 7 /* glibc's cache has room for as many of one size */

static pthread_barrier_t barrier;

static void *body(void *unused)
{
	void *block[SIZES][EACH];

	for (int i = 0; i < SIZES; i++)
		for (int k = 0; k < EACH; k++)
			block[i][k] = keep(malloc(20 + 20 * i));
	for (int i = 0; i < SIZES; i++)
		for (int k = 0; k < EACH; k++)
			free(block[i][k]);
	/* All have a cache at once, so that none gets the memory of another's. */
	pthread_barrier_wait(&barrier);
	return unused;
}

static NOINLINE void lose(void)
{
	keep(malloc(64));
}

static void one_round(void)
{
	pthread_t threads[THREADS];

	for (int i = 0; i < 20; i++)
		lose();
	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, body, NULL))
			abort();
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}

/* caches ROUNDS: as many, one after the other. caches forever: four a second. */
int main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : 0;

	pthread_barrier_init(&barrier, NULL, THREADS);
	truth_begin();
	for (int i = 0; i < rounds; i++)
		one_round();
	while (!rounds) {
		one_round();
		usleep(250000);
	}
	truth("lose", "malloc", 20 * rounds, 64 * 20 * rounds);
	truth("one_round", "*", ANY, ANY); /* what pthread_create keeps for further threads */
	truth_end();
	return 0;
}
