/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Events at random: against a naive model, and senseless ones. */
#include "events.h"

#define SLOTS 600
#define STACKS 25

struct model {
	struct slot {
		uint64_t size, birth;
		int stack;
		bool live;
	} slots[SLOTS];
	uint64_t bytes[STACKS], allocs[STACKS], peak, live, unmatched, frees;
};

static void model_adds(struct model *m, uint64_t slot, uint64_t size, int stack)
{
	m->slots[slot] = (struct slot){ size, now, stack, true };
	m->bytes[stack] += size;
	m->live += size;
	m->allocs[stack]++;
}

static void model_drops(struct model *m, struct slot *s)
{
	m->bytes[s->stack] -= s->size;
	m->live -= s->size;
	m->frees++;
	s->live = false;
}

/* An event for the collector and the model, chosen by a random number. */
static void random_event(struct collector *c, struct model *m, uint64_t x)
{
	uint64_t slot = (x >> 20) % SLOTS, other = (x >> 30) % SLOTS, size = (x >> 40) % 2000;
	int stack = (int)((x >> 52) % STACKS);
	struct slot *s = &m->slots[slot];

	switch ((x >> 60) % 4) {
	case 0:
	case 1:
		if (s->live)
			break;
		allocated(c, PID, 64 + slot * 16, size, (uint64_t)stack + 1);
		model_adds(m, slot, size, stack);
		break;
	case 2:
		/* What is not live is a block of before the trace, each another. */
		freed(c, PID, s->live ? 64 + slot * 16 : 0x100000 + m->unmatched * 16);
		if (s->live)
			model_drops(m, s);
		else
			m->unmatched++;
		break;
	case 3:
		if (!s->live || (m->slots[other].live && other != slot))
			break;
		reallocated(c, 64 + slot * 16, 64 + other * 16, size, (uint64_t)stack + 1, now);
		model_drops(m, s);
		model_adds(m, other, size, stack);
		break;
	}
	m->peak = m->live > m->peak ? m->live : m->peak;
}

TEST(random_against_model)
{
	static struct model m;
	struct collector *c = plain();
	uint64_t x = 5, old_bytes = 0;
	struct snapshot s;

	for (int i = 0; i < 60000; i++) {
		x = x * 6364136223846793005 + 1442695040888963407;
		random_event(c, &m, x);
	}
	s = ask(c, (struct query){ .top = 0 });
	CHECK_EQ(s.nsites, STACKS);
	for (size_t i = 0; i < s.nsites; i++) {
		CHECK_EQ(s.sites[i].live_bytes, m.bytes[s.sites[i].stack - 1]);
		CHECK_EQ(s.sites[i].allocs, m.allocs[s.sites[i].stack - 1]);
	}
	CHECK_EQ(s.live_bytes, m.live);
	CHECK_EQ(s.peak_bytes, m.peak);
	CHECK_EQ(s.frees, m.frees);
	CHECK_EQ(s.unmatched_frees, m.unmatched);
	CHECK_EQ(s.superseded, 0);
	snapshot__free(&s);
	for (size_t i = 0; i < SLOTS; i++)
		if (m.slots[i].live && now - m.slots[i].birth >= 500 * MS)
			old_bytes += m.slots[i].size;
	s = ask(c, (struct query){ .top = 1, .min_age = 500 * MS });
	CHECK_EQ(s.live_bytes, old_bytes);
	CHECK(old_bytes > 0 && old_bytes < m.live);
	snapshot__free(&s);
	collector__free(c);
}

/* Well-formed records full of nonsense: nothing may break, and the sums must still agree. */
TEST(nonsense)
{
	static const size_t sizes[EVENT_TYPES] = {
		[EVENT_ALLOC] = 40,	 [EVENT_FREE] = 24,	  [EVENT_REALLOC] = 56,
		[EVENT_MAP] = 64,	 [EVENT_UNMAP] = 64,	  [EVENT_REMAP] = 64,
		[EVENT_BRK] = 64,	 [EVENT_STACK] = 32 + 16, [EVENT_FORK] = 24,
		[EVENT_EXEC] = 40,	 [EVENT_EXIT] = 16,	  [EVENT_FILES] = 24,
		[EVENT_ENTER] = 40,	 [EVENT_CODE] = 56,	  [EVENT_CANDIDATE] = 40,
		[EVENT_TRANSLATED] = 40,
	};
	struct collector *c = plain();
	uint64_t raw[sizeof(struct event_stack) / 8], x = 99, sites = 0, processes = 0;
	struct snapshot s;

	for (int i = 0; i < 200000; i++) {
		struct event *ev = (struct event *)raw;

		for (size_t k = 0; k < 16; k++) {
			x = x * 6364136223846793005 + 1442695040888963407;
			/* Small numbers, page numbers, huge ones. */
			raw[k] = x >> (x >> 33) % 3 * 24 >> 8;
			if ((x >> 40) % 3 == 0)
				raw[k] = (x >> 50) % 32 * PAGE;
		}
		ev->type = (uint8_t)(1 + (x >> 32) % (EVENT_TYPES - 1));
		ev->pid = PID + (uint32_t)(x >> 45) % 5;
		if (ev->type == EVENT_STACK)
			((struct event_stack *)raw)->n = 2;
		if (ev->type == EVENT_FORK)
			((struct event_fork *)raw)->child = PID + (uint32_t)(x >> 55) % 5;
		collector__event(c, raw, sizes[ev->type]);
	}
	s = ask(c, (struct query){ .top = 0, .sort = SORT_AGE, .min_age = 1, .commit = true });
	snapshot__free(&s);
	s = ask(c, (struct query){ .top = 0, .sort = SORT_GROWTH });
	for (size_t i = 0; i < s.nsites; i++)
		sites += s.sites[i].kind == API_HEAP ? s.sites[i].live_bytes : 0;
	for (size_t i = 0; i < s.nprocesses; i++)
		processes += s.processes[i].live_bytes;
	CHECK(s.events > 100000);
	CHECK(sites == s.live_bytes && processes == s.live_bytes);
	CHECK(s.allocs > 1000 && s.frees > 100);
	snapshot__free(&s);
	CHECK(collector__memory(c) > 0);
	collector__free(c);
}
