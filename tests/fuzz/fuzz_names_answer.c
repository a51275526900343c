/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arbitrary messages under libFuzzer, as a names process that a hostile file has taken over may
 * send them: through a socket, in pieces, and each as every kind of message.
 */
#include "fuzz.h"

#include <sys/socket.h>

#include "symbols/debug_paths.h"
#include "symbols/names_channel.h"
#include "util/clock.h"

static void take_code(struct cursor c)
{
	struct names_code code;
	int err = names_protocol__take_code(&c, &code);

	require(code.n >= 0 && code.n <= CODE_FRAMES_MAX);
	for (int i = 0; i < code.n; i++) {
		require(err || read_through(code.frames[i].func) + 1 > 0);
		require(err || !code.frames[i].func ||
			strlen(code.frames[i].func) < NAMES_TEXT_MAX);
		require(err || !code.frames[i].file ||
			strlen(code.frames[i].file) < NAMES_TEXT_MAX);
		require(code.frames[i].inlined == (i < code.n - 1) || err);
	}
	names_protocol__free_code(&code);
}

static void take_wish(struct cursor c)
{
	struct debug_wish wish;
	unsigned int step;
	char *name = NULL;

	if (!names_protocol__take_wish(&c, &wish, &step, &name)) {
		require(step <= DEBUG_STEPS_MAX && wish.id_len <= DEBUG_ID_MAX);
		/* A link leads to no other directory. */
		require(wish.shared || !name || !strchr(name, '/'));
	}
	free(name);
}

static void take_rest(struct cursor c)
{
	struct cursor again = c;
	struct names_result result;
	int confined;

	names_protocol__take_result(&c, &result);
	if (!names_protocol__take_ready(&again, &confined))
		require(confined <= 0 && confined >= -4095);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct names_channel channel;
	enum names_message type;
	struct cursor payload = cursor__of(data, size);
	int ends[2];

	take_code(payload);
	take_wish(payload);
	take_rest(payload);
	if (size > 65536)
		return 0;
	require(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
	require(write(ends[1], data, size) == (ssize_t)size);
	close(ends[1]);
	names_channel__init(&channel, ends[0], false);
	channel.deadline = clock__now_ns() + 10000000000ull;
	while (!names_channel__receive(&channel, &type, &payload)) {
		require(cursor__left(&payload) <= NAMES_PAYLOAD_MAX);
		take_code(payload);
		take_wish(payload);
	}
	names_channel__done(&channel);
	close(ends[0]);
	return 0;
}
