/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is reported since a mark. */
#include "events.h"

/* "BYTES/BLOCKS@STACK ..." since the mark, in order of rank. */
static const char *changes(const struct snapshot *s)
{
	static char text[1024];
	char *p = text;

	*p = '\0';
	for (size_t i = 0; i < s->nsites && i < 20; i++)
		p += snprintf(p, sizeof(text) - (size_t)(p - text), "%s%d/%d@%d", i ? " " : "",
			      (int)s->sites[i].since_mark_bytes, (int)s->sites[i].since_mark_blocks,
			      (int)s->sites[i].stack);
	return text;
}

static void check_changes(struct collector *c, struct query q, const char *want)
{
	struct snapshot s = ask(c, q);

	CHECK_STR(changes(&s), want);
	snapshot__free(&s);
}

static const struct query since = { .sort = SORT_MARK, .top = 10 };

TEST(without_a_mark_all_counts_since_the_start)
{
	struct collector *c = plain();
	struct snapshot s;

	allocated(c, PID, 0x1000, 100, 1);
	allocated(c, PID, 0x2000, 300, 2);
	s = ask(c, since);
	CHECK_EQ(s.marked, 0);
	CHECK_EQ(s.since_mark_bytes, 400);
	CHECK_EQ(s.since_mark_blocks, 2);
	CHECK_STR(changes(&s), "300/1@2 100/1@1");
	snapshot__free(&s);
	collector__free(c);
}

TEST(what_is_held_now_less_what_was_held_then)
{
	struct collector *c = plain();
	struct snapshot s;
	uint64_t marked;

	allocated(c, PID, 0x1000, 1000, 1); /* stays as it is */
	allocated(c, PID, 0x2000, 100, 2);  /* grows */
	allocated(c, PID, 0x3000, 50, 3);   /* ends */
	allocated(c, PID, 0x4000, 70, 4);   /* ends, and is replaced by the like */
	marked = now;
	CHECK_EQ(collector__mark(c, marked), 0);
	check_changes(c, since, "");
	allocated(c, PID, 0x2100, 20, 2);
	freed(c, PID, 0x3000);
	freed(c, PID, 0x4000);
	allocated(c, PID, 0x4100, 70, 4);
	allocated(c, PID, 0x5000, 5, 5); /* new */
	freed(c, PID, 0x2000);
	allocated(c, PID, 0x2000, 100, 2);
	s = ask(c, since);
	CHECK_EQ(s.marked, marked);
	CHECK_STR(changes(&s), "20/1@2 5/1@5 -50/-1@3");
	CHECK_EQ(s.since_mark_bytes, 20 + 5 - 50);
	CHECK_EQ(s.since_mark_blocks, 1);
	CHECK_EQ(s.total_sites, 4);
	snapshot__free(&s);
	check_changes(c, (struct query){ .sort = SORT_BYTES, .top = 2 }, "0/0@1 20/1@2");
	collector__free(c);
}

TEST(bytes_alone_may_change)
{
	struct collector *c = plain();

	allocated(c, PID, 0x1000, 100, 1);
	collector__mark(c, now);
	reallocated(c, 0x1000, 0x1000, 150, 1, now);
	check_changes(c, since, "50/0@1");
	collector__free(c);
}

TEST(the_last_mark_counts)
{
	struct collector *c = plain();
	struct snapshot s;

	allocated(c, PID, 0x1000, 100, 1);
	collector__mark(c, now);
	allocated(c, PID, 0x2000, 10, 1);
	collector__mark(c, now);
	allocated(c, PID, 0x3000, 1, 1);
	s = ask(c, since);
	CHECK_STR(changes(&s), "1/1@1");
	CHECK_EQ(s.marked, now - MS);
	snapshot__free(&s);
	collector__free(c);
}

TEST(a_mark_commits_nothing)
{
	struct collector *c = plain();
	struct snapshot s;

	allocated(c, PID, 0x1000, 100, 1);
	s = ask(c, (struct query){ .top = 10, .commit = true });
	snapshot__free(&s);
	allocated(c, PID, 0x2000, 10, 1);
	collector__mark(c, now);
	s = ask(c, (struct query){ .top = 10, .commit = true });
	CHECK_EQ(s.growth_bytes, 10);
	CHECK_EQ(s.sites[0].growth_bytes, 10);
	CHECK_EQ(s.sites[0].since_mark_bytes, 0);
	snapshot__free(&s);
	collector__free(c);
}

TEST(mappings_and_the_totals)
{
	struct collector *c = plain();
	struct snapshot s;

	allocated(c, PID, 0x1000, 100, 1);
	mapped(c, EVENT_MAP, 0,
	       (struct event_map){ .addr = 16 * PAGE, .len = 4 * PAGE, .stack = 7 });
	collector__mark(c, now);
	mapped(c, EVENT_UNMAP, 0, (struct event_map){ .addr = 16 * PAGE, .len = PAGE });
	mapped(c, EVENT_MAP, 0,
	       (struct event_map){ .addr = 64 * PAGE, .len = 3 * PAGE, .stack = 7 });
	s = ask(c, since);
	CHECK_STR(changes(&s), "8192/1@7");
	CHECK_EQ(s.since_mark_bytes, 0); /* heap and mappings: the heap's */
	CHECK(s.heap);
	snapshot__free(&s);
	s = ask(c, (struct query){ .sort = SORT_MARK, .top = 10, .map = true });
	CHECK_EQ(s.since_mark_bytes, 2 * PAGE);
	CHECK(!s.heap);
	snapshot__free(&s);
	collector__free(c);
}

TEST(what_ended_processes_left_counts_on)
{
	struct collector *c = plain();

	allocated(c, PID, 0x1000, 100, 1);
	allocated(c, CHILD, 0x1000, 40, 1);
	collector__mark(c, now);
	happened(c, EVENT_EXIT, CHILD);
	check_changes(c, since, "");
	allocated(c, CHILD, 0x9000, 9, 2); /* the pid came again: another process */
	check_changes(c, since, "9/1@2");
	collector__free(c);
}

TEST(only_what_is_old_enough_counts_then_and_now)
{
	struct collector *c =
	    make((struct collector_opts){ .refresh = no_refresh, .min_age = 10 * MS });
	struct query q = since;

	q.min_age = 10 * MS;
	allocated(c, PID, 0x1000, 100, 1);
	now += 20 * MS;
	allocated(c, PID, 0x2000, 10, 1); /* too young for the mark */
	collector__mark(c, now);
	check_changes(c, q, "");
	now += 20 * MS;
	check_changes(c, q, "10/1@1");
	collector__free(c);
}
