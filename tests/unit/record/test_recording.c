/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whole recordings: cut off, damaged, compacted. */
#include "record/chunk.h"
#include "record/event_codec.h"
#include "record/reader.h"
#include "record/records.h"
#include "record/writer.h"
#include "util/array.h"
#include "util/clock.h"

#include "scratch.h"
#include "test.h"

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
	at += 5;
	at += event_codec__pack(&(struct event_context){ 0 }, &ev, sizeof(ev), at);
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
