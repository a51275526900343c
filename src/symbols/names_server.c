/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "symbols/names_server.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "symbols/checksums.h"
#include "symbols/debug_paths.h"
#include "symbols/names_channel.h"
#include "symbols/sandbox.h"
#include "util/hashmap.h"

/* Symbol data may take this much memory; what is dropped is read again when needed. */
#define LOADED_BYTES (512u << 20)
#define LOADED_FILES 256 /* three descriptors each */
#define OPEN_FILES 1024
/* More than the largest file, which dwarf.c bounds, takes along with the rest. */
#define ADDRESS_SPACE (4ull << 30)
/* One question; memtrace waits less long, unless the machine is loaded. */
#define CPU_SECONDS 30
#define FLUSH_BYTES 32768

struct server {
	struct names_channel channel;
	struct checksums *checksums;
	struct hashmap *files; /* by number */
	size_t loaded, nfiles;
	uint64_t clock;
};

struct served_file {
	uint32_t number;
	int fd;
	struct debug_places places;
	struct code_names *names;
	size_t loaded;
	uint64_t used; /* when, in steps of the clock */
};

static int send_message(struct server *s, enum names_message type, struct strbuf *payload)
{
	int err = names_channel__add(&s->channel, type, payload);

	strbuf__free(payload);
	return err;
}

/* ---- debug files ---- */

static int ask_for_candidate(void *server, const struct debug_wish *w, unsigned int step,
			     struct debug_candidate *out)
{
	struct strbuf payload = { 0 };
	struct server *s = server;
	struct names_reply reply;
	enum names_message type;
	struct cursor c;
	int err;

	names_protocol__put_wish(&payload, w, step);
	err = send_message(s, NAMES_WISH, &payload);
	if (!err)
		err = names_channel__send(&s->channel, -1);
	if (!err)
		err = names_channel__receive(&s->channel, &type, &c);
	if (err || type != NAMES_CANDIDATE || names_protocol__take_reply(&c, &reply))
		exit(1); /* memtrace is gone, or not memtrace */
	*out = (struct debug_candidate){
		.fd = s->channel.descriptor,
		.root = -1,
		.by_link = reply.by_link,
		.next = reply.next,
	};
	s->channel.descriptor = -1;
	if (out->fd >= 0)
		return 0;
	return reply.pending ? -EAGAIN : -ENOENT;
}

/* ---- files ---- */

static void close_file(struct server *s, struct served_file *f)
{
	hashmap__remove_ptr(s->files, f->number);
	s->loaded -= f->loaded;
	s->nfiles--;
	code_names__free(f->names);
	close(f->fd);
	free(f);
}

static void close_least_used(struct server *s, const struct served_file *used)
{
	while (s->loaded > LOADED_BYTES || s->nfiles > LOADED_FILES) {
		struct served_file *f, *oldest = NULL;
		size_t pos = 0;

		while ((f = hashmap__next_ptr(s->files, &pos, NULL)))
			if (f != used && (!oldest || f->used < oldest->used))
				oldest = f;
		if (!oldest)
			return;
		close_file(s, oldest);
	}
}

/* Takes the descriptor that came with the question. */
static struct served_file *open_file(struct server *s, const struct names_question *q)
{
	struct served_file *f = hashmap__get_ptr(s->files, q->number);
	int fd = s->channel.descriptor;

	s->channel.descriptor = -1;
	if (f && q->changed) {
		close_file(s, f);
		f = NULL;
	}
	if (f) {
		if (fd >= 0)
			close(fd);
		return f;
	}
	f = fd >= 0 ? calloc(1, sizeof(*f)) : NULL;
	if (!f)
		exit(1);
	f->number = q->number;
	f->fd = fd;
	f->places = (struct debug_places){
		.root = -1,
		.checksums = s->checksums,
		.ask = ask_for_candidate,
		.ctx = s,
	};
	f->names = code_names__new(
	    &(struct code_source){ .fd = fd, .places = q->separate ? &f->places : NULL });
	if (!f->names || hashmap__set_ptr(s->files, q->number, f))
		exit(1);
	s->nfiles++;
	return f;
}

/* ---- questions ---- */

static int answer_offset(struct server *s, struct served_file *f, uint64_t offset)
{
	struct code_frame frames[CODE_FRAMES_MAX];
	struct strbuf payload = { 0 };
	int n = code_names__look_up(f->names, offset, frames), err;

	names_protocol__put_code(&payload, frames, n);
	code_names__free_frames(frames, n);
	err = send_message(s, NAMES_CODE, &payload);
	if (!err && s->channel.out.len > FLUSH_BYTES)
		err = names_channel__send(&s->channel, -1);
	return err;
}

static int answer(struct server *s, const struct names_question *q)
{
	struct served_file *f = open_file(s, q);
	struct strbuf payload = { 0 };
	int err = 0;

	for (size_t i = 0; i < q->n && !err; i++)
		err = answer_offset(s, f, q->offsets[i]);
	f->used = ++s->clock;
	s->loaded -= f->loaded;
	f->loaded = code_names__loaded(f->names);
	s->loaded += f->loaded;
	names_protocol__put_result(&payload, &(struct names_result){
						 .unsettled = code_names__unsettled(f->names),
						 .loaded = s->loaded,
					     });
	if (!err)
		err = send_message(s, NAMES_DONE, &payload);
	if (!err)
		err = names_channel__send(&s->channel, -1);
	close_least_used(s, f);
	return err;
}

static int serve(struct server *s, int confined)
{
	struct strbuf payload = { 0 };
	struct names_question q;
	enum names_message type;
	struct cursor c;
	int err;

	names_protocol__put_ready(&payload, confined);
	err = send_message(s, NAMES_READY, &payload);
	if (!err)
		err = names_channel__send(&s->channel, -1);
	while (!err && !confined) {
		err = names_channel__receive(&s->channel, &type, &c);
		if (err)
			break;
		sandbox__renew_cpu(CPU_SECONDS);
		if (type != NAMES_LOOK_UP || names_protocol__take_question(&c, &q))
			err = -EPROTO;
		else
			err = answer(s, &q);
	}
	return err == -ECONNRESET ? 0 : 1;
}

static int run(int fd, int confined)
{
	struct server s = { .checksums = checksums__new(), .files = hashmap__new() };
	struct served_file *f;
	size_t pos = 0;
	int status = 1;

	names_channel__init(&s.channel, fd, true);
	if (s.checksums && s.files)
		status = serve(&s, confined);
	while (s.files && (f = hashmap__next_ptr(s.files, &pos, NULL))) {
		code_names__free(f->names);
		close(f->fd);
		free(f);
	}
	names_channel__done(&s.channel);
	checksums__free(s.checksums);
	hashmap__free(s.files);
	return status;
}

int names_server__serve(int fd)
{
	return run(fd, 0);
}

int names_server__run(int fd)
{
	int err;

	prctl(PR_SET_NAME, "memtrace-names");
	err = sandbox__enter(&(struct sandbox_limits){
	    .memory = ADDRESS_SPACE,
	    .files = OPEN_FILES,
	});
	return run(fd, err);
}
