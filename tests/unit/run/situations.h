/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What may have happened in a run: each situation is a function that makes it in an empty
 * collector. */
#ifndef SITUATIONS_H
#define SITUATIONS_H

#include <signal.h>

#include "events.h"

#include "run/reporting.h"

#define SHOP PID
#define SECOND (1000 * MS)
#define MIB (1ull << 20)

/* ---- what a situation is made of ---- */

static struct collector *c;
static struct report_tick tick;
static bool launched, stopped, sized;
static uint64_t first; /* reading of SHOP's memory, when tracing began; 0: none */
static struct proc_memory memory;

static void begin(uint32_t pid, bool named, const char *comm)
{
	struct process_facts f = { .pid = pid, .first_seen = now, .named = named };

	snprintf(f.comm, sizeof(f.comm), "%s", comm);
	CHECK_EQ(collector__set_process(c, &f), 0);
}

static void command(void)
{
	launched = true;
	begin(SHOP, true, "shop");
}

static void attached(void)
{
	begin(SHOP, true, "shop");
}

static void end(uint32_t pid, int status)
{
	struct event ev = head(EVENT_EXIT, pid);

	ev.api = EVENT_EXIT_STATUS;
	ev.flags = (uint16_t)status;
	CHECK_EQ(collector__event(c, &ev, sizeof(ev)), 0);
}

static void hold(uint64_t blocks, uint64_t size, uint64_t stack)
{
	for (uint64_t i = 0; i < blocks; i++)
		allocated(c, SHOP, stack << 32 | i << 12, size, stack);
}

/* Blocks that are freed at once, for so long. */
static void churn(uint32_t pid, unsigned int seconds)
{
	for (uint64_t until = now + seconds * SECOND; now < until; now += 50 * MS) {
		allocated(c, pid, 0x1000, 100, 1);
		freed(c, pid, 0x1000);
	}
}

static void leak(unsigned int seconds)
{
	uint64_t addr = 0x100000;

	for (uint64_t until = now + seconds * SECOND; now < until; now += 20 * MS) {
		allocated(c, SHOP, 0x1000, 100, 1);
		freed(c, SHOP, 0x1000);
		allocated(c, SHOP, addr += 0x1000, 1000, 2);
	}
}

static void lose(uint64_t events)
{
	tick.counters.lost_events = events;
}

static void know_stacks(void)
{
	for (uint64_t id = 1; id <= 4; id++)
		CHECK_EQ(stack_came(c, id, STACK_COMPLETE, 1, &(uint64_t){ id << 8 }), 0);
}

/* ---- situations ---- */

static void short_and_clean(void)
{
	command();
	churn(SHOP, 1);
	end(SHOP, 0);
}

static void short_with_leftovers(void)
{
	command();
	hold(2, 500, 2);
	hold(1, 200, 3);
	end(SHOP, 0);
}

static void crash(void)
{
	command();
	hold(1, 200, 3);
	end(SHOP, SIGSEGV | 0x80);
}

static void nothing_allocated(void)
{
	command();
	end(SHOP, 0);
}

static void late_code(void)
{
	short_and_clean();
	tick.counters.late = 1;
}

static void long_and_clean(void)
{
	command();
	hold(1, 5000, 2);
	churn(SHOP, 60);
	end(SHOP, 0);
}

static void long_and_killed(void)
{
	command();
	hold(1, 5000, 2);
	churn(SHOP, 60);
	end(SHOP, SIGTERM);
}

static void long_leak(void)
{
	command();
	leak(60);
	end(SHOP, 0);
}

/* Growing, but for less than it takes to call it a leak. */
static void short_leak(void)
{
	command();
	leak(8);
	end(SHOP, 0);
}

static void children_with_leftovers(void)
{
	command();
	forked(c, CHILD, 0);
	allocated(c, CHILD, 0x5000, 40, 4);
	end(CHILD, 0);
	hold(1, 200, 3);
	end(SHOP, 0);
}

static void healthy(void)
{
	attached();
	hold(1, 5000, 2);
	churn(SHOP, 60);
}

static void idle(void)
{
	attached();
	now += 60 * SECOND;
}

static void brief(void)
{
	attached();
	hold(1, 5000, 2);
	churn(SHOP, 2);
}

static void brief_and_clean(void)
{
	attached();
	churn(SHOP, 2);
}

static void ends_soon(void)
{
	attached();
	churn(SHOP, 2);
	end(SHOP, 0);
}

static void always_stopped(void)
{
	idle();
	stopped = true;
}

static void stopped_at_the_end(void)
{
	healthy();
	stopped = true;
}

static void much_lost(void)
{
	healthy();
	lose(10000);
}

static void little_lost(void)
{
	healthy();
	lose(10);
}

static void leak_and_much_lost(void)
{
	attached();
	leak(60);
	lose(100000);
}

static void not_all_probed(void)
{
	healthy();
	collector__add_unprobed(c, SHOP, "operator new of libtcmalloc.so.4");
}

static void all_children_missed(void)
{
	healthy();
	tick.counters.missed = 8000;
}

static void a_child_missed(void)
{
	healthy();
	forked(c, CHILD, 0);
	allocated(c, CHILD, 0x5000, 40, 4);
	freed(c, CHILD, 0x5000);
	tick.counters.missed = 1;
}

static void one_of_two_silent(void)
{
	begin(CHILD, true, "web");
	healthy();
}

static void some_recent(void)
{
	healthy();
	hold(2, 500, 3);
}

static void mostly_recent(void)
{
	healthy();
	hold(1, 1 << 20, 3);
}

/* Nothing of it is ever freed, for 8 s. */
static void growing_briefly(void)
{
	for (uint64_t i = 1; i <= 800; i++) {
		now += 9 * MS;
		allocated(c, SHOP, i * 0x1000, 100, 1);
	}
}

/* ---- growth that no probe saw ---- */

static void grown(uint64_t from, uint64_t to, uint32_t threads)
{
	first = from;
	memory = (struct proc_memory){ to, threads };
	healthy();
}

static void grown_unseen(void)
{
	grown(10 * MIB, 15 * MIB + 8192, 1);
}

static void grown_little(void)
{
	grown(10 * MIB, 13 * MIB, 1);
}

static void grown_little_for_its_size(void)
{
	grown(500 * MIB, 540 * MIB, 1);
}

static void grown_by_many_threads(void)
{
	grown(10 * MIB, 20 * MIB, 64);
}

static void grown_since_the_first_report(void)
{
	grown(0, 100 * MIB, 1);
}

static void shrunk(void)
{
	grown(100 * MIB, 10 * MIB, 1);
}

static void grown_by_blocks(void)
{
	grown(10 * MIB, 60 * MIB, 1);
	hold(5000, 10000, 2);
	now += 60 * SECOND;
}

static void grown_by_blocks_that_were_freed(void)
{
	grown(10 * MIB, 60 * MIB, 1);
	hold(5000, 10000, 2);
	for (uint64_t i = 0; i < 5000; i++)
		freed(c, SHOP, 2ull << 32 | i << 12);
	churn(SHOP, 60);
}

static void grown_beyond_its_blocks(void)
{
	grown(10 * MIB, 110 * MIB, 1);
	hold(5000, 10000, 2);
	now += 60 * SECOND;
}

static void of_certain_sizes(void)
{
	grown_unseen();
	sized = true;
}

static void leak_and_grown_unseen(void)
{
	first = 10 * MIB;
	memory = (struct proc_memory){ 210 * MIB, 1 };
	attached();
	leak(60);
}

static void one_of_two_grown_unseen(void)
{
	forked(c, CHILD, 0);
	grown_unseen();
	allocated(c, CHILD, 0x5000, 40, 4);
	freed(c, CHILD, 0x5000);
}

static void ended_child_held_more(void)
{
	attached();
	forked(c, CHILD, 0);
	allocated(c, CHILD, 0x5000, 1 << 20, 4);
	end(CHILD, 0);
	hold(1, 5000, 2);
	churn(SHOP, 60);
}

#endif
