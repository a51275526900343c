/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A collector that was saved and restored in the middle of a run comes to the same as one that was
 * not. */
#include "collect/state.h"

#include "events.h"
#include "util/array.h"

#include "util/codec.h"
#include "util/strbuf.h"

#define EVENTS 60000

struct pieces {
	struct collector *to;
	size_t n, bytes;
	int err;
};

static void restore(void *ctx, const struct strbuf *sb)
{
	struct pieces *p = ctx;
	struct cursor c = { (const uint8_t *)sb->data, (const uint8_t *)sb->data + sb->len, false };
	int err = collector__restore(p->to, &c);

	p->n++;
	p->bytes += sb->len;
	if (err && !p->err)
		p->err = err;
}

static struct collector *copy_of(struct collector *c, struct pieces *p)
{
	uint64_t was = now;

	*p = (struct pieces){ .to = make(
				  (struct collector_opts){ .offline = true, .children = true }) };
	now = was;
	CHECK_EQ(collector__save(c, restore, p), 0);
	CHECK_EQ(p->err, 0);
	return p->to;
}

/* ---- a stream of everything, the same for each that is given it ---- */

static uint64_t seed;

static uint64_t below(uint64_t n)
{
	seed = seed * 6364136223846793005 + 1442695040888963407;
	return (seed >> 33) % n;
}

static uint64_t address(void)
{
	return 0x10000 + below(3000) * 48;
}

static void map_event(struct collector *c, uint32_t pid)
{
	static const enum event_type types[] = { EVENT_MAP, EVENT_UNMAP, EVENT_REMAP, EVENT_MAP };
	static const uint16_t flags[] = { 0, EVENT_F_FILE, EVENT_F_STACK, EVENT_F_ALLOCATOR,
					  EVENT_F_SHM };
	struct event_map ev = { .ev.pid = pid };

	ev.addr = 0x700000000000 + below(200) * PAGE;
	ev.len = (1 + below(20)) * PAGE;
	ev.old = 0x700000000000 + below(200) * PAGE;
	ev.old_len = (1 + below(20)) * PAGE;
	ev.stack = 1 + below(40);
	mapped(c, types[below(4)], flags[below(5)], ev);
}

static void life_event(struct collector *c, uint32_t pid)
{
	switch (below(4)) {
	case 0:
		forked(c, CHILD + (uint32_t)below(5), 0);
		break;
	case 1:
		if (pid != PID)
			happened(c, EVENT_EXIT, pid);
		break;
	case 2:
		if (pid != PID)
			execed_as(c, pid, "other", below(2) ? EVENT_F_WHOLE : 0);
		break;
	default:
		stack_came(c, 1 + below(60), (uint8_t)below(STACK_ENDS), 3,
			   (uint64_t[]){ below(9), below(9), 77 });
	}
}

static void one_event(struct collector *c)
{
	uint32_t pid = PID + (uint32_t)below(6);

	switch (below(20)) {
	case 0:
		map_event(c, pid);
		break;
	case 1:
		if (!below(10))
			life_event(c, pid);
		else
			reallocated(c, address(), address(), below(5000), 1 + below(40), now);
		break;
	default:
		if (below(2))
			allocated(c, pid, address(), below(5000), 1 + below(40));
		else
			freed(c, pid, address());
	}
}

static void stream(struct collector *c, uint64_t start_seed, uint64_t start_time, int n)
{
	seed = start_seed;
	now = start_time;
	for (int i = 0; i < n; i++)
		one_event(c);
}

/* ---- comparing ---- */

static bool same_judgement(const struct judgement *a, const struct judgement *b)
{
	return a->verdict == b->verdict && a->rate == b->rate && a->survival == b->survival &&
	       a->window == b->window && a->longest == b->longest && a->leaking == b->leaking;
}

static void check_same(struct collector *a, struct collector *b, struct query q)
{
	struct snapshot x = ask(a, q), y = ask(b, q);

	CHECK_EQ(x.live_bytes, y.live_bytes);
	CHECK_EQ(x.live_blocks, y.live_blocks);
	CHECK_EQ(x.peak_bytes, y.peak_bytes);
	CHECK_EQ(x.growth_bytes, y.growth_bytes);
	CHECK_EQ(x.marked, y.marked);
	CHECK_EQ(x.since_mark_bytes, y.since_mark_bytes);
	CHECK_EQ(x.unmatched_frees, y.unmatched_frees);
	CHECK_EQ(x.unseen_frees, y.unseen_frees);
	CHECK_EQ(x.inherited_frees, y.inherited_frees);
	CHECK_EQ(x.disinherited, y.disinherited);
	CHECK_EQ(x.allocs, y.allocs);
	CHECK_EQ(x.frees_since, y.frees_since);
	CHECK_EQ(x.superseded, y.superseded);
	CHECK_EQ(x.stack_collisions, y.stack_collisions);
	CHECK_EQ(x.unmatched_frees, y.unmatched_frees);
	CHECK_EQ(x.lost_stack_ids, y.lost_stack_ids);
	CHECK(!memcmp(x.stack_ends, y.stack_ends, sizeof(x.stack_ends)));
	CHECK_EQ(x.total_sites, y.total_sites);
	CHECK_EQ(x.nsites, y.nsites);
	CHECK_EQ(x.nprocesses, y.nprocesses);
	for (size_t i = 0; i < x.nsites && i < y.nsites; i++)
		if (memcmp(&x.sites[i], &y.sites[i], offsetof(struct site_row, judged)) ||
		    !same_judgement(&x.sites[i].judged, &y.sites[i].judged)) {
			printf("# row %zu of %zu differs\n", i, x.nsites);
			CHECK(!"the same rows");
			break;
		}
	for (size_t i = 0; i < x.nprocesses && i < y.nprocesses; i++) {
		CHECK_STR(x.processes[i].comm, y.processes[i].comm);
		x.processes[i].exe = y.processes[i].exe = NULL;
		CHECK(!memcmp(&x.processes[i], &y.processes[i], sizeof(x.processes[i])));
	}
	snapshot__free(&x);
	snapshot__free(&y);
}

TEST(a_copy_is_the_same_and_goes_on_the_same)
{
	struct collector *a = plain(), *b;
	uint64_t time, at;
	struct snapshot s;
	struct pieces p;

	stream(a, 1, START, EVENTS);
	s = ask(a, (struct query){ .commit = true });
	snapshot__free(&s);
	stream(a, 2, now, 1000);
	CHECK_EQ(collector__mark(a, now), 0);
	stream(a, 3, now, 1000);
	at = seed;
	time = now;
	b = copy_of(a, &p);
	CHECK(p.n > 20);
	check_same(a, b, (struct query){ 0 });
	check_same(a, b, (struct query){ .min_age = 30 * 1000 * MS });
	stream(a, at, time, EVENTS);
	stream(b, at, time, EVENTS);
	check_same(a, b, (struct query){ 0 });
	check_same(a, b, (struct query){ .top = 7, .sort = SORT_GROWTH });
	check_same(a, b, (struct query){ .top = 7, .sort = SORT_MARK });
	check_same(a, b,
		   (struct query){ .heap = true, .min_age = 5 * 1000 * MS, .sort = SORT_AGE });
	printf("# %zu pieces, %zu bytes\n", p.n, p.bytes);
	collector__free(a);
	collector__free(b);
}

TEST(an_empty_collector)
{
	struct collector *a = plain(), *b;
	struct pieces p;

	b = copy_of(a, &p);
	CHECK_EQ(p.n, 1);
	check_same(a, b, (struct query){ 0 });
	collector__free(a);
	collector__free(b);
}

TEST(unprobed_functions_and_ends_stay_known)
{
	struct event ended;
	struct collector *a = plain(), *b;
	struct snapshot s;
	struct pieces p;

	allocated(a, PID, 0x1000, 100, 1);
	collector__add_unprobed(a, PID, "malloc of libx.so");
	allocated(a, CHILD, 0x1000, 100, 1);
	ended = head(EVENT_EXIT, CHILD);
	ended.api = EVENT_EXIT_STATUS;
	ended.flags = 9;
	CHECK_EQ(collector__event(a, &ended, sizeof(ended)), 0);
	b = copy_of(a, &p);
	s = ask(b, (struct query){ .top = 10 });
	CHECK_EQ(s.processes[0].status, -1);
	CHECK_EQ(s.processes[1].status, 9);
	CHECK_STR(s.processes[0].unprobed, "malloc of libx.so");
	snapshot__free(&s);
	collector__free(a);
	collector__free(b);
}

/* Loses every fourth block for 8 s: a leak only where the process is not at its start. */
static void leak_for_a_while(struct collector *c)
{
	for (uint64_t i = 1; i <= 2000; i++) {
		now += 2 * MS;
		allocated(c, PID, i * 0x1000, 100, 1);
		if (i % 4)
			freed(c, PID, i * 0x1000);
		else
			now += MS;
	}
}

TEST(the_age_of_a_process_stays_known)
{
	struct process_facts facts = { .pid = PID, .first_seen = START, .age = 60000 * MS };
	struct collector *a = plain(), *b;
	struct snapshot s;
	struct pieces p;

	CHECK_EQ(collector__set_process(a, &facts), 0);
	leak_for_a_while(a);
	b = copy_of(a, &p);
	s = ask(b, (struct query){ .top = 10 });
	CHECK_EQ(s.sites[0].judged.verdict, VERDICT_LEAK);
	snapshot__free(&s);
	check_same(a, b, (struct query){ .top = 10 });
	/* It ends with the program. */
	execed(a, PID, "another");
	leak_for_a_while(a);
	s = ask(a, (struct query){ .top = 10 });
	CHECK_EQ(s.sites[0].judged.verdict, VERDICT_GROWING);
	CHECK_EQ(s.sites[0].judged.doubt, DOUBT_YOUNG);
	snapshot__free(&s);
	collector__free(a);
	collector__free(b);
}

/* Three children inherit more blocks together than a state holds. */
TEST(what_is_inherited_is_saved_up_to_a_limit)
{
	uint64_t each = SAVED_INHERITED_MAX / 5 * 2;
	struct collector *a = plain(), *b;
	struct snapshot s;
	struct pieces p;

	for (uint64_t i = 1; i <= each; i++)
		allocated(a, PID, i * 16, 8, 1);
	for (uint32_t i = 0; i < 3; i++)
		forked(a, CHILD + i, 0);
	b = copy_of(a, &p);
	for (uint32_t i = 0; i < 3; i++)
		freed(b, CHILD + i, each * 16);
	s = ask(b, (struct query){ .top = 10 });
	CHECK_EQ(s.disinherited, 1);
	CHECK_EQ(s.inherited_frees, 2);
	CHECK_EQ(s.processes[3].unseen_frees, 1);
	snapshot__free(&s);
	collector__free(a);
	collector__free(b);
}

/* ---- damage ---- */

struct kept {
	struct strbuf at[400];
	size_t n;
};

static void keep(void *ctx, const struct strbuf *sb)
{
	struct kept *k = ctx;

	if (k->n < ARRAY_SIZE(k->at))
		strbuf__add(&k->at[k->n++], sb->data, sb->len);
}

TEST(damaged_pieces_do_no_harm)
{
	struct collector *a = plain(), *b;
	struct kept k = { .n = 0 };
	uint64_t time;

	stream(a, 3, START, 20000);
	time = now;
	CHECK_EQ(collector__save(a, keep, &k), 0);
	for (int round = 0; round < 60; round++) {
		b = make((struct collector_opts){ .offline = true, .children = true });
		for (size_t i = 0; i < k.n; i++) {
			uint8_t *data = malloc(k.at[i].len);
			struct cursor c = { data, data + k.at[i].len, false };

			memcpy(data, k.at[i].data, k.at[i].len);
			for (int hits = 0; hits < 3; hits++)
				data[below(k.at[i].len)] = (uint8_t)below(256);
			collector__restore(b, &c);
			free(data);
		}
		stream(b, (uint64_t)round, time, 3000);
		check_same(b, b, (struct query){ .top = 5 });
		collector__free(b);
	}
	for (size_t i = 0; i < k.n; i++)
		strbuf__free(&k.at[i]);
	collector__free(a);
}
