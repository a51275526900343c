/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * load THREADS SECONDS FILE: threads allocate and free as fast as they can, at twenty depths of a
 * call stack, and keep the last blocks. Writes the number of calls to FILE.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>

#include "truth.h"

#define THREADS_MAX 8
#define HELD 200
#define DEPTH 20

static volatile sig_atomic_t over;

struct worker {
	pthread_t thread;
	unsigned int x;
	void *held[HELD];
	unsigned long size[HELD], calls;
};

static struct worker workers[THREADS_MAX];

static NOINLINE void *load(unsigned long size, unsigned int depth)
{
	void *p = depth ? load(size, depth - 1) : malloc(size);

	return keep(p);
}

static void *work(void *arg)
{
	struct worker *w = arg;

	while (!over) {
		unsigned int slot;

		w->x = w->x * 1103515245 + 12345;
		slot = (w->x >> 16) % HELD;
		free(w->held[slot]);
		w->size[slot] = 1 + (w->x >> 20) % 500;
		w->held[slot] = load(w->size[slot], (w->x >> 8) % DEPTH);
		w->calls++;
	}
	return NULL;
}

static void stop(int sig)
{
	over = sig;
}

int main(int argc, char **argv)
{
	int n = argc > 1 ? atoi(argv[1]) : 1, seconds = argc > 2 ? atoi(argv[2]) : 1;
	long calls = 0, blocks = 0, bytes = 0;
	FILE *out;

	signal(SIGALRM, stop);
	truth_begin();
	alarm((unsigned int)seconds);
	for (int i = 0; i < n && i < THREADS_MAX; i++) {
		workers[i].x = (unsigned int)i + 1;
		pthread_create(&workers[i].thread, NULL, work, &workers[i]);
	}
	for (int i = 0; i < n && i < THREADS_MAX; i++) {
		pthread_join(workers[i].thread, NULL);
		calls += (long)workers[i].calls;
		for (int k = 0; k < HELD; k++) {
			blocks += workers[i].held[k] != NULL;
			bytes += workers[i].held[k] ? (long)workers[i].size[k] : 0;
		}
	}
	truth("load", "malloc", blocks, bytes);
	truth_publish();
	out = argc > 3 ? fopen(argv[3], "w") : NULL;
	if (out) {
		fprintf(out, "%ld\n", calls);
		fclose(out);
	}
	truth_end();
	return 0;
}
