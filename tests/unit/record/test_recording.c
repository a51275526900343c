/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A recording is read as it was written, to the bit; cut off and damaged ones are recognised. */
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
	struct record_process r = { .pid = 7, .comm = "name", .unprobed = "malloc of libx.so" };
	struct record_process out;
	struct strbuf sb = { 0 };
	struct cursor c;

	record__put_process(&sb, &r);
	c = cursor_of(sb.data, sb.len);
	CHECK_EQ(record__take_process(&c, &out), 0);
	CHECK_STR(out.unprobed, "malloc of libx.so");
	record__free_process(&out);
	/* Older recordings end before it. */
	c = cursor_of(sb.data, sb.len - 1 - strlen(r.unprobed));
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

/* ---- whole files ---- */

#define SMALL_EVENTS 40

static struct event_alloc event_number(uint64_t i)
{
	return (struct event_alloc){
		{ EVENT_ALLOC, 5, 0, 4242, 1000 + i }, 0x10000 + i * 32, i, i % 7
	};
}

static void put_text(struct record_writer *r, enum record_kind kind, const char *text)
{
	struct strbuf sb = { 0 };

	strbuf__adds(&sb, text);
	record_writer__put(r, kind, &sb);
	strbuf__free(&sb);
}

/* Events with a record in between, and a chunk's end after each tenth. */
static void write_small(const char *path)
{
	struct record_writer *r = record_writer__create(path, 0);

	for (uint64_t i = 0; i < SMALL_EVENTS; i++) {
		struct event_alloc ev = event_number(i);

		record_writer__event(r, &ev, sizeof(ev));
		if (i % 10 == 9) {
			put_text(r, RECORD_MAPPED, "some bytes");
			record_writer__flush(r);
		}
	}
	CHECK_EQ(record_writer__close(r), 0);
	record_writer__free(r);
}

/* How many events come back in order; -1 where anything is not as it was. */
static int read_small(struct record_reader *r)
{
	struct record rec;
	int n = 0, more;

	while ((more = record_reader__next(r, &rec)) > 0) {
		struct event_alloc want = event_number((uint64_t)n);

		if (rec.kind == RECORD_MAPPED) {
			if (cursor__left(&rec.bytes) != 10 || memcmp(rec.bytes.p, "some bytes", 10))
				return -1;
			continue;
		}
		if (rec.kind != RECORD_EVENT || rec.size != sizeof(want) ||
		    memcmp(rec.event, &want, sizeof(want)))
			return -1;
		n++;
	}
	return more ? -1 : n;
}

static char why[256];

static struct record_reader *open_file(const char *path)
{
	why[0] = '\0';
	return record_reader__open(path, why, sizeof(why));
}

TEST(a_file_is_read_as_written)
{
	const char *path = in_scratch("small.mt");
	struct record_reader *r;

	write_small(path);
	r = open_file(path);
	CHECK(r && record_reader__complete(r) && !record_reader__compacted(r));
	CHECK_EQ(record_reader__unusable(r), 0);
	CHECK_EQ(read_small(r), SMALL_EVENTS);
	record_reader__free(r);
}

TEST(a_file_cut_off_at_any_byte_is_read_up_to_its_last_chunk)
{
	const char *path = in_scratch("whole.mt"), *cut = in_scratch("cut.mt");
	int before = 0, n, steps = 0;
	size_t len;
	uint8_t *all;

	write_small(path);
	all = read_bytes(path, &len);
	for (size_t keep = 0; keep <= len; keep++) {
		struct record_reader *r;

		write_bytes(cut, all, keep);
		r = open_file(cut);
		if (keep < RECORDING_HEAD) {
			CHECK(!r && errno == ENODATA);
			CHECK_STR(why, "it was cut off before anything was recorded");
			continue;
		}
		CHECK(r);
		CHECK_EQ(record_reader__complete(r), keep == len);
		n = read_small(r);
		CHECK(n >= before && n % 10 == 0);
		CHECK(record_reader__unusable(r) < keep);
		steps += n > before;
		before = n;
		record_reader__free(r);
	}
	CHECK_EQ(before, SMALL_EVENTS);
	CHECK_EQ(steps, 4);
	free(all);
}

TEST(a_file_with_any_damaged_byte_is_refused)
{
	const char *path = in_scratch("good.mt"), *bad = in_scratch("bad.mt");
	struct record_reader *r;
	size_t len;
	uint8_t *all;

	write_small(path);
	all = read_bytes(path, &len);
	for (size_t i = 0; i < len; i++)
		for (int bit = 0; bit < 8; bit += 3) {
			all[i] ^= (uint8_t)(1 << bit);
			write_bytes(bad, all, len);
			r = open_file(bad);
			CHECK(!r);
			CHECK(errno == (i < 8 ? ENOMSG : EBADMSG));
			CHECK(i < 8 || strstr(why, "it is damaged"));
			record_reader__free(r);
			all[i] ^= (uint8_t)(1 << bit);
		}
	free(all);
}

TEST(a_file_that_is_not_a_recording_is_refused)
{
	const char *path = in_scratch("other");
	static const char earlier[] = "\211memtrc\012\001\000\000\000\276\275\230\250",
			  later[] = "\211memtrc\012\003\000\000\0005u\221\002";

	write_bytes(path, "#!/bin/sh\necho no recording at all\n", 35);
	CHECK(!open_file(path) && errno == ENOMSG);
	CHECK_STR(why, "it is not a memtrace recording");
	write_bytes(path, "short", 5);
	CHECK(!open_file(path) && errno == ENOMSG);
	write_bytes(path, "", 0);
	CHECK(!open_file(path) && errno == ENODATA);
	CHECK(!open_file("/dev/null") && !strcmp(why, "it is not a regular file"));
	CHECK(!open_file("/nonexistent/run.mt") && errno == ENOENT);
	CHECK(!open_file("/") && errno);
	write_bytes(path, later, RECORDING_HEAD);
	CHECK(!open_file(path) && errno == ENOTSUP);
	CHECK_STR(why, "it is of version 3, and this memtrace knows version 2: use a newer one");
	write_bytes(path, earlier, RECORDING_HEAD);
	CHECK(!open_file(path) && errno == ENOTSUP);
	CHECK_STR(
	    why, "it is of version 1, and this memtrace knows version 2: use the one that made it");
}

/* As later versions may write them. */
TEST(unknown_chunks_and_records_are_skipped)
{
	const char *path = in_scratch("later.mt");
	struct chunk_packer *p = chunk__new_packer();
	struct event_alloc ev = event_number(0);
	uint8_t head[RECORDING_HEAD], bytes[200], *at = bytes;
	const uint8_t *chunk;
	struct record_reader *r;
	struct record rec;
	size_t len;
	FILE *f = fopen(path, "we");

	chunk__file_head(head);
	fwrite(head, 1, sizeof(head), f);
	CHECK_EQ(chunk__pack(p, (enum chunk_type)77, "unknown", 7, true, &chunk, &len), 0);
	fwrite(chunk, 1, len, f);
	*at++ = EVENT_PACKED_NONE;
	*at++ = 99; /* a kind that is not known */
	*at++ = 5;
	memcpy(at, "12345", 5);
	begin_events();
	at += 5;
	at += event_codec__pack(&packing, &ev, sizeof(ev), at);
	CHECK_EQ(chunk__pack(p, CHUNK_EVENTS, bytes, (size_t)(at - bytes), false, &chunk, &len), 0);
	fwrite(chunk, 1, len, f);
	CHECK_EQ(chunk__pack(p, CHUNK_END, NULL, 0, false, &chunk, &len), 0);
	fwrite(chunk, 1, len, f);
	fclose(f);
	chunk__free_packer(p);
	r = open_file(path);
	CHECK(r && record_reader__complete(r));
	CHECK_EQ(record_reader__next(r, &rec), 1);
	CHECK_EQ(rec.kind, RECORD_KINDS);
	CHECK_EQ(record_reader__next(r, &rec), 1);
	CHECK(rec.kind == RECORD_EVENT && !memcmp(rec.event, &ev, sizeof(ev)));
	CHECK_EQ(record_reader__next(r, &rec), 0);
	record_reader__free(r);
}

/* Far more than fits into the buffers, as fast as possible. */
TEST(events_put_faster_than_they_are_written_are_all_kept)
{
	const char *path = in_scratch("much.mt");
	struct record_writer *r = record_writer__create(path, 0);
	struct record_writer_stats st;
	struct record_reader *in;
	struct record rec;
	uint64_t n = 0, began = clock__now_ns(), took;
	const uint64_t events = 3000000;
	bool same = true;

	for (uint64_t i = 0; i < events; i++) {
		struct event_alloc ev = event_number(i * 977 % events);

		record_writer__event(r, &ev, sizeof(ev));
	}
	CHECK_EQ(record_writer__close(r), 0);
	took = clock__now_ns() - began;
	record_writer__stats(r, &st);
	CHECK_EQ(st.events, events);
	printf("# %.1f million events a second, %.1f bytes each, %llu waits, %llu plain chunks\n",
	       (double)events * 1e3 / (double)took, (double)st.bytes / (double)events,
	       (unsigned long long)st.waits, (unsigned long long)st.plain_chunks);
	record_writer__free(r);
	in = open_file(path);
	CHECK(in);
	while (in && record_reader__next(in, &rec) > 0) {
		struct event_alloc want = event_number(n++ * 977 % events);

		same &= rec.size == sizeof(want) && !memcmp(rec.event, &want, sizeof(want));
	}
	CHECK(same);
	CHECK_EQ(n, events);
	record_reader__free(in);
}

TEST(a_record_larger_than_a_buffer_is_kept)
{
	const char *path = in_scratch("large.mt");
	struct record_writer *r = record_writer__create(path, 0);
	struct strbuf sb = { 0 };
	struct record_reader *in;
	struct record rec;

	for (int i = 0; i < 300000; i++)
		strbuf__addf(&sb, "%d,", i % 100003 * 7919 % 100003);
	CHECK(sb.len > 1 << 20);
	put_text(r, RECORD_MAPPED, "small");
	record_writer__put(r, RECORD_MAPPED, &sb);
	put_text(r, RECORD_MAPPED, "small");
	CHECK_EQ(record_writer__close(r), 0);
	record_writer__free(r);
	in = open_file(path);
	CHECK_EQ(record_reader__next(in, &rec), 1);
	CHECK_EQ(record_reader__next(in, &rec), 1);
	CHECK_EQ(cursor__left(&rec.bytes), sb.len);
	CHECK(!memcmp(rec.bytes.p, sb.data, sb.len));
	CHECK_EQ(record_reader__next(in, &rec), 1);
	CHECK_EQ(cursor__left(&rec.bytes), 5);
	CHECK_EQ(record_reader__next(in, &rec), 0);
	record_reader__free(in);
	strbuf__free(&sb);
}

TEST(a_file_that_cannot_be_created_is_an_error)
{
	struct record_writer *r = record_writer__create("/dev/full", 0);

	CHECK(!r && errno == ENOSPC);
	CHECK(!record_writer__create("/nonexistent/x.mt", 0) && errno == ENOENT);
}

/* ---- compaction ---- */

static void put_state(struct record_writer *r, uint64_t number)
{
	struct strbuf sb = { 0 };

	record_writer__begin_state(r);
	for (int i = 0; i < 100; i++) {
		strbuf__reset(&sb);
		codec__put(&sb, number);
		record_writer__put_state(r, RECORD_STATE, &sb);
	}
	record_writer__end_state(r);
	strbuf__free(&sb);
}

/* Waits until the writer is near: otherwise it asks for a state too late. */
static void keep_pace(struct record_writer *r, uint64_t given)
{
	struct record_writer_stats st;

	if (given % 2000)
		return;
	record_writer__flush(r);
	do
		record_writer__stats(r, &st);
	while (st.events + 4000 < given && !record_writer__error(r) && !usleep(50));
}

/* Events of a number each; a state says how many there were. What is read continues one. */
TEST(a_limited_recording_keeps_its_end)
{
	const char *path = in_scratch("limited.mt");
	const uint64_t limit = 2 << 20, events = 1000000;
	struct record_writer *r = record_writer__create(path, limit);
	struct record_writer_stats stats;
	struct record_reader *in;
	struct record rec;
	uint64_t next = 0, states = 0;
	bool in_order = true;
	struct stat st;

	for (uint64_t i = 0; i < events; i++) {
		struct event_alloc ev = event_number(i);

		ev.stack = i * 0x9e3779b97f4a7c15; /* no two alike, so that they take room */
		record_writer__event(r, &ev, sizeof(ev));
		keep_pace(r, i);
		if (record_writer__wants_state(r))
			put_state(r, i + 1);
		if (i % 20000 == 0)
			CHECK(stat(path, &st) || st.st_size <= (off_t)limit);
	}
	CHECK_EQ(record_writer__close(r), 0);
	record_writer__stats(r, &stats);
	CHECK(stats.compactions > 3);
	CHECK_EQ(stats.events, events);
	record_writer__free(r);
	CHECK(!stat(path, &st) && st.st_size <= (off_t)limit && st.st_size > (off_t)limit / 3);
	CHECK(access(in_scratch("limited.mt.next"), F_OK));
	in = open_file(path);
	CHECK(in && record_reader__compacted(in) && record_reader__complete(in));
	while (record_reader__next(in, &rec) > 0) {
		if (rec.kind == RECORD_STATE) {
			next = codec__take(&rec.bytes);
			states++;
			continue;
		}
		in_order &= ((const struct event_alloc *)rec.event)->size == next++;
	}
	CHECK_EQ(states, 100);
	CHECK(in_order);
	CHECK_EQ(next, events);
	record_reader__free(in);
}

TEST(a_state_that_is_too_large_ends_the_recording)
{
	const char *path = in_scratch("tight.mt");
	struct record_writer *r = record_writer__create(path, 1 << 20);
	struct record_reader *in;
	struct strbuf sb = { 0 };
	uint64_t x = 1;

	for (uint64_t i = 0; i < 300000 && !record_writer__error(r); i++) {
		struct event_alloc ev = event_number(i);

		ev.stack = x = x * 6364136223846793005 + 1;
		record_writer__event(r, &ev, sizeof(ev));
		keep_pace(r, i);
		if (!record_writer__wants_state(r))
			continue;
		record_writer__begin_state(r);
		for (int k = 0; k < 100000; k++) {
			strbuf__reset(&sb);
			x = x * 6364136223846793005 + 1;
			strbuf__add(&sb, &x, sizeof(x));
			record_writer__put_state(r, RECORD_STATE, &sb);
		}
		record_writer__end_state(r);
	}
	CHECK_EQ(record_writer__close(r), -E2BIG);
	record_writer__free(r);
	strbuf__free(&sb);
	CHECK(access(in_scratch("tight.mt.next"), F_OK));
	in = open_file(path);
	CHECK(in && record_reader__complete(in) && !record_reader__compacted(in));
	record_reader__free(in);
}
