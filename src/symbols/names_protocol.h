/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What memtrace and its names process say to each other, over a socket.
 *
 * Memtrace asks; the process answers with any number of messages, the last of which is NAMES_DONE.
 * In between it may ask for candidates of a debug file, which memtrace opens. Descriptors go only
 * to the process. What comes from it is read as foreign bytes, since a hostile file may have taken
 * it over: lengths, counts and strings are bounded, and anything else than an answer to the
 * question is an error.
 */
#ifndef MEMTRACE_SYMBOLS_NAMES_PROTOCOL_H
#define MEMTRACE_SYMBOLS_NAMES_PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "symbols/code_names.h"
#include "util/cursor.h"
#include "util/strbuf.h"

struct debug_wish;

#define NAMES_BATCH 256		       /* offsets of one question */
#define NAMES_PAYLOAD_MAX (512u << 10) /* bytes of a message */
#define NAMES_TEXT_MAX 4096 /* bytes of a name or path with its NUL; longer ones are cut */

enum names_message {
	/* to the process */
	NAMES_LOOK_UP = 1, /* offsets of a file, whose descriptor comes with it */
	NAMES_CANDIDATE,   /* the answer to NAMES_WISH, with a descriptor if there is one */
	/* from the process */
	NAMES_READY, /* once, at first: whether it is confined */
	NAMES_CODE,  /* what is at one offset, in the order of the question */
	NAMES_WISH,  /* a debug file is looked for */
	NAMES_DONE,
};

/* ---- messages ---- */

struct names_question {
	uint32_t number; /* of the file; the same as long as it is the same file */
	bool separate;	 /* it may have separate debug files */
	bool changed;	 /* what was read of it must be read again */
	size_t n;
	uint64_t offsets[NAMES_BATCH];
};

void names_protocol__put_question(struct strbuf *sb, const struct names_question *q);
/* Each __take returns 0 or -EINVAL. */
int names_protocol__take_question(struct cursor *c, struct names_question *q);

void names_protocol__put_code(struct strbuf *sb, const struct code_frame *frames, int n);
/* Takes at most CODE_FRAMES_MAX frames and sets *n. The caller frees the strings. */
struct names_code {
	struct code_frame frames[CODE_FRAMES_MAX];
	char *files[CODE_FRAMES_MAX]; /* the frames' `file` */
	int n;
};
int names_protocol__take_code(struct cursor *c, struct names_code *code);
void names_protocol__free_code(struct names_code *code);

void names_protocol__put_wish(struct strbuf *sb, const struct debug_wish *w, unsigned int step);
/* w->name points to *name, which the caller frees. */
int names_protocol__take_wish(struct cursor *c, struct debug_wish *w, unsigned int *step,
			      char **name);

struct names_reply { /* to a wish */
	bool found, pending, by_link;
	unsigned int next;
};

void names_protocol__put_reply(struct strbuf *sb, const struct names_reply *r);
int names_protocol__take_reply(struct cursor *c, struct names_reply *r);

struct names_result {
	bool unsettled;	 /* more may be found later */
	uint64_t loaded; /* bytes that the process holds of all files, roughly */
};

void names_protocol__put_result(struct strbuf *sb, const struct names_result *r);
int names_protocol__take_result(struct cursor *c, struct names_result *r);

void names_protocol__put_ready(struct strbuf *sb, int err); /* 0 or a negative errno */
int names_protocol__take_ready(struct cursor *c, int *err);

#endif
