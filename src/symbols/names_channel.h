/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The socket between memtrace and its names process: messages with a length, with a deadline, and
 * descriptors in one direction. A message is not trusted to be one.
 */
#ifndef MEMTRACE_SYMBOLS_NAMES_CHANNEL_H
#define MEMTRACE_SYMBOLS_NAMES_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "symbols/names_protocol.h"
#include "util/cursor.h"
#include "util/strbuf.h"

struct names_channel {
	int fd;
	uint64_t deadline; /* CLOCK_MONOTONIC, ns; 0: none */
	struct strbuf in;
	size_t at;	/* of the next message in `in` */
	int descriptor; /* that came with the message; -1: none */
	bool take_descriptors;
	struct strbuf out;
};

void names_channel__init(struct names_channel *c, int fd, bool take_descriptors);
void names_channel__done(struct names_channel *c); /* closes what it holds, but not the socket */

/* Adds a message to those to be sent. 0 or -ENOMEM. */
int names_channel__add(struct names_channel *c, enum names_message type,
		       const struct strbuf *payload);
/* Sends them, with a descriptor (-1: none). Returns 0, -ETIMEDOUT, or another negative errno. */
int names_channel__send(struct names_channel *c, int descriptor);
/* Waits for the next message. Its payload is valid until the next call. Returns 0; -ECONNRESET if
 * the other side has ended, -ETIMEDOUT, -EPROTO for what is no message, or another negative
 * errno. */
int names_channel__receive(struct names_channel *c, enum names_message *type,
			   struct cursor *payload);

#endif
