/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What processes did, on its way to the main thread. */
#include "session/process_queue.h"

#include <poll.h>
#include <pthread.h>

#include "abi/event.h"
#include "util/array.h"

#include "test.h"

struct expected {
	uint8_t type;
	uint32_t pid;
	bool superseded, missed;
};

static void check_superseded(const struct expected *row, size_t n)
{
	struct process_queue *q = process_queue__new();
	struct process_event *events;
	size_t got;

	for (size_t i = 0; i < n; i++)
		CHECK(process_queue__push(
		    q, &(struct process_event){ .type = row[i].type, .pid = row[i].pid }));
	events = process_queue__take(q, &got);
	CHECK_EQ(got, n);
	for (size_t i = 0; i < got && i < n; i++) {
		CHECK_EQ(events[i].type, row[i].type);
		CHECK_EQ(events[i].pid, row[i].pid);
		if (events[i].superseded != row[i].superseded)
			printf("# event %zu\n", i);
		CHECK_EQ(events[i].superseded, row[i].superseded);
		CHECK_EQ(events[i].missed, row[i].missed);
	}
	free(events);
	process_queue__free(q);
}

#define CHECK_SUPERSEDED(...)                                                                      \
	check_superseded((const struct expected[]){ __VA_ARGS__ },                                 \
			 sizeof((const struct expected[]){ __VA_ARGS__ }) /                        \
			     sizeof(struct expected))

TEST(one_event_is_never_superseded)
{
	CHECK_SUPERSEDED({ EVENT_EXEC, 1, false });
}

TEST(the_last_of_those_that_read_mappings_counts)
{
	CHECK_SUPERSEDED({ EVENT_ENTER, 1, true }, { EVENT_EXEC, 1, true },
			 { EVENT_FILES, 2, false }, { EVENT_CODE, 1, true },
			 { EVENT_FILES, 1, false });
}

TEST(a_process_that_ended_is_not_read)
{
	CHECK_SUPERSEDED({ EVENT_EXEC, 1, true, true }, { EVENT_FILES, 1, true },
			 { EVENT_EXIT, 1, false }, { EVENT_EXEC, 2, false });
}

TEST(a_program_that_another_replaced_was_missed)
{
	CHECK_SUPERSEDED({ EVENT_EXEC, 1, true, true }, { EVENT_EXEC, 1, true, false },
			 { EVENT_CODE, 1, false });
	CHECK_SUPERSEDED({ EVENT_EXEC, 1, true, true }, { EVENT_FILES, 1, true },
			 { EVENT_EXEC, 1, false, false });
	CHECK_SUPERSEDED({ EVENT_EXEC, 1, true, false }, { EVENT_FILES, 1, false });
}

/* The end of the older process found no room. */
TEST(a_process_whose_pid_comes_again_was_missed)
{
	CHECK_SUPERSEDED({ EVENT_EXEC, 1, true, true }, { EVENT_FORK, 1, false },
			 { EVENT_FILES, 1, false });
}

/* Its pid comes again: the end is the older process's, but the fork is always handled. */
TEST(a_fork_is_never_superseded)
{
	CHECK_SUPERSEDED({ EVENT_FORK, 1, false }, { EVENT_EXEC, 1, true, true },
			 { EVENT_EXIT, 1, true }, { EVENT_FORK, 1, false },
			 { EVENT_FILES, 1, true }, { EVENT_FILES, 1, false });
	CHECK_SUPERSEDED({ EVENT_FORK, 1, false }, { EVENT_EXIT, 1, false });
}

/* What is mapped before a fork of the same pid is an older process's. */
TEST(a_fork_supersedes_what_came_before)
{
	CHECK_SUPERSEDED({ EVENT_FILES, 1, true }, { EVENT_EXIT, 1, true },
			 { EVENT_FORK, 1, false });
}

TEST(a_candidate_neither_supersedes_nor_is_superseded)
{
	CHECK_SUPERSEDED({ EVENT_EXEC, 1, false }, { EVENT_CANDIDATE, 1, false });
	CHECK_SUPERSEDED({ EVENT_CANDIDATE, 1, false }, { EVENT_EXEC, 1, false });
}

TEST(holds_and_parents_come_through)
{
	struct process_queue *q = process_queue__new();
	struct pollfd pfd = { .fd = process_queue__fd(q), .events = POLLIN };
	struct process_event *events;
	size_t n;

	CHECK_EQ(poll(&pfd, 1, 0), 0);
	process_queue__push(q, &(struct process_event){ .type = EVENT_EXEC, .pid = 1, .hold = 7 });
	process_queue__push(q,
			    &(struct process_event){ .type = EVENT_FORK, .pid = 2, .parent = 1 });
	CHECK_EQ(poll(&pfd, 1, 0), 1);
	events = process_queue__take(q, &n);
	CHECK_EQ(n, 2);
	CHECK_EQ(events[0].hold, 7);
	CHECK_EQ(events[1].parent, 1);
	free(events);
	CHECK_EQ(poll(&pfd, 1, 0), 0);
	CHECK(!process_queue__take(q, &n));
	CHECK_EQ(n, 0);
	process_queue__free(q);
}

TEST(what_finds_no_room_is_counted)
{
	struct process_queue *q = process_queue__new();
	struct process_event ev = { .type = EVENT_EXIT, .pid = 1 };
	size_t n;

	for (size_t i = 0; i < PROCESS_QUEUE_MAX; i++)
		process_queue__push(q, &ev);
	CHECK_EQ(process_queue__dropped(q), 0);
	CHECK(!process_queue__push(q, &ev));
	CHECK(!process_queue__push(q, &ev));
	CHECK_EQ(process_queue__dropped(q), 2);
	free(process_queue__take(q, &n));
	CHECK_EQ(n, PROCESS_QUEUE_MAX);
	CHECK(process_queue__push(q, &ev));
	CHECK_EQ(process_queue__dropped(q), 2);
	process_queue__free(q);
}

#define PUSHES 20000

static void *push_many(void *queue)
{
	for (uint32_t i = 0; i < PUSHES; i++)
		process_queue__push(queue, &(struct process_event){ .type = EVENT_FORK, .pid = i });
	return NULL;
}

TEST(threads_push_while_another_takes)
{
	struct process_queue *q = process_queue__new();
	size_t taken = 0, n;
	pthread_t threads[2];

	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_create(&threads[i], NULL, push_many, q);
	while (taken + process_queue__dropped(q) < ARRAY_SIZE(threads) * PUSHES) {
		free(process_queue__take(q, &n));
		taken += n;
	}
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_join(threads[i], NULL);
	CHECK_EQ(taken + process_queue__dropped(q), ARRAY_SIZE(threads) * PUSHES);
	process_queue__free(q);
}
