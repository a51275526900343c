/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A names process that works, and others that end, hang, and answer nonsense. */
#include "clients.h"

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
