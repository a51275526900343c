/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Signal handlers that allocate, and that jump out of an allocation. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <sys/time.h>

#include "truth.h"
#include "own.h"

static sigjmp_buf back;
static volatile int jumps, handled, handled_inside, busy;
static volatile long completed;

static void on_signals(void (*handler)(int), int flags, long us)
{
	struct sigaction sa = { .sa_handler = handler, .sa_flags = flags | SA_RESTART };
	struct itimerval it = { { 0, us }, { 0, us } };

	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &it, NULL);
}

static void no_signals(void)
{
	struct itimerval it = { { 0, 0 }, { 0, 0 } };

	setitimer(ITIMER_REAL, &it, NULL);
}

static void jump(int sig)
{
	(void)sig;
	if (!own_inside)
		return;
	jumps++;
	own_inside = 0;
	siglongjmp(back, 1);
}

/* Each call leaves a block, unless a jump leaves the call. */
static NOINLINE void jumped_out_of(void)
{
	sigsetjmp(back, 1);
	while (jumps < 300) {
		keep(je_malloc(24));
		completed++;
	}
}

/* The call that the jump left looks unfinished. A new call begins below it on the stack, and the
 * stale return address between them is not overwritten. */
static NOINLINE void after_jump_deep(int depth)
{
	char untouched[1024];

	keep(untouched);
	if (depth > 0)
		after_jump_deep(depth - 1);
	else
		keep(je_malloc(56));
	keep(untouched);
}

static NOINLINE void after_jump(void)
{
	keep(je_malloc(88));
}

static void throw_from_inside(void)
{
	own_hook = NULL;
	own_inside = 0;
	siglongjmp(back, 1);
}

static void longjmp_mode(void)
{
	on_signals(jump, 0, 300);
	jumped_out_of();
	no_signals();
	truth("jumped_out_of", "je_malloc", completed, completed * 24);
	for (int i = 0; i < 20; i++) {
		own_hook = throw_from_inside;
		if (!sigsetjmp(back, 1))
			keep(je_malloc(7));
		after_jump_deep(i % 4);
		after_jump();
	}
	truth("after_jump_deep", "je_malloc", 20, 20 * 56);
	truth("after_jump", "je_malloc", 20, 20 * 88);
}

static NOINLINE void in_handler(int sig)
{
	(void)sig;
	if (busy)
		return; /* glibc's malloc must not be entered twice */
	handled++;
	free(keep(malloc(500)));
	keep(malloc(16));
}

static NOINLINE void between_handlers(void)
{
	while (handled < 300) {
		busy = 1;
		free(keep(malloc(100)));
		busy = 0;
		for (volatile int i = 0; i < 1000; i++)
			;
	}
	keep(malloc(72));
}

static NOINLINE void in_handler_own(int sig)
{
	(void)sig;
	handled_inside += own_inside;
	handled++;
	keep(je_malloc(16));
}

static NOINLINE void interrupted(void)
{
	while (handled_inside < 100) {
		keep(je_malloc(32));
		completed++;
	}
}

static void alternate_stack(void)
{
	static char stack[65536];
	stack_t ss = { .ss_sp = stack, .ss_size = sizeof(stack) };

	sigaltstack(&ss, NULL);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	truth_begin();
	if (!strcmp(what, "longjmp")) {
		longjmp_mode();
	} else if (!strcmp(what, "handler") || !strcmp(what, "handler-altstack")) {
		alternate_stack();
		on_signals(in_handler, strcmp(what, "handler") ? SA_ONSTACK : 0, 300);
		between_handlers();
		no_signals();
		truth("in_handler", "malloc", handled, handled * 16L);
		truth("between_handlers", "malloc", 1, 72);
	} else if (!strcmp(what, "inside-altstack")) {
		alternate_stack();
		on_signals(in_handler_own, SA_ONSTACK, 300);
		interrupted();
		no_signals();
		truth("in_handler_own", "je_malloc", handled, handled * 16L);
		truth("interrupted", "je_malloc", completed, completed * 32);
		after_jump();
		truth("after_jump", "je_malloc", 1, 88);
	} else if (!strcmp(what, "inside")) {
		/* Seen from outside, this is a part of the call that was interrupted. */
		on_signals(in_handler_own, 0, 300);
		interrupted();
		no_signals();
		truth("in_handler_own", "je_malloc", ANY, ANY);
		truth("interrupted", "je_malloc", completed, completed * 32);
		after_jump();
		truth("after_jump", "je_malloc", 1, 88);
	} else {
		return 2;
	}
	truth_end();
	return 0;
}
