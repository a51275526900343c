/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reports from recordings that are cut off, compacted, or of something else. */
#include "live.h"

static int quiet_from;

/* Silences standard error, where the same would be logged a thousand times. */
static void quiet(bool on)
{
	int null;

	fflush(stderr);
	if (!on) {
		dup2(quiet_from, 2);
		close(quiet_from);
		return;
	}
	quiet_from = fcntl(2, F_DUPFD_CLOEXEC, 3);
	null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	dup2(null, 2);
	close(null);
}

/* Live blocks of the last report of a file; -1 where there is none. */
static int64_t last_blocks(const char *file, const char **notice, double *elapsed)
{
	static char text[256];
	struct plan plan = plan_of("json", NULL);
	struct replay *rp = replay__open(&plan, file);
	const struct profile *p = rp ? replay__profile(rp) : NULL;
	int64_t blocks = p ? (int64_t)p->live_blocks : -1;

	snprintf(text, sizeof(text), "%s", p && p->notice ? p->notice : "");
	*notice = text;
	*elapsed = p ? p->elapsed_s : 0;
	replay__free(rp);
	return blocks;
}

TEST(a_recording_cut_off_at_any_byte_reports_what_came_before)
{
	const char *file = path_of("uncut.mt"), *cut = path_of("cut.mt");
	struct plan plan = plan_of("json", path_of("uncut.json"));
	int64_t blocks = -1, before = -1, steps = 0;
	double elapsed = 0, last = 0;
	const char *notice = "";
	struct live l;
	uint8_t *all;
	size_t len;

	plan.record = file;
	begin_live(&l, &plan, false);
	stack_came(l.c, 1, STACK_COMPLETE, 2, (uint64_t[]){ 4000, 5000 });
	for (int i = 0; i < 300; i++) {
		allocated(l.c, PID, 0x1000 + (uint64_t)i * 64, 64, 1);
		if (i % 50 == 49)
			tick(&l, false);
	}
	tick(&l, true);
	end_live(&l);
	all = read_bytes(file, &len);
	quiet(true);
	for (size_t keep = 0; keep <= len; keep++) {
		write_bytes(cut, all, keep);
		blocks = last_blocks(cut, &notice, &elapsed);
		if (blocks < before || elapsed < last) {
			printf("# cut at %zu: %lld blocks after %f s\n", keep, (long long)blocks,
			       elapsed);
			CHECK(!"a longer recording never reports less");
		}
		if (blocks >= 0 && !*notice) /* the final report is complete */
			CHECK_EQ(blocks, 300);
		else if (blocks >= 0)
			CHECK(!strncmp(notice, "the recording was cut off: it is complete up to ",
				       48));
		steps += blocks > before;
		before = blocks;
		last = elapsed;
	}
	quiet(false);
	CHECK_EQ(blocks, 300);
	CHECK_STR(notice, "");
	CHECK_EQ(steps, 6); /* after each of six reports */
	free(all);
}

/* The second file comes, and then takes the first one's place: when, is up to the writer's thread.
 */
static bool was_compacted(const char *file)
{
	static bool begun;
	char next[PATH_MAX];
	bool there;

	snprintf(next, sizeof(next), "%s.next", file);
	there = !access(next, F_OK);
	begun |= there;
	return begun && !there;
}

#define BATCHES_MAX 10000 /* far more than it takes */

TEST(a_compacted_recording_ends_with_the_same_report)
{
	const char *file = path_of("compacted.mt");
	struct plan plan = plan_of("json", path_of("compacted.json"));
	struct record_reader *r;
	char why[128];
	struct live l;

	plan.record = file;
	plan.record_bytes = 1 << 20;
	plan.interval_s = 10;
	seed = 5;
	begin_live(&l, &plan, false);
	for (int i = 0; !was_compacted(file) && i < BATCHES_MAX; i++) {
		for (int k = 0; k < 4000; k++) {
			uint64_t addr = 0x10000 + below(500) * 64;

			if (below(2))
				allocated(l.c, PID, addr, below(1000), 1 + below(8));
			else
				freed(l.c, PID, addr);
		}
		CHECK_EQ(recorder__maintain(l.recorder), 0);
		if (i % 12 == 0)
			tick(&l, false);
	}
	tick(&l, true);
	end_live(&l);
	r = record_reader__open(file, why, sizeof(why));
	CHECK(r && record_reader__compacted(r));
	record_reader__free(r);
	/* The last report is the live run's last one; the others are gone. */
	{
		struct plan again = plan;
		uint8_t *x, *y, *line;
		size_t n, m;

		again.output = path_of("compacted-replay.json");
		again.interval_s = 0;
		CHECK_EQ(replay__run(&again, file), 0);
		x = read_bytes(plan.output, &n);
		y = read_bytes(again.output, &m);
		line = memrchr(x, '\n', n - 1);
		CHECK(line && m > n - (size_t)(line - x));
		CHECK(line &&
		      !memcmp(line, y + m - (n - (size_t)(line - x)), n - (size_t)(line - x)));
		free(x);
		free(y);
	}
}

TEST(what_was_not_recorded_is_refused)
{
	const char *file = path_of("kind.mt");
	struct plan plan = plan_of("json", path_of("kind.json"));
	struct live l;

	plan.record = file;
	plan.query.map = false;
	begin_live(&l, &plan, false);
	allocated(l.c, PID, 0x1000, 1, 1);
	tick(&l, true);
	end_live(&l);
	quiet(true);
	plan.query = (struct query){ .top = 10, .map = true };
	CHECK_EQ(replay__run(&plan, file), 1);
	plan.query = (struct query){ .top = 10, .map = true, .heap = true };
	CHECK_EQ(replay__run(&plan, file), 0);
	CHECK_EQ(replay__run(&plan, "/dev/null"), 1);
	CHECK_EQ(replay__run(&plan, plan.output), 1);
	quiet(false);
}
