/* SPDX-License-Identifier: GPL-2.0-or-later */
/* At the memory limit, what is left out is counted, and taken for nothing else. */
#include "collect/internal.h"

#include "events.h"

#define LIMIT (4u << 20)
#define FEW 20000
#define MANY 100000 /* blocks, more than there is memory for */

static struct collector *limited(void)
{
	return make((struct collector_opts){
	    .refresh = no_refresh, .children = true, .memory_limit = LIMIT });
}

static void fill(struct collector *c, uint32_t pid, uint64_t from, uint64_t n, uint64_t stack)
{
	for (uint64_t i = 0; i < n; i++)
		allocated(c, pid, (from + i) << 4, 10, stack);
}

static void empty(struct collector *c, uint32_t pid, uint64_t from, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		freed(c, pid, (from + i) << 4);
}

/* A stack of one process in a file; its ID is also its place in the file. */
static void stack_sent(struct collector *c, uint32_t pid, uint64_t id)
{
	struct stack *st = calloc(1, sizeof(*st) + 20 * sizeof(st->frames[0]));

	*st = (struct stack){ .id = id, .pid = pid, .n = 20, .end = STACK_COMPLETE };
	for (unsigned int i = 0; i < st->n; i++)
		st->frames[i] = (struct frame){ .pc = id << 8 | i, .offset = id << 8 | i };
	now += MS;
	CHECK_EQ(collector__add_stack(c, now, st), 0);
	free(st);
}

static struct snapshot all(struct collector *c)
{
	struct query q = { .top = 10 };

	return ask(c, q);
}

TEST(without_need_nothing_is_left_out)
{
	struct collector *c = limited();
	struct snapshot s;

	fill(c, PID, 1, FEW, 1);
	s = all(c);
	CHECK_EQ(s.live_blocks, FEW);
	CHECK_EQ(s.limited_blocks + s.limited_stacks, 0);
	CHECK(!collector__is_limited(c));
	snapshot__free(&s);
	collector__free(c);
}

TEST(blocks_are_left_out_and_counted)
{
	struct collector *c = limited();
	struct snapshot s;

	fill(c, PID, 1, MANY, 0);
	CHECK(collector__memory(c) < LIMIT);
	CHECK(collector__is_limited(c));
	s = all(c);
	CHECK(s.limited_blocks > MANY / 10);
	CHECK_EQ(s.lost_table, s.limited_blocks);
	CHECK_EQ(s.live_blocks + s.limited_blocks, MANY);
	CHECK_EQ(s.allocs, s.live_blocks);
	snapshot__free(&s);
	collector__free(c);
}

/* Whether the frees of the process are evidence of older blocks. */
static bool has_older(struct collector *c, uint32_t pid)
{
	const struct process *p = hashmap__get_ptr(c->by_pid, pid);

	return p->older;
}

TEST(frees_of_what_was_left_out_are_no_evidence)
{
	struct collector *c = limited();
	struct snapshot s;

	fill(c, PID, 1, MANY, 0);
	empty(c, PID, 1, MANY);
	s = all(c);
	CHECK_EQ(s.live_blocks, 0);
	CHECK_EQ(s.unseen_frees, s.limited_blocks);
	CHECK_EQ(s.unmatched_frees, s.unseen_frees);
	CHECK(!has_older(c, PID));
	snapshot__free(&s);
	collector__free(c);
}

TEST(nor_are_those_in_a_child)
{
	struct collector *c = limited();
	struct snapshot s;

	fill(c, PID, 1, MANY, 0);
	forked(c, CHILD, 0);
	empty(c, CHILD, MANY - 10, 10);
	s = all(c);
	CHECK_EQ(s.unseen_frees, 10);
	CHECK_EQ(s.unmatched_frees, 10);
	CHECK(!has_older(c, CHILD));
	snapshot__free(&s);
	collector__free(c);
}

TEST(a_block_takes_the_place_of_one_that_was_freed)
{
	struct collector *c = limited();
	struct snapshot s;
	uint64_t before;

	fill(c, PID, 1, MANY, 0);
	s = all(c);
	before = s.limited_blocks;
	snapshot__free(&s);
	empty(c, PID, 1, 1000);
	fill(c, PID, 2 * MANY, 1000, 0);
	s = all(c);
	CHECK_EQ(s.limited_blocks, before);
	CHECK_EQ(s.live_blocks + before, MANY);
	snapshot__free(&s);
	collector__free(c);
}

/* A block whose free was lost, and whose address was allocated again. */
TEST(a_known_address_is_booked_at_any_time)
{
	struct collector *c = limited();
	struct snapshot s, t;

	fill(c, PID, 1, MANY, 0);
	s = all(c);
	allocated(c, PID, 1 << 4, 500, 0);
	t = all(c);
	CHECK_EQ(t.live_bytes, s.live_bytes + 490);
	CHECK_EQ(t.superseded, 1);
	CHECK_EQ(t.limited_blocks, s.limited_blocks);
	snapshot__free(&s);
	snapshot__free(&t);
	collector__free(c);
}

TEST(call_stacks_are_left_out_and_counted)
{
	struct collector *c = limited();
	uint64_t n = 20000;
	struct snapshot s;

	for (uint64_t id = 1; id <= n; id++) {
		stack_sent(c, PID, id);
		allocated(c, PID, id << 4, 10, id);
	}
	CHECK(collector__memory(c) < LIMIT);
	s = all(c);
	CHECK(s.limited_stacks > n / 4 && s.limited_stacks < n);
	CHECK_EQ(s.live_blocks, n);
	CHECK_EQ(s.limited_blocks, 0);
	CHECK_EQ(s.lost_stack_ids, 0);
	CHECK_EQ(s.stack_ends[STACK_COMPLETE], n - s.limited_stacks);
	snapshot__free(&s);
	/* A call stack that is known stays known. */
	allocated(c, PID, 1 << 4, 1000, 1);
	s = all(c);
	CHECK_EQ(s.sites[0].stack, 0);
	CHECK_EQ(s.sites[1].stack, 1);
	CHECK_EQ(s.sites[1].live_bytes, 1000);
	snapshot__free(&s);
	collector__free(c);
}

TEST(there_is_room_again_once_processes_have_ended)
{
	struct collector *c = limited();
	uint64_t n = 20000, before;
	struct snapshot s;

	for (uint64_t id = 1; id <= n; id++) {
		stack_sent(c, PID, id);
		allocated(c, PID, 1 << 4, 10, id);
		freed(c, PID, 1 << 4);
	}
	CHECK(collector__is_limited(c));
	happened(c, EVENT_EXIT, PID);
	s = ask(c, (struct query){ .commit = true });
	before = s.limited_stacks;
	snapshot__free(&s);
	CHECK_EQ(collector__tidy(c), 0);
	CHECK(collector__memory(c) < LIMIT / 4);
	fill(c, CHILD, 1, FEW, 0); /* until memory is looked at again */
	stack_sent(c, CHILD, n + 1);
	allocated(c, CHILD, 1, 7777, n + 1);
	s = all(c);
	CHECK_EQ(s.limited_stacks, before);
	CHECK(stacks__get(collector__stacks(c), n + 1));
	snapshot__free(&s);
	collector__free(c);
}

TEST(ended_processes_are_folded_early)
{
	struct collector *c = limited();
	struct snapshot s;

	for (uint32_t pid = PID + 1; pid <= PID + 5000; pid++) {
		fill(c, pid, 1, 3, 0);
		happened(c, EVENT_EXIT, pid);
	}
	fill(c, PID, 1, MANY, 0);
	s = all(c);
	CHECK(s.nprocesses < 500);
	CHECK_EQ(s.live_blocks + s.limited_blocks, MANY + 15000);
	snapshot__free(&s);
	collector__free(c);
}
