/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "symbols/names_client.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "symbols/debug_paths.h"
#include "symbols/names_channel.h"
#include "symbols/names_server.h"
#include "util/array.h"
#include "util/clock.h"
#include "util/hash.h"

/* A file has at most two debug files, with some places each. */
#define WISHES_MAX (4 * DEBUG_STEPS_MAX)
#define KILLED_MAX_MS 1000 /* until a killed process has ended */
#define ENDING_MAX_MS 300  /* until one that closed its socket has */

struct names_client {
	struct names_client_opts opts;
	struct names_channel channel;
	pid_t pid;	 /* 0: none */
	bool ready;	 /* it has said that it is confined */
	int broken;	 /* why no process can be started, a negative errno */
	uint64_t wasted; /* ms of this report */
	struct names_stats stats;
	char why[128];
};

/* What is being asked. */
struct asking {
	struct names_client *client;
	struct names_file *file;
	const uint64_t *offsets;
	size_t n, answered, wishes;
	names_found_fn found;
	void *ctx;
	bool *unsettled;
	char *debug_path; /* of the debug file that was offered last */
	int64_t debug_root;
};

struct names_client *names_client__new(const struct names_client_opts *opts)
{
	struct names_client *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->opts = *opts;
	if (!c->opts.deadline_ms)
		c->opts.deadline_ms = NAMES_DEADLINE_MS;
	names_channel__init(&c->channel, -1, false);
	return c;
}

/* ---- the process ---- */

/*
 * What the process keeps of the environment: where its libraries are and what sanitizers are told.
 * A preloaded library, which a command may be meant to have, would fall foul of the filter of
 * system calls.
 */
#define KEPT_MAX 16

static void keep_environment(char *kept[KEPT_MAX + 1])
{
	static const char *const names[] = {
		"LD_LIBRARY_PATH=", "ASAN_OPTIONS=",  "LSAN_OPTIONS=",
		"TSAN_OPTIONS=",    "UBSAN_OPTIONS=",
	};
	size_t n = 0;

	for (char **e = environ; e && *e && n < KEPT_MAX; e++)
		for (size_t i = 0; i < ARRAY_SIZE(names); i++)
			if (!strncmp(*e, names[i], strlen(names[i])) && n < KEPT_MAX)
				kept[n++] = *e;
	kept[n] = NULL;
}

/* Nothing here may allocate: other threads' locks were copied as they were. */
__attribute__((noreturn)) static void run_process(const struct names_client_opts *opts, int fd,
						  char *const *env)
{
	static char *const argv[] = { "memtrace", NAMES_SERVER_ARGUMENT, NULL };
	sigset_t blocked;
	char go;

	/* Signals for memtrace's group are not for it; it ends with the socket. */
	sigfillset(&blocked);
	sigdelset(&blocked, SIGXCPU);
	sigprocmask(SIG_SETMASK, &blocked, NULL);
	if (read(fd, &go, 1) != 1)
		_exit(1);
	if (opts->serve)
		_exit(opts->serve(fd));
	if (fd != NAMES_SERVER_FD && dup2(fd, NAMES_SERVER_FD) < 0)
		_exit(1);
	fcntl(NAMES_SERVER_FD, F_SETFD, 0);
	if (syscall(SYS_close_range, NAMES_SERVER_FD + 1, ~0u, 0) != 0)
		for (int other = NAMES_SERVER_FD + 1; other < 65536; other++)
			close(other);
	execve("/proc/self/exe", argv, env);
	_exit(127);
}

static int start_process(struct names_client *c)
{
	char *env[KEPT_MAX + 1];
	int ends[2];
	pid_t pid;

	keep_environment(env);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		return -errno;
	pid = fork();
	if (pid == 0) {
		close(ends[0]);
		run_process(&c->opts, ends[1], env);
	}
	close(ends[1]);
	if (pid < 0) {
		int err = -errno;

		close(ends[0]);
		return err;
	}
	if (c->opts.started)
		c->opts.started(c->opts.ctx, pid);
	c->pid = pid;
	c->ready = false;
	names_channel__done(&c->channel);
	names_channel__init(&c->channel, ends[0], false);
	/* If it has ended already, the first question fails. */
	send(ends[0], "g", 1, MSG_NOSIGNAL);
	return 0;
}

/* A process that cannot be killed is left alone. False if it has not ended. */
static bool reap_process(struct names_client *c, int most_ms, int *status)
{
	for (int ms = 0; ms < most_ms; ms++) {
		pid_t got = waitpid(c->pid, status, WNOHANG);

		if (got == c->pid)
			return true;
		if (got < 0 && errno != EINTR)
			break;
		usleep(1000);
	}
	return false;
}

/* Returns how it ended, as waitpid has it. */
static int end_process(struct names_client *c, bool ends_by_itself)
{
	int status = 0;

	if (!c->pid)
		return 0;
	close(c->channel.fd);
	names_channel__done(&c->channel);
	names_channel__init(&c->channel, -1, false);
	/* One that is ending by itself says why. */
	if (!ends_by_itself || !reap_process(c, ENDING_MAX_MS, &status)) {
		kill(c->pid, SIGKILL);
		reap_process(c, KILLED_MAX_MS, &status);
	}
	c->pid = 0;
	return status;
}

void names_client__free(struct names_client *c)
{
	if (!c)
		return;
	end_process(c, false);
	free(c);
}

void names_client__start(struct names_client *c)
{
	if (!c->pid)
		c->broken = start_process(c);
}

/* Ends a process that ended by itself between questions: that is no file's fault. */
static void notice_end(struct names_client *c)
{
	char byte;

	if (c->pid && c->ready && recv(c->channel.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0)
		end_process(c, false);
}

static int await_ready(struct names_client *c)
{
	enum names_message type;
	struct cursor payload;
	int err, confined;

	c->channel.deadline = clock__now_ns() + c->opts.deadline_ms * 1000000ull;
	err = names_channel__receive(&c->channel, &type, &payload);
	if (!err && (type != NAMES_READY || names_protocol__take_ready(&payload, &confined)))
		err = -EPROTO;
	if (!err && confined)
		err = confined;
	c->ready = !err;
	return err;
}

static int ensure_process(struct names_client *c)
{
	notice_end(c);
	if (!c->pid && !c->broken)
		c->broken = start_process(c);
	if (c->pid && !c->ready) {
		c->broken = await_ready(c);
		if (c->broken)
			end_process(c, false);
	}
	if (c->broken)
		snprintf(c->why, sizeof(c->why), "the process that reads them cannot start: %s",
			 strerror(-c->broken));
	return c->broken;
}

/* ---- a question ---- */

static int offer_candidate(struct asking *a, struct cursor *payload)
{
	const struct debug_places *places = a->file->places;
	struct debug_candidate found = { .fd = -1 };
	const char *from = a->file->path;
	struct debug_places its = { 0 };
	struct strbuf sb = { 0 };
	struct debug_wish wish;
	struct names_reply reply;
	unsigned int step;
	char *name = NULL;
	int err;

	err = names_protocol__take_wish(payload, &wish, &step, &name);
	if (err || !places || a->wishes++ == WISHES_MAX) {
		free(name);
		return -EPROTO;
	}
	its = *places;
	if (wish.from_debug && a->debug_path) {
		from = a->debug_path;
		its.root = a->debug_root;
	}
	err = debug_paths__open(&wish, from, &its, step, &found);
	free(name);
	reply = (struct names_reply){
		.found = !err,
		.pending = err == -EAGAIN,
		.by_link = found.by_link,
		.next = found.next,
	};
	names_protocol__put_reply(&sb, &reply);
	err = names_channel__add(&a->client->channel, NAMES_CANDIDATE, &sb);
	strbuf__free(&sb);
	if (!err)
		err = names_channel__send(&a->client->channel, found.fd);
	if (found.fd >= 0)
		close(found.fd);
	if (found.path && !wish.shared) {
		free(a->debug_path);
		a->debug_path = found.path;
		a->debug_root = found.root;
	} else {
		free(found.path);
	}
	return err;
}

static int take_code(struct asking *a, struct cursor *payload)
{
	struct names_code code;
	int err;

	if (a->answered == a->n)
		return -EPROTO;
	err = names_protocol__take_code(payload, &code);
	if (!err)
		a->found(a->ctx, a->offsets[a->answered++], code.frames, code.n);
	names_protocol__free_code(&code);
	return err ? -EPROTO : 0;
}

static int take_result(struct asking *a, struct cursor *payload)
{
	struct names_result result;

	if (names_protocol__take_result(payload, &result) || a->answered != a->n)
		return -EPROTO;
	*a->unsettled |= result.unsettled;
	a->client->stats.loaded = result.loaded;
	return 0;
}

static int send_question(struct asking *a)
{
	struct names_question q = {
		.number = a->file->number,
		.separate = a->file->places,
		.changed = a->file->changed,
		.n = a->n,
	};
	struct strbuf sb = { 0 };
	int err;

	memcpy(q.offsets, a->offsets, a->n * sizeof(*q.offsets));
	names_protocol__put_question(&sb, &q);
	err = names_channel__add(&a->client->channel, NAMES_LOOK_UP, &sb);
	strbuf__free(&sb);
	return err ? err : names_channel__send(&a->client->channel, a->file->fd);
}

/* Asks about at most NAMES_BATCH offsets. */
static int ask(struct asking *a)
{
	struct names_channel *channel = &a->client->channel;
	enum names_message type = 0;
	struct cursor payload;
	int err;

	channel->deadline = clock__now_ns() + a->client->opts.deadline_ms * 1000000ull;
	err = send_question(a);
	while (!err && type != NAMES_DONE) {
		err = names_channel__receive(channel, &type, &payload);
		if (err)
			break;
		if (type == NAMES_WISH)
			err = offer_candidate(a, &payload);
		else if (type == NAMES_CODE)
			err = take_code(a, &payload);
		else
			err = type == NAMES_DONE ? take_result(a, &payload) : -EPROTO;
	}
	if (!err)
		a->file->changed = false;
	free(a->debug_path);
	a->debug_path = NULL;
	return err;
}

/* ---- failures ---- */

static void note_failure(struct names_client *c, struct names_file *f, int err, uint64_t began)
{
	const char *name = f->path ? f->path : "a file";
	int status = end_process(c, err == -ECONNRESET);

	c->wasted += (clock__now_ns() - began) / 1000000;
	c->stats.failures++;
	if (++f->failures == NAMES_FAILURES_MAX)
		c->stats.files++;
	if (err == -ETIMEDOUT)
		snprintf(c->why, sizeof(c->why), "%s took longer than %u s", name,
			 c->opts.deadline_ms / 1000);
	else if (err == -ECONNRESET && WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL)
		snprintf(c->why, sizeof(c->why), "reading %s ended with %s", name,
			 strsignal(WTERMSIG(status)));
	else
		snprintf(c->why, sizeof(c->why), "reading %s failed: %s", name,
			 err == -ECONNRESET ? "its process ended" : strerror(-err));
}

/* What will not be answered has no name. */
static void give_up(struct asking *a, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		a->found(a->ctx, a->offsets[i], NULL, 0);
	a->client->stats.lost += to - from;
	a->file->lost |= to > from;
}

static int may_ask(struct names_client *c, const struct names_file *f)
{
	if (f->failures >= NAMES_FAILURES_MAX)
		return -ENOTRECOVERABLE;
	if (c->wasted >= NAMES_PATIENCE_MS)
		return -EAGAIN;
	return ensure_process(c);
}

int names_client__look_up(struct names_client *c, struct names_file *f, const uint64_t *offsets,
			  size_t n, names_found_fn fn, void *ctx, bool *unsettled)
{
	struct asking a = {
		.client = c, .file = f, .found = fn, .ctx = ctx, .unsettled = unsettled
	};
	size_t done = 0;
	int err;

	while (done < n) {
		uint64_t began = clock__now_ns();

		a.offsets = offsets + done;
		a.n = n - done < NAMES_BATCH ? n - done : NAMES_BATCH;
		a.answered = a.wishes = 0;
		err = may_ask(c, f);
		if (err) {
			a.n = n - done;
			if (err == -ENOTRECOVERABLE)
				give_up(&a, 0, a.n);
			else
				c->stats.lost += a.n;
			f->lost = true;
			return err;
		}
		err = ask(&a);
		done += a.answered;
		if (!err)
			continue;
		note_failure(c, f, err, began);
		/* Where it ended is skipped; at the file's very beginning, once more is tried. */
		if (a.answered && a.answered < a.n) {
			give_up(&a, a.answered, a.answered + 1);
			done++;
		}
	}
	return 0;
}

void names_client__new_report(struct names_client *c)
{
	c->wasted = 0;
	c->broken = 0;
}

void names_client__stats(const struct names_client *c, struct names_stats *out)
{
	*out = c->stats;
	out->why = c->why[0] ? c->why : NULL;
	out->pid = c->pid;
}
