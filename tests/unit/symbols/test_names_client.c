/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A names process that works, and others that end, hang, and answer nonsense. */
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "programs.h"
#include "symbols/debug_paths.h"
#include "symbols/names_client.h"
#include "symbols/names_channel.h"
#include "symbols/roots.h"
#include "symbols/sandbox.h"
#include "test.h"
#include "util/clock.h"

/* ---- a client and what it found ---- */

#define FOUND_MAX 1024

struct found {
	size_t n;
	uint64_t offsets[FOUND_MAX];
	char func[FOUND_MAX][64]; /* of the last frame; "": none */
	int frames[FOUND_MAX];
};

static void note(void *ctx, uint64_t offset, const struct code_frame *frames, int n)
{
	struct found *f = ctx;

	MUST(f->n < FOUND_MAX);
	f->offsets[f->n] = offset;
	f->frames[f->n] = n;
	snprintf(f->func[f->n], sizeof(f->func[0]), "%s",
		 n && frames[n - 1].func ? frames[n - 1].func : "");
	f->n++;
}

static int started;

static void count_start(void *ctx, pid_t pid)
{
	(void)ctx;
	CHECK(pid > 0);
	started++;
}

static struct names_client *client(int (*serve)(int fd), unsigned int deadline_ms)
{
	struct names_client *c = names_client__new(&(struct names_client_opts){
	    .started = count_start, .serve = serve, .deadline_ms = deadline_ms });

	MUST(c);
	started = 0;
	return c;
}

static struct names_stats stats(struct names_client *c)
{
	struct names_stats st;

	names_client__stats(c, &st);
	return st;
}

static int ask(struct names_client *c, struct names_file *f, const uint64_t *offsets, size_t n,
	       struct found *out)
{
	bool unsettled = false;

	*out = (struct found){ 0 };
	return names_client__look_up(c, f, offsets, n, note, out, &unsettled);
}

static uint64_t file_offset(const char *path, const char *name)
{
	struct program p = open_program(path);
	uint64_t offset = 0;

	MUST(elf__vaddr_to_offset(p.elf, function(&p, name).vaddr, &offset));
	close_program(&p);
	return offset;
}

static const char *nested(void)
{
	const char *path = in_scratch("nested");

	if (access(path, F_OK) != 0)
		MUST(run("gcc", "-O2", "-g", "-Wl,--build-id", "-o", path,
			 write_source("nested.c", nested_source), NULL));
	return path;
}

/* ---- the process itself ---- */

TEST(a_confined_process_names_code)
{
	uint64_t offsets[3] = { file_offset(nested(), "here"), file_offset(nested(), "other"), 1 };
	struct names_file f = { .number = 7, .fd = open(nested(), O_RDONLY | O_CLOEXEC) };
	struct names_client *c = client(NULL, 0);
	struct found got;
	char path[64], line[256];
	FILE *status;
	bool filtered = false, unprivileged = false;

	for (int again = 0; again < 2; again++) {
		CHECK_EQ(ask(c, &f, offsets, 3, &got), 0);
		CHECK_EQ(got.n, 3);
		CHECK_EQ(got.frames[0], 3);
		CHECK_STR(got.func[0], "outer");
		CHECK_STR(got.func[1], "other");
		CHECK_EQ(got.frames[2], 0);
	}
	CHECK_EQ(started, 1);
	CHECK_EQ(stats(c).failures, 0);
	CHECK(stats(c).loaded > 0);
	snprintf(path, sizeof(path), "/proc/%d/status", stats(c).pid);
	status = fopen(path, "re");
	while (status && fgets(line, sizeof(line), status)) {
		filtered |= !strcmp(line, "Seccomp:\t2\n");
		unprivileged |= !strcmp(line, "CapPrm:\t0000000000000000\n");
		if (!strncmp(line, "Uid:", 4) && geteuid() == 0)
			CHECK_STR(line, "Uid:\t65534\t65534\t65534\t65534\n");
		if (!strncmp(line, "NoNewPrivs:", 11))
			CHECK_STR(line, "NoNewPrivs:\t1\n");
	}
	CHECK(filtered && unprivileged);
	if (status)
		fclose(status);
	names_client__free(c);
	names_client__free(NULL);
	close(f.fd);
}

/* The process gets debug files by asking, in the order that memtrace decides. */
TEST(separate_debug_files)
{
	struct roots *roots = roots__new(4);
	struct debug_places places = { .roots = roots,
				       .root = ROOT_OWN,
				       .dir = in_scratch("debug") };
	uint64_t offset = file_offset(nested(), "here");
	struct names_file f = { .number = 1, .places = &places };
	struct names_client *c = client(NULL, 0);
	struct found got;
	char dir[PATH_MAX], path[PATH_MAX];

	snprintf(dir, sizeof(dir), "%s", in_scratch("debug"));
	snprintf(path, sizeof(path), "%s", in_scratch("stripped"));
	places.dir = dir;
	f.path = path;
	MUST(run("objcopy", "--strip-all", nested(), path, NULL));
	f.fd = open(path, O_RDONLY | O_CLOEXEC);
	CHECK_EQ(ask(c, &f, &offset, 1, &got), 0);
	CHECK_EQ(got.frames[0], 0);
	MUST(run("objcopy", "--only-keep-debug", nested(), in_scratch("copy"), NULL));
	install_by_build_id(in_scratch("copy"), dir);
	f.changed = true;
	CHECK_EQ(ask(c, &f, &offset, 1, &got), 0);
	CHECK(!f.changed);
	CHECK_EQ(got.frames[0], 3);
	CHECK_STR(got.func[0], "outer");
	names_client__free(c);
	roots__free(roots);
	close(f.fd);
}

TEST(the_process_ends_with_the_socket)
{
	struct names_file f = { .number = 7, .fd = open(nested(), O_RDONLY | O_CLOEXEC) };
	uint64_t offset = 1;
	struct found got;
	int ends[2];
	pid_t pid;
	char c;

	/* One that is killed without a chance to end its process. */
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
	pid = fork();
	if (pid == 0) {
		struct names_client *client_of_child = client(NULL, 0);

		ask(client_of_child, &f, &offset, 1, &got);
		fcntl(ends[1], F_SETFD, FD_CLOEXEC);
		pid = stats(client_of_child).pid;
		if (write(ends[1], &pid, sizeof(pid)) != sizeof(pid))
			_exit(1);
		pause();
	}
	CHECK_EQ(read(ends[0], &started, sizeof(started)), sizeof(started));
	CHECK_EQ(kill(started, 0), 0);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	/* An orphan is not ours to wait for; in a container it may stay a zombie. */
	for (int i = 0; i < 1000 && kill(started, 0) == 0; i++) {
		char path[64];
		FILE *stat;
		char state = 0;

		snprintf(path, sizeof(path), "/proc/%d/stat", started);
		stat = fopen(path, "re");
		if (!stat || fscanf(stat, "%*d %*s %c", &state) != 1 || state == 'Z') {
			if (stat)
				fclose(stat);
			break;
		}
		fclose(stat);
		poll(NULL, 0, 10);
		CHECK(i < 999);
	}
	close(ends[0]);
	close(ends[1]);
	close(f.fd);
	(void)c;
}

/* ---- what it may not do ---- */

static void open_a_file(void)
{
	if (open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0)
		_exit(1);
}

static void make_a_socket(void)
{
	if (socket(AF_INET, SOCK_STREAM, 0) >= 0)
		_exit(1);
}

static void execute(void)
{
	execl("/bin/true", "true", NULL);
}

static void map_code(void)
{
	if (mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))
		_exit(1);
}

static void write_to_a_descriptor(void)
{
	if (write(STDERR_FILENO, "x", 1))
		_exit(1);
}

static void fork_itself(void)
{
	if (fork() >= 0)
		_exit(1);
}

static void signal_another(void)
{
	kill(getppid(), 0);
}

static void use_memory(void)
{
	free(calloc(1, 1 << 20));
	_exit(7);
}

static int end_of(void (*act)(void))
{
	pid_t pid = fork();
	int status = -1;

	if (pid == 0) {
		if (sandbox__enter(&(struct sandbox_limits){ .files = 16 }))
			_exit(2);
		act();
		_exit(3);
	}
	waitpid(pid, &status, 0);
	return status;
}

TEST(forbidden_calls_end_the_process)
{
	static void (*const always[])(void) = { make_a_socket, execute };
	static void (*const without_sanitizers[])(void) = {
		open_a_file, map_code, write_to_a_descriptor, fork_itself, signal_another,
	};
	int status = end_of(use_memory);

	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 7);
	for (size_t i = 0; i < 2; i++) {
		status = end_of(always[i]);
		CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
	}
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
	for (size_t i = 0; i < 5; i++) {
		status = end_of(without_sanitizers[i]);
		CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
	}
#else
	(void)without_sanitizers;
#endif
}

/* ---- processes that fail ---- */

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
