/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Call sites of which some leak, driven by one clock in steps of a few milliseconds. They keep
 * their blocks in static arrays, so that nothing else allocates.
 */
#include <math.h>
#include <stdint.h>
#include <sys/mman.h>
#include <time.h>

#include "truth.h"

#define STEP_S 0.004
#define SLOTS 4096
#define PAGE 4096

struct slots {
	void *block[SLOTS];
	double until[SLOTS];
	unsigned int n;
};

static double now;
static uint64_t random_state = 88172645463325252;

static double uniform(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return ((double)(random_state >> 11) + 0.5) / 9007199254740992.0;
}

/* How often something has happened by now that happens `rate` times a second. */
static int happen(double rate)
{
	return (int)(rate * STEP_S + uniform());
}

static void hold(struct slots *s, void *p, double life)
{
	if (s->n == SLOTS)
		abort();
	s->block[s->n] = p;
	s->until[s->n++] = now + life;
}

static void drop(struct slots *s, unsigned int i)
{
	free(s->block[i]);
	s->block[i] = s->block[--s->n];
	s->until[i] = s->until[s->n];
}

static void drop_due(struct slots *s)
{
	for (unsigned int i = s->n; i-- > 0;)
		if (s->until[i] <= now)
			drop(s, i);
}

static void drop_all(struct slots *s)
{
	while (s->n)
		drop(s, 0);
}

/* ---- leaks ---- */

static NOINLINE void leak_steadily(void)
{
	static struct slots s;

	for (int n = happen(100); n > 0; n--) {
		void *p = keep(malloc(64));

		if (uniform() > 0.3)
			hold(&s, p, 0.1);
	}
	drop_due(&s);
}

static NOINLINE void leak_slowly(void)
{
	static struct slots s;

	for (int n = happen(3000); n > 0; n--) {
		void *p = keep(malloc(100));

		if (uniform() > 0.001)
			hold(&s, p, 0.05 * uniform());
	}
	drop_due(&s);
}

static NOINLINE void leak_late(void)
{
	static struct slots s;

	for (int n = happen(200); n > 0; n--) {
		void *p = keep(malloc(80));

		if (now < 7 || uniform() > 0.2)
			hold(&s, p, 0.1);
	}
	drop_due(&s);
}

static NOINLINE void leak_mappings(void)
{
	for (int n = happen(8); n > 0; n--)
		if (mmap(NULL, 3 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
		    MAP_FAILED)
			abort();
}

/* ---- no leaks ---- */

static NOINLINE void fill_cache(void)
{
	static void *of_key[400];

	for (int n = happen(200); n > 0; n--) {
		unsigned int key = (unsigned int)(uniform() * 400);

		if (!of_key[key])
			of_key[key] = keep(malloc(3000));
	}
}

static NOINLINE void lru_cache(void)
{
	static void *ring[500];
	static unsigned int at;

	for (int n = happen(300); n > 0; n--) {
		free(ring[at]);
		ring[at] = keep(malloc(2000));
		at = (at + 1) % 500;
	}
}

static NOINLINE void grow_vector(void)
{
	static void *vector;
	static size_t size = 64;

	while ((double)size < now * 100000) {
		size *= 2;
		vector = keep(realloc(vector, size));
	}
}

static NOINLINE void load_at_startup(void)
{
	static int loaded;

	for (; loaded < 3000 && loaded < now * 3000; loaded++)
		keep(malloc(500));
}

static NOINLINE void batch_job(void)
{
	static struct slots s;

	if (fmod(now, 2.2) > 1)
		drop_all(&s);
	else
		for (int n = happen(300); n > 0; n--)
			hold(&s, keep(malloc(700)), 1000);
}

static NOINLINE void connect(void)
{
	static struct slots s;

	for (int n = happen(40); n > 0; n--)
		hold(&s, keep(malloc(5000)), -1.2 * log(uniform()));
	drop_due(&s);
}

static NOINLINE void sawtooth(void)
{
	static struct slots s;

	for (int n = happen(150); n > 0; n--)
		hold(&s, keep(malloc(900)), 1000);
	if (s.n >= 400 + 100 * uniform())
		drop_all(&s);
}

int main(int argc, char **argv)
{
	double seconds = argc > 1 ? strtod(argv[1], NULL) : 10;
	struct timespec begin, t;

	truth_begin();
	clock_gettime(CLOCK_MONOTONIC, &begin);
	for (; now < seconds; now += STEP_S) {
		leak_steadily();
		leak_slowly();
		leak_late();
		leak_mappings();
		fill_cache();
		lru_cache();
		grow_vector();
		load_at_startup();
		batch_job();
		connect();
		sawtooth();
		t = begin;
		t.tv_sec += (time_t)now;
		t.tv_nsec += (long)(fmod(now, 1) * 1e9);
		if (t.tv_nsec >= 1000000000) {
			t.tv_sec++;
			t.tv_nsec -= 1000000000;
		}
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
	}
	truth_end();
	return 0;
}
