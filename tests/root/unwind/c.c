/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stacks of every shape that C makes: each function calls oracle_point (or allocates) at its depth.
 * Run with the oracle preloaded; prints nothing.
 *
 *   c LIBRARY [same]
 */
#include <alloca.h>
#include <dlfcn.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <ucontext.h>
#include <unistd.h>

#define ROUNDS 400
#define NOINLINE __attribute__((noinline, noclone_))
#ifdef __clang__
#define noclone_ noinline
#else
#define noclone_ noclone
#endif

void oracle_point(void) __attribute__((weak));

static volatile int sink;

NOINLINE static void point(void)
{
	if (oracle_point)
		oracle_point();
	free(malloc(10));
	sink++;
}

/* ---- frames of all sizes, called by each other in turn ---- */

typedef void (*step_fn)(int depth, int x);
static step_fn const steps[8];

#define STEP(i, size)                                                                              \
	NOINLINE static void step##i(int depth, int x)                                             \
	{                                                                                          \
		volatile char room[size];                                                          \
		room[x & 7] = (char)x;                                                             \
		if (depth <= 0)                                                                    \
			point();                                                                   \
		else                                                                               \
			steps[(x * 7 + depth) & 7](depth - 1, x + room[x & 7]);                    \
		sink += room[x & 7] + depth;                                                       \
	}
STEP(0, 8)
STEP(1, 24)
STEP(2, 64)
STEP(3, 200)
STEP(4, 4096)
STEP(5, 16)
STEP(6, 70000)
STEP(7, 40)
static step_fn const steps[8] = { step0, step1, step2, step3, step4, step5, step6, step7 };

/* ---- frames that move or align the stack ---- */

NOINLINE static void grown(int n)
{
	char *room = alloca((size_t)(n & 255) + 1);

	memset(room, n, (size_t)(n & 255) + 1);
	point();
	sink += room[n & 1];
}

NOINLINE static void variable(int n)
{
	char room[n + 1];

	memset(room, n, (size_t)n + 1);
	point();
	sink += room[n];
}

NOINLINE static void aligned(int n)
{
	_Alignas(64) volatile char room[128];

	room[n & 127] = (char)n;
	point();
	sink += room[n & 127];
}

/* Realigned and grown, with arguments on the stack: a frame pointer, a base pointer and r10 are
 * needed. */
NOINLINE static void aligned_and_grown(int a, int b, int c, int d, int e, int f, int g, int h)
{
	_Alignas(32) volatile char room[64];
	char *more = alloca((size_t)(g & 127) + 16);

	room[h & 63] = (char)h;
	memset(more, a, 16);
	point();
	sink += room[h & 63] + more[3] + a + b + c + d + e + f + g + h;
}

#ifdef __x86_64__
typedef double v4 __attribute__((vector_size(32)));

/* 256-bit values that live across calls are spilled to a realigned stack. */
__attribute__((target("avx"))) NOINLINE static double vectors(int n)
{
	volatile v4 a = { n, 1, 2, 3 }, b = { 4, 5, 6, n };
	v4 x = a * b, y = a + b;

	point();
	x += y;
	return x[0] + y[3];
}
#endif

/* ---- calls that don't return, and calls that are jumps ---- */

static jmp_buf back;

__attribute__((noreturn)) NOINLINE static void leave(int n)
{
	point();
	longjmp(back, n + 1);
}

/* The call is its last instruction: the return address is in the next function. */
NOINLINE static void never_back(int n)
{
	if (n >= 0)
		leave(n);
	leave(-n);
}

NOINLINE static void tail2(int n)
{
	sink = n;
	point();
}

NOINLINE static void tail1(int n)
{
	sink += n;
	tail2(n + 1); /* with -O2 a jump: this frame is gone */
}

NOINLINE static int compare(const void *a, const void *b)
{
	point();
	return *(const int *)a - *(const int *)b;
}

/* ---- signals ---- */

static void handler(int sig)
{
	(void)sig;
	point();
}

static volatile sig_atomic_t interrupts;

static void asynchronous(int sig)
{
	(void)sig;
	interrupts++;
	if (oracle_point)
		oracle_point(); /* without malloc, which may be what was interrupted */
}

NOINLINE static void raise_deep(int depth)
{
	volatile char room[32];

	room[depth & 31] = 1;
	if (depth)
		raise_deep(depth - 1);
	else
		raise(SIGUSR1);
	sink += room[depth & 31];
}

NOINLINE static int compute(int a, int b, int c)
{
	if (a < 2)
		return b + c;
	return compute(a - 1, c, b) + compute(a - 2, b ^ c, a);
}

/* A timer interrupts it anywhere: in prologues, epilogues, and in the PLT. */
static void interrupted(void)
{
	struct itimerval often = { { 0, 300 }, { 0, 300 } }, never = { 0 };
	int enough = interrupts + 4000, rounds = 0;
	char text[64] = "";

	signal(SIGALRM, asynchronous);
	setitimer(ITIMER_REAL, &often, NULL);
	do {
		sink += compute(12, sink, 3);
		grown(sink & 63);
		for (int i = 0; i < 40; i++) {
			sink += (int)strlen(strncpy(text, "text", sizeof(text) - 1));
			sink += abs(atoi("1234"));
			aligned_and_grown(1, 2, 3, 4, 5, 6, i, i);
		}
	} while (interrupts < enough || ++rounds < 500);
	setitimer(ITIMER_REAL, &never, NULL);
}

static void on_other_stack(void)
{
	static char other[65536];
	stack_t st = { .ss_sp = other, .ss_size = sizeof(other) }, off = { .ss_flags = SS_DISABLE };
	struct sigaction sa = { .sa_handler = handler, .sa_flags = SA_ONSTACK };

	sigaltstack(&st, NULL);
	sigaction(SIGUSR1, &sa, NULL);
	for (int i = 0; i < 20; i++)
		raise_deep(i);
	sa.sa_handler = asynchronous;
	sigaction(SIGALRM, &sa, NULL);
	sigaltstack(&off, NULL);
}

/* ---- other stacks ---- */

static ucontext_t outside, inside;

static void coroutine(int n)
{
	for (int i = 0; i < 10; i++) {
		steps[i & 7](i, n);
		swapcontext(&inside, &outside);
	}
}

static void coroutines(void)
{
	static char stack[1 << 20];

	getcontext(&inside);
	inside.uc_stack.ss_sp = stack;
	inside.uc_stack.ss_size = sizeof(stack);
	inside.uc_link = &outside;
	makecontext(&inside, (void (*)(void))coroutine, 1, 7);
	for (int i = 0; i < 11; i++)
		swapcontext(&outside, &inside);
}

static void *thread(void *arg)
{
	for (int i = 0; i < ROUNDS / 4; i++)
		steps[i & 7](i % 12, (int)(long)arg + i);
	return NULL;
}

static void cleanup(void *arg)
{
	(void)arg;
	point();
}

static void *cancelled(void *arg)
{
	(void)arg;
	pthread_cleanup_push(cleanup, NULL);
	for (;;)
		pause();
	pthread_cleanup_pop(0);
	return NULL;
}

static void threads(void)
{
	pthread_t t[4], c;

	for (long i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, thread, (void *)i);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	pthread_create(&c, NULL, cancelled, NULL);
	pthread_cancel(c);
	pthread_join(c, NULL);
}

/* ---- the dynamic loader ---- */

/* The library's constructor, its functions, and a resolver that runs inside of lazy binding. */
static void library(const char *path)
{
	for (int i = 0; i < 3; i++) {
		void *h = dlopen(path, RTLD_LAZY);
		void (*fn)(void (*)(void));

		if (!h)
			exit(3);
		*(void **)&fn = dlsym(h, "lib_call");
		fn(point);
		dlclose(h);
	}
}

static void at_exit(void)
{
	point();
}

__attribute__((constructor)) static void before_main(void)
{
	point();
}

__attribute__((destructor)) static void after_main(void)
{
	point();
}

int main(int argc, char **argv)
{
	int numbers[64];

	atexit(at_exit);
	for (int i = 0; i < ROUNDS; i++)
		steps[i & 7](i % 40, i);
	steps[1](200, 3); /* beyond the limit of frames */
	for (int i = 0; i < 50; i++) {
		grown(i * 5);
		variable(i * 3);
		aligned(i);
		aligned_and_grown(i, 2, 3, 4, 5, 6, i * 2, i);
#ifdef __x86_64__
		if (__builtin_cpu_supports("avx"))
			sink += (int)vectors(i);
#endif
		if (!setjmp(back))
			never_back(i);
		tail1(i);
	}
	for (int i = 0; i < 64; i++)
		numbers[i] = i * 37 % 64;
	qsort(numbers, 64, sizeof(numbers[0]), compare);
	signal(SIGUSR1, handler);
	for (int i = 0; i < 20; i++)
		raise_deep(i);
	on_other_stack();
	coroutines();
	if (argc > 1)
		library(argv[1]);
	if (argc > 2)
		return 0; /* only what is the same in each run */
	threads();
	interrupted();
	return 0;
}
