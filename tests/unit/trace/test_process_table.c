/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of traced processes that the BPF programs share: here a thread stands in for them. */
#include "trace/process_table.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

#include "test.h"

static struct traced slots[PROCESS_SLOTS];
static uint32_t overflowed;

static struct process_table new_table(void)
{
	memset(slots, 0, sizeof(slots));
	overflowed = 0;
	return (
	    struct process_table){ .slots = slots, .overflow_fd = -1, .overflowed = &overflowed };
}

TEST(a_process_is_added_found_and_removed)
{
	struct process_table pt = new_table();
	struct traced p;

	CHECK(process_table__find(&pt, 7, &p) < 0);
	CHECK_EQ(process_table__add(&pt, 7, TRACED_NO_MAPS), 0);
	CHECK_EQ(process_table__find(&pt, 7, &p), 0);
	CHECK_EQ(p.tgid, 7);
	CHECK_EQ(p.pid, 7);
	CHECK_EQ(p.flags, TRACED_NO_MAPS);
	CHECK(process_table__find(&pt, 7 + PROCESS_SLOTS, &p) < 0);
	CHECK_EQ(process_table__remove(&pt, 7), 0);
	CHECK(process_table__find(&pt, 7, &p) < 0);
	CHECK(process_table__change_flags(&pt, 7, 1, 0) < 0);
}

TEST(a_slot_of_another_process_is_left_alone)
{
	struct process_table pt = new_table();
	struct traced p;

	CHECK_EQ(process_table__add(&pt, 7, 0), 0);
	/* There is no hash map in this test. */
	CHECK_EQ(process_table__add(&pt, 7 + PROCESS_SLOTS, TRACED_HOLD), -EBADF);
	CHECK_EQ(overflowed, 1);
	CHECK_EQ(process_table__find(&pt, 7, &p), 0);
	CHECK_EQ(p.flags, 0);
}

TEST(a_process_that_is_traced_already_keeps_what_it_has)
{
	struct process_table pt = new_table();
	struct traced p;

	CHECK_EQ(process_table__add(&pt, 7, 0), 0);
	slots[7].epoch = 3;
	slots[7].pid = 6;
	slots[7].flags = TRACED_NEW_CODE;
	CHECK_EQ(process_table__add(&pt, 7, TRACED_NO_MAPS), 0);
	CHECK_EQ(process_table__find(&pt, 7, &p), 0);
	CHECK_EQ(p.epoch, 3);
	CHECK_EQ(p.pid, 6);
	CHECK_EQ(p.flags, TRACED_NEW_CODE | TRACED_NO_MAPS);
}

static atomic_bool stop;
static unsigned int lost;

/* As bpf/syscalls.bpf.h and memtrace.bpf.c do: what was set stays until it is cleared here. */
static void *set_and_clear(void *arg)
{
	(void)arg;
	while (!atomic_load(&stop)) {
		__sync_fetch_and_or(&slots[7].flags, TRACED_NEW_CODE);
		for (volatile int i = 0; i < 20; i++)
			;
		lost += !(__sync_fetch_and_and(&slots[7].flags, ~(uint32_t)TRACED_NEW_CODE) &
			  TRACED_NEW_CODE);
	}
	return NULL;
}

TEST(flags_that_the_bpf_side_sets_meanwhile_stay)
{
	struct process_table pt = new_table();
	pthread_t thread;
	struct traced p;

	CHECK_EQ(process_table__add(&pt, 7, 0), 0);
	atomic_store(&stop, false);
	lost = 0;
	pthread_create(&thread, NULL, set_and_clear, NULL);
	for (int i = 0; i < 300000; i++) {
		process_table__change_flags(&pt, 7, TRACED_NO_MAPS, TRACED_ASKED);
		process_table__change_flags(&pt, 7, TRACED_CODE_GONE, TRACED_NO_MAPS);
	}
	atomic_store(&stop, true);
	pthread_join(thread, NULL);
	CHECK_EQ(lost, 0);
	CHECK_EQ(process_table__find(&pt, 7, &p), 0);
	CHECK_EQ(p.flags & ~(uint32_t)TRACED_NEW_CODE, TRACED_CODE_GONE);
}
