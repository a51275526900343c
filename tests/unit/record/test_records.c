/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers, strings, events and records: read as they were written, or refused. */
#include "record/chunk.h"
#include "record/event_codec.h"
#include "record/reader.h"
#include "record/records.h"
#include "record/writer.h"
#include "util/array.h"
#include "util/clock.h"

#include "scratch.h"
#include "test.h"

static const uint64_t extremes[] = {
	0,	    1,		15,	    16,	       127,	   128,
	4096,	    UINT32_MAX, 1ull << 48, INT64_MAX, 1ull << 63, UINT64_MAX - 15,
	UINT64_MAX,
};

static struct cursor cursor_of(const void *p, size_t n)
{
	return (struct cursor){ p, (const uint8_t *)p + n, false };
}

/* ---- numbers and strings ---- */

TEST(numbers_and_strings_are_read_as_written)
{
	struct strbuf sb = { 0 };
	struct cursor c;
	char *s;

	for (size_t i = 0; i < ARRAY_SIZE(extremes); i++)
		codec__put(&sb, extremes[i]);
	codec__put_double(&sb, -0.1);
	codec__put_string(&sb, NULL);
	codec__put_string(&sb, "");
	codec__put_string(&sb, "name");
	c = cursor_of(sb.data, sb.len);
	for (size_t i = 0; i < ARRAY_SIZE(extremes); i++) {
		CHECK(codec__take(&c) == extremes[i]);
		CHECK(codec__unfold(codec__fold(extremes[i])) == extremes[i]);
	}
	CHECK(codec__take_double(&c) == -0.1);
	CHECK(!codec__take_string(&c));
	s = codec__take_string(&c);
	CHECK_STR(s, "");
	free(s);
	s = codec__take_string(&c);
	CHECK_STR(s, "name");
	free(s);
	CHECK(!c.bad && !cursor__left(&c));
	CHECK_EQ(codec__take(&c), 0);
	CHECK(c.bad);
	strbuf__free(&sb);
}

TEST(malformed_numbers_and_strings_spoil_the_cursor)
{
	static const uint8_t too_long[] = { 0x80, 0x80, 0x80, 0x80, 0x80,
					    0x80, 0x80, 0x80, 0x80, 0x02 };
	static const uint8_t unended[] = { 0x80, 0x80 };
	static const uint8_t long_string[] = { 0x20, 'a', 'b' };
	struct cursor c = cursor_of(too_long, sizeof(too_long));

	codec__take(&c);
	CHECK(c.bad && c.p == c.end);
	c = cursor_of(unended, sizeof(unended));
	codec__take(&c);
	CHECK(c.bad);
	c = cursor_of(long_string, sizeof(long_string));
	CHECK(!codec__take_string(&c));
	CHECK(c.bad);
}

/* ---- events ---- */

static struct event_context packing, unpacking;

static void check_event(const void *ev, size_t size)
{
	uint8_t bytes[EVENT_PACKED_MAX];
	union packed_event out;
	size_t n = event_codec__pack(&packing, ev, size, bytes);
	struct cursor c = cursor_of(bytes, n);

	CHECK(n > 0 && n <= EVENT_PACKED_MAX);
	CHECK(bytes[0] != EVENT_PACKED_NONE);
	CHECK_EQ(event_codec__unpack(&unpacking, &c, &out), size);
	CHECK(!memcmp(&out, ev, size));
	CHECK(!cursor__left(&c) && !c.bad);
	CHECK(!memcmp(&packing, &unpacking, sizeof(packing)));
	/* Cut off anywhere, it is damaged. */
	for (size_t len = 0; len < n; len++) {
		struct event_context cx = unpacking;

		c = cursor_of(bytes, len);
		CHECK_EQ(event_codec__unpack(&cx, &c, &out), 0);
	}
}

static void begin_events(void)
{
	memset(&packing, 0, sizeof(packing));
	memset(&unpacking, 0, sizeof(unpacking));
}

static const struct {
	uint8_t type;
	size_t size;
} packed_types[] = {
	{ EVENT_ALLOC, sizeof(struct event_alloc) },	 { EVENT_FREE, sizeof(struct event_free) },
	{ EVENT_REALLOC, sizeof(struct event_realloc) }, { EVENT_MAP, sizeof(struct event_map) },
	{ EVENT_UNMAP, sizeof(struct event_map) },	 { EVENT_REMAP, sizeof(struct event_map) },
	{ EVENT_BRK, sizeof(struct event_map) },
};

/* Each field takes each extreme value, while the others take them in turn. */
TEST(events_of_every_type_are_unpacked_as_packed)
{
	begin_events();
	for (size_t t = 0; t < ARRAY_SIZE(packed_types); t++) {
		size_t words = packed_types[t].size / 8;

		for (size_t word = 1; word < words; word++)
			for (size_t i = 0; i < ARRAY_SIZE(extremes); i++) {
				union packed_event ev;
				uint64_t raw[8];

				for (size_t k = 0; k < 8; k++)
					raw[k] = extremes[(i + k) % ARRAY_SIZE(extremes)];
				raw[word] = extremes[i];
				memcpy(&ev, raw, sizeof(ev));
				ev.ev.type = packed_types[t].type;
				ev.ev.api = (uint8_t)extremes[i];
				ev.ev.flags = (uint16_t)extremes[i];
				ev.ev.pid = (uint32_t)extremes[(i + word) % ARRAY_SIZE(extremes)];
				check_event(&ev, packed_types[t].size);
			}
	}
}

TEST(ordinary_events_are_short)
{
	struct event_alloc a = {
		{ EVENT_ALLOC, 5, 0, 4242, 1000000 }, 0x7f0000001000, 100, 0x123456789abcdef0
	};
	struct event_free f = { { EVENT_FREE, 0, 0, 4242, 0 }, 0x7f0000001000 };
	uint8_t bytes[EVENT_PACKED_MAX];

	begin_events();
	check_event(&a, sizeof(a));
	check_event(&f, sizeof(f));
	a.ev.time += 500;
	a.addr += 112;
	CHECK(event_codec__pack(&packing, &a, sizeof(a), bytes) <= 8);
	f.addr = a.addr;
	CHECK_EQ(event_codec__pack(&packing, &f, sizeof(f), bytes), 2);
}

TEST(events_of_other_types_or_sizes_are_not_packed)
{
	struct event_exec ev = { .ev = { .type = EVENT_EXEC, .pid = 1 } };
	struct event_alloc a = { .ev = { .type = EVENT_ALLOC, .pid = 1 } };
	uint8_t bytes[EVENT_PACKED_MAX];

	begin_events();
	CHECK_EQ(event_codec__pack(&packing, &ev, sizeof(ev), bytes), 0);
	CHECK_EQ(event_codec__pack(&packing, &a, sizeof(a) - 8, bytes), 0);
	CHECK_EQ(event_codec__pack(&packing, &a, 8, bytes), 0);
	a.ev.type = 255;
	CHECK_EQ(event_codec__pack(&packing, &a, sizeof(a), bytes), 0);
}

/* ---- records ---- */

TEST(a_run_is_read_as_written)
{
	struct record_target targets[] = { { 7, "comm", "/exe", NULL },
					   { 8, "", NULL, "pod/web" } };
	struct record_run r = {
		.start = 5,
		.wall = UINT64_MAX,
		.version = "1",
		.host = "h",
		.kernel = "k",
		.stack_mode = STACK_FP,
		.interval_s = 0.25,
		.map = true,
		.children = true,
		.min_size = 1,
		.max_size = UINT64_MAX,
		.min_age = 9,
		.targets = targets,
		.ntargets = 2,
	};
	struct record_run out;
	struct strbuf sb = { 0 };
	struct cursor c;

	record__put_run(&sb, &r);
	strbuf__adds(&sb, "of a later version");
	c = cursor_of(sb.data, sb.len);
	CHECK_EQ(record__take_run(&c, &out), 0);
	CHECK(out.start == 5 && out.wall == UINT64_MAX && out.interval_s == 0.25 &&
	      out.min_age == 9);
	CHECK(!out.heap && out.map && out.children && out.min_size == 1 &&
	      out.max_size == UINT64_MAX);
	CHECK_STR(out.kernel, "k");
	CHECK_EQ(out.stack_mode, STACK_FP);
	CHECK_EQ(out.ntargets, 2);
	CHECK(out.targets[1].pid == 8 && !out.targets[1].exe && !out.targets[0].container);
	CHECK_STR(out.targets[0].exe, "/exe");
	CHECK_STR(out.targets[1].container, "pod/web");
	record__free_run(&out);
	for (size_t len = 0; len + sizeof("of a later version") - 1 < sb.len; len++) {
		c = cursor_of(sb.data, len);
		CHECK_EQ(record__take_run(&c, &out), -EINVAL);
		CHECK(!out.version && !out.targets);
	}
	strbuf__free(&sb);
}

TEST(a_stack_is_read_as_written)
{
	struct record_stack in = { .time = 77 }, out;
	struct strbuf sb = { 0 };
	struct frame *f = (struct frame *)(in.room + sizeof(struct stack));
	struct cursor c;

	in.stack =
	    (struct stack){ .id = UINT64_MAX, .pid = 3, .n = EVENT_MAX_FRAMES, .end = STACK_LIMIT };
	for (uint32_t i = 0; i < EVENT_MAX_FRAMES; i++)
		f[i] = (struct frame){ extremes[i % ARRAY_SIZE(extremes)],
				       extremes[i * 5 % ARRAY_SIZE(extremes)],
				       i % 3 ? i : FRAME_NO_MODULE };
	for (int i = 0; i < EVENT_MAX_FRAMES; i += 3)
		f[i].offset = f[i].pc;
	record__put_stack(&sb, in.time, &in.stack);
	c = cursor_of(sb.data, sb.len);
	CHECK_EQ(record__take_stack(&c, &out), 0);
	CHECK_EQ(out.time, 77);
	CHECK(out.stack.id == UINT64_MAX && out.stack.n == EVENT_MAX_FRAMES &&
	      out.stack.end == STACK_LIMIT);
	for (int i = 0; i < EVENT_MAX_FRAMES; i++) {
		struct frame *got = (struct frame *)(out.room + sizeof(struct stack)) + i;

		CHECK(got->pc == f[i].pc && got->offset == f[i].offset &&
		      got->module == f[i].module);
	}
	for (size_t len = 0; len < sb.len; len++) {
		c = cursor_of(sb.data, len);
		CHECK_EQ(record__take_stack(&c, &out), -EINVAL);
	}
	strbuf__free(&sb);
}

/* The low bits of these are valid. */
TEST(numbers_too_large_for_their_fields_are_refused)
{
	uint8_t frames[3 * 65539] = { 0 };
	struct record_process process;
	struct record_stack stack;
	struct strbuf sb = { 0 };
	struct cursor c;

	codec__put(&sb, 1);
	codec__put(&sb, 7);
	codec__put(&sb, 5);
	codec__put(&sb, 0);
	codec__put(&sb, 65536 + 3);
	strbuf__add(&sb, frames, sizeof(frames));
	c = cursor_of(sb.data, sb.len);
	CHECK_EQ(record__take_stack(&c, &stack), -EINVAL);
	strbuf__reset(&sb);
	codec__put(&sb, (1ull << 32) + 7);
	strbuf__add(&sb, frames, 100);
	c = cursor_of(sb.data, sb.len);
	CHECK_EQ(record__take_process(&c, &process), -EINVAL);
	strbuf__free(&sb);
}

TEST(names_are_read_as_written)
{
	struct record_code code = {
		.module = 4,
		.offset = 0x1234,
		.n = 3,
		.names = { { "leaf", "a.c", 12, true, true },
			   { NULL, "b.c", 0, true, false },
			   { "main", NULL, UINT32_MAX, false, true } },
	};
	struct record_module module = {
		.id = 9,
		.elf = true,
		.build_id = { 1, 2, 3 },
		.build_id_len = 3,
		.path = "/bin/x",
	};
	struct record_module module_out;
	struct record_code out;
	struct record_jit jit = { 5, 0xffff, NULL }, jit_out;
	struct strbuf sb = { 0 };
	struct cursor c;

	record__put_code(&sb, &code);
	c = cursor_of(sb.data, sb.len);
	CHECK_EQ(record__take_code(&c, &out), 0);
	CHECK(out.module == 4 && out.offset == 0x1234 && out.n == 3);
	CHECK_STR(out.names[0].func, "leaf");
	CHECK(!out.names[1].func && !out.names[2].file && out.names[2].line == UINT32_MAX);
	CHECK(out.names[0].inlined && !out.names[2].inlined && !out.names[1].exact);
	record__free_code(&out);
	for (size_t len = 0; len < sb.len; len++) {
		c = cursor_of(sb.data, len);
		CHECK_EQ(record__take_code(&c, &out), -EINVAL);
	}
	strbuf__reset(&sb);
	record__put_module(&sb, &module);
	c = cursor_of(sb.data, sb.len);
	CHECK_EQ(record__take_module(&c, &module_out), 0);
	CHECK(module_out.id == 9 && module_out.elf && module_out.build_id_len == 3 &&
	      module_out.build_id[2] == 3);
	CHECK_STR(module_out.path, "/bin/x");
	record__free_module(&module_out);
	strbuf__reset(&sb);
	record__put_jit(&sb, &jit);
	c = cursor_of(sb.data, sb.len);
	CHECK_EQ(record__take_jit(&c, &jit_out), 0);
	CHECK(jit_out.pid == 5 && jit_out.pc == 0xffff && !jit_out.name);
	strbuf__free(&sb);
}

TEST(a_process_is_read_as_written)
{
	struct record_process r = {
		.pid = 7, .comm = "name", .unprobed = "malloc of libx.so", .age = 100
	};
	struct record_process out;
	struct strbuf sb = { 0 };
	struct cursor c;

	record__put_process(&sb, &r);
	c = cursor_of(sb.data, sb.len);
	CHECK_EQ(record__take_process(&c, &out), 0);
	CHECK_STR(out.unprobed, "malloc of libx.so");
	CHECK_EQ(out.age, 100);
	record__free_process(&out);
	/* Older recordings end before them. */
	c = cursor_of(sb.data, sb.len - 1);
	CHECK_EQ(record__take_process(&c, &out), 0);
	CHECK_STR(out.unprobed, "malloc of libx.so");
	CHECK_EQ(out.age, 0);
	record__free_process(&out);
	c = cursor_of(sb.data, sb.len - 2 - strlen(r.unprobed));
	CHECK_EQ(record__take_process(&c, &out), 0);
	CHECK(out.pid == 7 && !out.unprobed);
	record__free_process(&out);
	strbuf__free(&sb);
}

TEST(ticks_are_read_as_written)
{
	struct record_tick tick = { .seq = 3, .final = true, .now = 5, .wall = 6 }, out;
	struct strbuf memory = { 0 };
	struct record_process_rss rss[] = { { 1, 4096, true, { 7 << 20, 3 } },
					    { 2, UINT64_MAX, false, { 0 } } };
	struct record_rss report_rss = { 3, 2, rss }, rss_out;
	struct strbuf sb = { 0 };
	struct cursor c;

	memset(&tick.counters, 0x5a, sizeof(tick.counters));
	record__put_tick(&sb, &tick);
	c = cursor_of(sb.data, sb.len);
	CHECK_EQ(record__take_tick(&c, &out), 0);
	CHECK(out.seq == 3 && out.final && out.now == 5 && out.wall == 6);
	CHECK(!memcmp(&out.counters, &tick.counters, sizeof(tick.counters)));
	strbuf__reset(&sb);
	record__put_rss(&sb, &report_rss);
	c = cursor_of(sb.data, sb.len);
	CHECK_EQ(record__take_rss(&c, &rss_out), 0);
	CHECK(rss_out.n == 2 && rss_out.rss[1].pid == 2 && rss_out.rss[1].bytes == UINT64_MAX);
	CHECK(record__is_stopped(&rss_out, 1) && !record__is_stopped(&rss_out, 2));
	CHECK_EQ(record__memory_of(&rss_out, 1).anonymous, 7 << 20);
	CHECK_EQ(record__memory_of(&rss_out, 1).threads, 3);
	CHECK_EQ(record__memory_of(&rss_out, 3).anonymous, 0);
	record__free_rss(&rss_out);
	/* Without the states and the memory, as older recordings have it. */
	for (size_t i = 0; i < 2; i++) {
		codec__put(&memory, rss[i].memory.anonymous);
		codec__put(&memory, rss[i].memory.threads);
	}
	c = cursor_of(sb.data, sb.len - memory.len);
	CHECK_EQ(record__take_rss(&c, &rss_out), 0);
	CHECK(record__is_stopped(&rss_out, 1) && !rss_out.rss[0].memory.anonymous);
	record__free_rss(&rss_out);
	c = cursor_of(sb.data, sb.len - memory.len - 2);
	CHECK_EQ(record__take_rss(&c, &rss_out), 0);
	CHECK(rss_out.n == 2 && !record__is_stopped(&rss_out, 1));
	record__free_rss(&rss_out);
	strbuf__free(&memory);
	strbuf__free(&sb);
}
