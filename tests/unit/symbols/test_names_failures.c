/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names processes that die, hang, or answer what nobody asked. */
#include "clients.h"

/* What a scripted process does at a question. */
enum trick {
	ANSWER,	   /* "f" for each offset */
	END,	   /* exits */
	CRASH,	   /* by a signal */
	HANG,	   /* never answers */
	TOO_MANY,  /* answers more than was asked */
	TOO_FEW,   /* says that it is done */
	GARBAGE,   /* bytes that are no message */
	LONG_NAME, /* a name beyond the limit */
	WISH_ON,   /* wants debug files without end */
	LARGE,	   /* a message of absurd length */
	NO_FRAMES, /* more frames than there can be */
};

/* One trick for each question: a question with the offset 0x1000 + i plays tricks[i]. Others are
 * answered. */
static enum trick trick_of(uint64_t offset)
{
	return offset >= 0x1000 && offset <= 0x1000 + NO_FRAMES ? (enum trick)(offset - 0x1000)
								: ANSWER;
}

static void send_code(struct names_channel *ch, const char *func, size_t len)
{
	char name[10000];
	struct code_frame frame = { .func = name, .line = 3, .exact = true };
	struct strbuf sb = { 0 };

	snprintf(name, sizeof(name), "%s", func);
	if (len) {
		memset(name, 'x', len);
		name[len] = '\0';
		/* Past the writer's own limit. */
		strbuf__add(&sb, "\x01\xd1\x0f", 3);
		strbuf__add(&sb, name, len);
		strbuf__add(&sb, "\0\0\0", 3);
	} else {
		names_protocol__put_code(&sb, &frame, 1);
	}
	names_channel__add(ch, NAMES_CODE, &sb);
	strbuf__free(&sb);
}

static void send_done(struct names_channel *ch)
{
	struct strbuf sb = { 0 };

	names_protocol__put_result(&sb, &(struct names_result){ .loaded = 1 });
	names_channel__add(ch, NAMES_DONE, &sb);
	names_channel__send(ch, -1);
	strbuf__free(&sb);
}

static void play(struct names_channel *ch, int fd, enum trick trick)
{
	struct debug_wish wish = { .id_len = 20, .name = "../../etc/shadow" };
	struct strbuf sb = { 0 };
	sigset_t none;

	sigemptyset(&none);
	switch (trick) {
	case ANSWER:
		send_code(ch, "f", 0);
		break;
	case END:
		names_channel__send(ch, -1);
		_exit(0);
	case CRASH:
		names_channel__send(ch, -1);
		signal(SIGSEGV, SIG_DFL);
		sigprocmask(SIG_SETMASK, &none, NULL);
		raise(SIGSEGV);
		_exit(1);
	case HANG:
		names_channel__send(ch, -1);
		for (;;)
			pause();
	case TOO_MANY:
		for (int i = 0; i < 1000; i++)
			send_code(ch, "more", 0);
		break;
	case TOO_FEW:
		send_done(ch);
		break;
	case GARBAGE:
		for (int i = 0; i < 4096; i++)
			strbuf__addc(&ch->out, (char)(i * 37 + 200));
		names_channel__send(ch, -1);
		break;
	case LONG_NAME:
		send_code(ch, "", 2001);
		send_code(ch, "", 9000);
		break;
	case WISH_ON:
		names_protocol__put_wish(&sb, &wish, 0);
		for (int i = 0; i < 1000; i++)
			names_channel__add(ch, NAMES_WISH, &sb);
		names_channel__send(ch, -1);
		break;
	case LARGE:
		strbuf__add(&ch->out, "\x04\0\0\0\xff\xff\xff\x7f", 8);
		names_channel__send(ch, -1);
		break;
	case NO_FRAMES:
		strbuf__add(&sb, "\x21", 1);
		for (int i = 0; i < 33; i++)
			strbuf__add(&sb, "\0\0\0\0", 4);
		names_channel__add(ch, NAMES_CODE, &sb);
		break;
	}
	strbuf__free(&sb);
	(void)fd;
}

static int tricky_process(int fd)
{
	struct names_channel ch;
	struct names_question q;
	struct strbuf sb = { 0 };
	enum names_message type;
	struct cursor c;

	names_channel__init(&ch, fd, true);
	names_protocol__put_ready(&sb, 0);
	names_channel__add(&ch, NAMES_READY, &sb);
	names_channel__send(&ch, -1);
	while (!names_channel__receive(&ch, &type, &c)) {
		if (type != NAMES_LOOK_UP || names_protocol__take_question(&c, &q))
			continue; /* the rest of an answer that nobody reads */
		for (size_t i = 0; i < q.n; i++)
			play(&ch, fd, trick_of(q.offsets[i]));
		send_done(&ch);
	}
	return 0;
}

TEST(a_process_that_answers)
{
	struct names_file f = { .number = 1, .fd = 0 };
	struct names_client *c = client(tricky_process, 0);
	uint64_t offsets[600];
	struct found got;

	for (size_t i = 0; i < 600; i++)
		offsets[i] = 0x100000 + i * i;
	CHECK_EQ(ask(c, &f, offsets, 600, &got), 0);
	CHECK_EQ(got.n, 600);
	for (size_t i = 0; i < 600; i++) {
		CHECK_EQ(got.offsets[i], offsets[i]);
		CHECK_STR(got.func[i], "f");
	}
	CHECK_EQ(started, 1);
	CHECK_EQ(stats(c).lost, 0);
	CHECK(!stats(c).why);
	names_client__free(c);
}

/* Each failure is survived, the process is started again, and the second leaves the file alone. */
TEST(a_file_that_makes_its_process_fail_twice_is_left_alone)
{
	static const struct {
		enum trick trick;
		const char *why;
	} rows[] = {
		{ END, "its process ended" },	 { CRASH, "Segmentation fault" },
		{ HANG, "longer than" },	 { TOO_FEW, "Protocol error" },
		{ GARBAGE, "Protocol error" },	 { LONG_NAME, "Protocol error" },
		{ WISH_ON, "Protocol error" },	 { LARGE, "Protocol error" },
		{ NO_FRAMES, "Protocol error" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct names_client *c =
		    client(tricky_process, rows[i].trick == HANG ? 300 : 20000);
		struct names_file bad = { .number = 1, .fd = 0, .path = "/lib/bad.so" };
		struct names_file good = { .number = 2, .fd = 0, .path = "/lib/good.so" };
		uint64_t offset = 0x1000 + rows[i].trick, plain = 0x10;
		struct found got;

		CHECK_EQ(ask(c, &bad, &offset, 1, &got), -ENOTRECOVERABLE);
		CHECK_EQ(started, 2);
		CHECK_EQ(stats(c).failures, 2);
		CHECK_EQ(stats(c).files, 1);
		CHECK_EQ(stats(c).lost, 1);
		CHECK(bad.lost);
		CHECK(stats(c).why && strstr(stats(c).why, "/lib/bad.so"));
		if (!stats(c).why || !strstr(stats(c).why, rows[i].why)) {
			printf("# row %zu: %s\n", i, stats(c).why);
			CHECK(!"the reason");
		}
		/* What it could not answer is told once for good. */
		CHECK_EQ(got.n, 1);
		/* Other files are still read; this one is not, whatever is asked. */
		CHECK_EQ(ask(c, &good, &plain, 1, &got), 0);
		CHECK_STR(got.func[0], "f");
		CHECK(!good.lost);
		CHECK_EQ(ask(c, &bad, &plain, 1, &got), -ENOTRECOVERABLE);
		CHECK_EQ(got.n, 1);
		CHECK_EQ(got.frames[0], 0);
		CHECK_EQ(started, 3);
		names_client__free(c);
	}
}

TEST(answers_to_what_was_not_asked)
{
	struct names_file f = { .number = 1, .fd = 0 };
	struct names_client *c = client(tricky_process, 0);
	uint64_t offset = 0x1000 + TOO_MANY;
	struct found got;

	CHECK_EQ(ask(c, &f, &offset, 1, &got), 0);
	CHECK_EQ(got.n, 1);
	CHECK_EQ(stats(c).failures, 1);
	CHECK_EQ(ask(c, &f, &offset, 1, &got), 0);
	CHECK_EQ(got.n, 1);
	CHECK_EQ(stats(c).files, 1);
	CHECK_EQ(started, 2);
	names_client__free(c);
}

/* What was answered before a failure is kept, and what failed is skipped. */
TEST(a_single_name_costs_only_itself)
{
	struct names_file f = { .number = 1, .fd = 0 };
	struct names_client *c = client(tricky_process, 0);
	uint64_t offsets[] = { 1, 2, 0x1000 + CRASH, 4, 5 };
	struct found got;

	CHECK_EQ(ask(c, &f, offsets, 5, &got), 0);
	CHECK_EQ(got.n, 5);
	for (size_t i = 0; i < 5; i++) {
		CHECK_EQ(got.offsets[i], offsets[i]);
		CHECK_STR(got.func[i], i == 2 ? "" : "f");
	}
	CHECK_EQ(stats(c).lost, 1);
	CHECK(f.lost);
	CHECK_EQ(stats(c).failures, 1);
	CHECK_EQ(stats(c).files, 0);
	CHECK_EQ(started, 2);
	names_client__free(c);
}

TEST(a_report_loses_patience)
{
	struct names_client *c = client(tricky_process, NAMES_PATIENCE_MS + 100);
	struct names_file hangs = { .number = 1, .fd = 0 }, good = { .number = 2, .fd = 0 };
	uint64_t hang = 0x1000 + HANG, plain = 0x10;
	struct found got;

	CHECK_EQ(ask(c, &hangs, &hang, 1, &got), -EAGAIN);
	CHECK_EQ(got.n, 0); /* later, it may be known */
	CHECK_EQ(ask(c, &good, &plain, 1, &got), -EAGAIN);
	CHECK_EQ(stats(c).lost, 2);
	CHECK(hangs.lost && good.lost);
	names_client__new_report(c);
	CHECK_EQ(ask(c, &good, &plain, 1, &got), 0);
	CHECK_STR(got.func[0], "f");
	names_client__free(c);
}

TEST(a_process_that_ended_between_questions_is_started_again)
{
	struct names_client *c = client(tricky_process, 0);
	struct names_file f = { .number = 1, .fd = 0 };
	uint64_t plain = 0x10;
	struct found got;
	siginfo_t si;

	CHECK_EQ(ask(c, &f, &plain, 1, &got), 0);
	kill(stats(c).pid, SIGKILL);
	waitid(P_PID, (id_t)stats(c).pid, &si, WEXITED | WNOWAIT);
	CHECK_EQ(ask(c, &f, &plain, 1, &got), 0);
	CHECK_STR(got.func[0], "f");
	CHECK_EQ(started, 2);
	CHECK_EQ(stats(c).failures, 0);
	CHECK_EQ(f.failures, 0);
	names_client__free(c);
}

static int cannot_be_confined(int fd)
{
	struct names_channel ch;
	struct strbuf sb = { 0 };

	names_channel__init(&ch, fd, true);
	names_protocol__put_ready(&sb, -EPERM);
	names_channel__add(&ch, NAMES_READY, &sb);
	return names_channel__send(&ch, -1) != 0;
}

TEST(a_process_that_cannot_be_confined_reads_nothing)
{
	struct names_client *c = client(cannot_be_confined, 0);
	struct names_file f = { .number = 1, .fd = 0 };
	uint64_t plain = 0x10;
	struct found got;

	CHECK_EQ(ask(c, &f, &plain, 1, &got), -EPERM);
	CHECK_EQ(ask(c, &f, &plain, 1, &got), -EPERM);
	CHECK_EQ(started, 1); /* once a report */
	CHECK_EQ(f.failures, 0);
	CHECK(strstr(stats(c).why, "Operation not permitted"));
	names_client__free(c);
}
