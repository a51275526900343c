/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hostile recordings, under libFuzzer: no crash, no hang, and always an answer.
 *
 * The first byte chooses: a file as it is; or a file in which the input is a chunk of events or of
 * state, with right checksums, before and after events of our own. So the fuzzer reaches the code
 * behind the checksums without having to find them.
 */
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "util/log.h"
#include "record/records.h"
#include "record/chunk.h"
#include "record/event_codec.h"
#include "record/replay.h"
#include "report/report.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What would be logged some thousand times a second is dropped. */
void log__verbose(bool on)
{
	(void)on;
}

void log__error(const char *fmt, ...)
{
	(void)fmt;
}

void log__warn(const char *fmt, ...)
{
	(void)fmt;
}

void log__info(const char *fmt, ...)
{
	(void)fmt;
}

void log__debug(const char *fmt, ...)
{
	(void)fmt;
}

static void put_record(struct strbuf *sb, enum record_kind kind, const struct strbuf *bytes)
{
	strbuf__addc(sb, EVENT_PACKED_NONE);
	codec__put(sb, kind);
	codec__put(sb, bytes->len);
	strbuf__add(sb, bytes->data, bytes->len);
}

/* A run, a module and a stack, to which records in the input can refer. */
static void begin_run(struct strbuf *sb)
{
	struct record_run run = {
		.start = 1000,
		.wall = 1000,
		.version = "v",
		.host = "h",
		.kernel = "k",
		.stack_mode = STACK_DWARF,
		.interval_s = 1,
		.heap = true,
		.map = true,
		.children = true,
		.max_size = UINT64_MAX,
	};
	struct record_module module = { .elf = true, .path = "/bin/x" };
	union {
		struct stack st;
		uint8_t room[sizeof(struct stack) + sizeof(struct frame)];
	} stack = { .st = { .id = 1, .pid = 1, .n = 1 } };
	struct strbuf bytes = { 0 };

	memcpy(stack.room + sizeof(struct stack), &(struct frame){ 0x1000, 0x1000, 0 },
	       sizeof(struct frame));
	record__put_run(&bytes, &run);
	put_record(sb, RECORD_RUN, &bytes);
	strbuf__reset(&bytes);
	record__put_module(&bytes, &module);
	put_record(sb, RECORD_MODULE, &bytes);
	strbuf__reset(&bytes);
	record__put_stack(&bytes, 2000, &stack.st);
	put_record(sb, RECORD_STACK, &bytes);
	strbuf__free(&bytes);
}

static void add_event(struct strbuf *sb)
{
	static struct event_context cx;
	struct event_alloc ev = { { EVENT_ALLOC, 5, 0, 1, 3000 }, 0x1000, 100, 1 };
	uint8_t packed[EVENT_PACKED_MAX];

	memset(&cx, 0, sizeof(cx));
	strbuf__add(sb, packed, event_codec__pack(&cx, &ev, sizeof(ev), packed));
}

static void add_chunk(struct strbuf *file, enum chunk_type type, const struct strbuf *bytes)
{
	static struct chunk_packer *p;
	const uint8_t *chunk;
	size_t len;

	if (!p)
		p = chunk__new_packer();
	if (!chunk__pack(p, type, bytes->data, bytes->len, true, &chunk, &len))
		strbuf__add(file, chunk, len);
}

static void make_file(struct strbuf *file, bool state, const uint8_t *data, size_t size)
{
	struct strbuf ours = { 0 }, theirs = { 0 }, none = { 0 };
	uint8_t head[RECORDING_HEAD];

	chunk__file_head(head);
	strbuf__add(file, head, sizeof(head));
	begin_run(&ours);
	add_chunk(file, state ? CHUNK_STATE : CHUNK_EVENTS, &ours);
	strbuf__add(&theirs, data, size);
	add_chunk(file, state ? CHUNK_STATE : CHUNK_EVENTS, &theirs);
	if (state)
		add_chunk(file, CHUNK_STATE_END, &none);
	strbuf__reset(&ours);
	add_event(&ours);
	add_chunk(file, CHUNK_EVENTS, &ours);
	strbuf__free(&ours);
	strbuf__free(&theirs);
}

static void replay(const void *file, size_t size)
{
	static int fd = -1;
	struct plan plan = {
		.query = { .sort = SORT_LEAK, .heap = true, .map = true, .min_age = 5 },
		.max_size = UINT64_MAX,
		.format = report__find("json"),
	};
	const struct profile *p;
	static FILE *out;
	struct replay *rp;
	char path[32];

	if (fd < 0) {
		fd = memfd_create("recording", MFD_CLOEXEC);
		out = fopen("/dev/null", "we");
	}
	if (ftruncate(fd, 0) || pwrite(fd, file, size, 0) != (ssize_t)size)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	rp = replay__open(&plan, path);
	p = rp ? replay__profile(rp) : NULL;
	for (size_t i = 0; p && report__at(i); i++)
		report__at(i)->report(p, &(struct report_style){ .width = 80 }, out);
	replay__free(rp);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct strbuf file = { 0 };

	if (size < 1)
		return 0;
	if (data[0] % 3 == 0) {
		replay(data + 1, size - 1);
		return 0;
	}
	make_file(&file, data[0] % 3 == 2, data + 1, size - 1);
	if (!file.error)
		replay(file.data, file.len);
	strbuf__free(&file);
	return 0;
}
