/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Allocators of a program's own, whose blocks are parts of malloc's. */
#include "events.h"

static void custom_alloc(struct collector *c, uint64_t addr, uint64_t size, uint64_t stack)
{
	struct event_alloc ev = { head(EVENT_ALLOC, PID), addr, size, stack };

	ev.ev.api = 200;
	ev.ev.flags = EVENT_F_CUSTOM;
	CHECK_EQ(collector__event(c, &ev, sizeof(ev)), 0);
}

static void custom_realloc(struct collector *c, uint64_t old, uint64_t addr, uint64_t size)
{
	struct event_realloc ev = { head(EVENT_REALLOC, PID), old, addr, size, 9, now };

	ev.ev.flags = EVENT_F_CUSTOM;
	CHECK_EQ(collector__event(c, &ev, sizeof(ev)), 0);
}

static void free_with(struct collector *c, uint64_t addr, uint16_t flags)
{
	struct event_free ev = { head(EVENT_FREE, PID), addr };

	ev.ev.flags = flags;
	CHECK_EQ(collector__event(c, &ev, sizeof(ev)), 0);
}

#define CHECK_HEAP(want, unmatched)                                                                \
	do {                                                                                       \
		struct snapshot s_ = ask(c, (struct query){ .top = 10 });                          \
		CHECK_STR(rows(&s_), want);                                                        \
		CHECK_EQ(s_.unmatched_frees, unmatched);                                           \
		CHECK_EQ(s_.superseded, 0);                                                        \
		snapshot__free(&s_);                                                               \
	} while (0)

TEST(a_chunk_and_its_first_block)
{
	struct collector *c = plain();

	allocated(c, PID, 0x1000, 4096, 1);
	custom_alloc(c, 0x1000, 100, 2);
	CHECK_HEAP("4096/1@1 100/1@2", 0);
	free_with(c, 0x1000, EVENT_F_CUSTOM);
	CHECK_HEAP("4096/1@1", 0);
	free_with(c, 0x1000, 0);
	CHECK_HEAP("", 0);
	collector__free(c);
}

TEST(a_chunk_goes_before_its_blocks)
{
	struct collector *c = plain();

	allocated(c, PID, 0x1000, 4096, 1);
	custom_alloc(c, 0x1000, 100, 2);
	free_with(c, 0x1000, 0);
	CHECK_HEAP("100/1@2", 0);
	collector__free(c);
}

/* xmalloc is named, and its blocks are freed by free; or it is the free that has a name of its own.
 */
TEST(wrappers_on_one_side_only)
{
	struct collector *c = plain();

	custom_alloc(c, 0x1000, 100, 1);
	allocated(c, PID, 0x2000, 200, 2);
	free_with(c, 0x1000, 0);
	free_with(c, 0x2000, EVENT_F_CUSTOM);
	CHECK_HEAP("", 0);
	collector__free(c);
}

TEST(frees_inside)
{
	struct collector *c = plain();

	allocated(c, PID, 0x1000, 100, 1);
	free_with(c, 0x1000, EVENT_F_INSIDE); /* made with the pool */
	free_with(c, 0x3000, EVENT_F_INSIDE); /* the pool's own, never counted */
	CHECK_HEAP("", 0);
	free_with(c, 0x3000, 0);
	CHECK_HEAP("", 1);
	collector__free(c);
}

TEST(reallocs)
{
	struct collector *c = plain();

	allocated(c, PID, 0x1000, 4096, 1);
	custom_alloc(c, 0x1000, 100, 2);
	custom_realloc(c, 0x1000, 0x1080, 200);
	CHECK_HEAP("4096/1@1 200/1@9", 0);
	custom_realloc(c, 0x7000, 0x7080, 10); /* older than the trace */
	CHECK_HEAP("4096/1@1 210/2@9", 1);
	collector__free(c);
}

TEST(handles)
{
	struct collector *c = plain();

	custom_alloc(c, 1, 5, 1);
	custom_alloc(c, 2, 6, 1);
	free_with(c, 1, EVENT_F_CUSTOM);
	CHECK_HEAP("6/1@1", 0);
	collector__free(c);
}
