/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reports made from a recording are those of the live run, byte for byte, wherever it is read. */
#include "live.h"

TEST(reports_of_every_format_are_the_same)
{
	static const char *const formats[] = { "text", "json", "folded", "pprof" };
	const char *file = path_of("formats.mt"), *output = path_of("live");

	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		struct plan plan = plan_of(formats[i], output);
		struct live l;

		plan.record = file;
		seed = i;
		begin_live(&l, &plan, false);
		some_events(&l, 1500);
		tick(&l, true);
		end_live(&l);
		check_replay(&plan, file);
	}
}

/* One recording, with other options than it was made with: as a live run with these reports. */
TEST(reports_with_other_options_are_those_of_another_live_run)
{
	static const struct query queries[] = {
		{ .sort = SORT_BYTES, .top = 2, .heap = true, .map = true },
		{ .sort = SORT_GROWTH, .top = 0, .heap = true },
		{ .sort = SORT_AGE, .top = 4, .map = true },
		{ .sort = SORT_RATE, .top = 4, .heap = true, .map = true, .min_age = 300 * MS },
		{ .sort = SORT_MARK, .top = 4, .heap = true, .map = true },
	};
	const char *file = path_of("ways.mt");
	struct plan plan = plan_of("json", path_of("first"));
	struct live l;

	plan.record = file;
	seed = 11;
	begin_live(&l, &plan, false);
	some_events(&l, 1500);
	tick(&l, true);
	end_live(&l);
	for (size_t i = 0; i < ARRAY_SIZE(queries); i++) {
		plan = plan_of("json", path_of("other"));
		plan.query = queries[i];
		plan.record = path_of("unused.mt");
		seed = 11;
		begin_live(&l, &plan, false);
		some_events(&l, 1500);
		tick(&l, true);
		end_live(&l);
		check_replay(&plan, file);
	}
}

TEST(a_longer_interval_makes_fewer_reports)
{
	const char *file = path_of("fewer.mt");
	struct plan plan = plan_of("json", path_of("all"));
	size_t len, lines = 0;
	struct live l;
	uint8_t *text;

	plan.record = file;
	begin_live(&l, &plan, false);
	some_events(&l, 1000);
	tick(&l, true);
	end_live(&l);
	plan.output = path_of("third");
	plan.interval_s *= 3;
	CHECK_EQ(replay__run(&plan, file), 0);
	text = read_bytes(plan.output, &len);
	for (size_t i = 0; i < len; i++)
		lines += text[i] == '\n';
	CHECK_EQ(lines, 1 + 3 + 1);
	free(text);
	plan.interval_s = 0;
	CHECK_EQ(replay__run(&plan, file), 0);
	text = read_bytes(plan.output, &len);
	lines = 0;
	for (size_t i = 0; i < len; i++)
		lines += text[i] == '\n';
	CHECK_EQ(lines, 1 + 1);
	free(text);
}

/* ---- real code: names, files, and code made at run time ---- */

__attribute__((noinline)) static void some_function(void)
{
	__asm__ volatile("" ::: "memory");
}

static void name_code(const char *name, uint64_t addr)
{
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/tmp/perf-%d.map", getpid());
	unlink(path);
	f = fopen(path, "we");
	MUST(f);
	fprintf(f, "%llx 100 %s\n", (unsigned long long)addr, name);
	fclose(f);
}

static int real_stack(struct collector *c, uint64_t id, const uint64_t *pc, uint16_t n)
{
	struct event_stack ev = { .ev = head(EVENT_STACK, (uint32_t)getpid()), .id = id, .n = n };

	memcpy(ev.pc, pc, n * sizeof(*pc));
	return collector__event(c, &ev, EVENT_STACK_HEAD + n * sizeof(*pc));
}

TEST(names_of_real_code_are_recorded_as_they_become_known)
{
	static const char *const formats[] = { "text", "json" };
	const char *file = path_of("real.mt");
	uint32_t self = (uint32_t)getpid();
	char path[64];
	uint8_t *code = mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	void *mapping = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0);

	MUST(code != MAP_FAILED && mapping != MAP_FAILED);
	close(fd);
	some_function();
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		struct plan plan = plan_of(formats[i], path_of("live"));
		uint64_t in_code = (uint64_t)(uintptr_t)code + 0x10;
		size_t len;
		uint8_t *text;
		struct live l;

		plan.record = file;
		begin_live(&l, &plan, true);
		CHECK_EQ(collector__add_process(l.c, self), 0);
		CHECK_EQ(real_stack(l.c, 7,
				    (uint64_t[]){ (uint64_t)(uintptr_t)some_function + 1, in_code },
				    2),
			 0);
		allocated(l.c, self, 0x1000, 10, 7);
		mapped(l.c, EVENT_MAP, EVENT_F_FILE,
		       (struct event_map){ .ev.pid = self,
					   .addr = (uint64_t)(uintptr_t)mapping,
					   .len = PAGE,
					   .stack = 7 });
		recorder__maintain(l.recorder);
		tick(&l, false);
		now += INTERVAL;
		name_code("first_name", in_code - 0x10);
		tick(&l, false);
		now += INTERVAL;
		name_code("second_longer_name", in_code - 0x10);
		tick(&l, false);
		tick(&l, true);
		end_live(&l);
		text = read_bytes(plan.output, &len);
		text[len] = '\0';
		CHECK(strstr((char *)text, "some_function"));
		CHECK(strstr((char *)text, "test_replay.c"));
		CHECK(strstr((char *)text, "first_name"));
		CHECK(strstr((char *)text, "second_longer_name"));
		CHECK(strstr((char *)text, "/unit/record/test_replay"));
		free(text);
		snprintf(path, sizeof(path), "/tmp/perf-%u.map", self);
		unlink(path);
		check_replay(&plan, file);
	}
	munmap(code, PAGE);
	munmap(mapping, PAGE);
}
