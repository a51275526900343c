/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reports are put into place whole, or not at all. */
#include "run/output.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test.h"

#define LIMIT 65536

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");

	CHECK(f && fputs(text, f) >= 0);
	if (f)
		fclose(f);
}

static void check_file(const char *path, const char *want)
{
	char got[64] = "";
	FILE *f = fopen(path, "re");

	CHECK(f);
	if (f) {
		got[fread(got, 1, sizeof(got) - 1, f)] = '\0';
		fclose(f);
	}
	CHECK_STR(got, want);
}

/* Entries of a folder. */
static int count_files(const char *path)
{
	DIR *d = opendir(path);
	int n = 0;

	while (d && readdir(d))
		n++;
	if (d)
		closedir(d);
	return n - 2;
}

/* A folder of the test's own, and the path of a file in it. */
struct place {
	char folder[64], path[80];
};

static struct place make_place(void)
{
	struct place p = { .folder = "/tmp/memtrace-output.XXXXXX" };

	CHECK(mkdtemp(p.folder));
	snprintf(p.path, sizeof(p.path), "%s/report", p.folder);
	return p;
}

static void remove_place(const struct place *p)
{
	unlink(p->path);
	CHECK_EQ(rmdir(p->folder), 0);
}

TEST(a_report_appears_when_it_is_complete)
{
	struct place p = make_place();
	struct output *o = output__open(p.path);

	CHECK(o);
	fputs("new", output__stream(o));
	CHECK_EQ(output__flush(o), 0);
	CHECK(access(p.path, F_OK) != 0);
	CHECK_EQ(output__commit(o), 0);
	check_file(p.path, "new");
	output__free(o);
	check_file(p.path, "new");
	CHECK_EQ(count_files(p.folder), 1);
	remove_place(&p);
}

TEST(without_a_commit_the_old_report_stays)
{
	struct place p = make_place();
	struct output *o;

	write_file(p.path, "old");
	o = output__open(p.path);
	fputs("new", output__stream(o));
	output__free(o);
	check_file(p.path, "old");
	CHECK_EQ(count_files(p.folder), 1);
	remove_place(&p);
}

/* Writes more than a file may have here, as on a full file system. 0 or a negative errno. */
static int write_too_much(const char *path, bool flush)
{
	struct rlimit was, limit;
	struct output *o;
	int err;

	signal(SIGXFSZ, SIG_IGN);
	CHECK_EQ(getrlimit(RLIMIT_FSIZE, &was), 0);
	limit = was;
	limit.rlim_cur = LIMIT;
	CHECK_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
	o = output__open(path);
	CHECK(o);
	for (int i = 0; o && i < 2 * LIMIT; i++)
		fputc('x', output__stream(o));
	if (flush)
		CHECK_EQ(output__flush(o), -EFBIG);
	err = output__commit(o);
	output__free(o);
	CHECK_EQ(setrlimit(RLIMIT_FSIZE, &was), 0);
	return err;
}

TEST(a_report_that_failed_to_be_written_is_not_put_into_place)
{
	struct place p = make_place();

	CHECK(write_too_much(p.path, false) < 0);
	CHECK_EQ(count_files(p.folder), 0);
	write_file(p.path, "old");
	CHECK(write_too_much(p.path, false) < 0);
	check_file(p.path, "old");
	CHECK(write_too_much(p.path, true) < 0);
	check_file(p.path, "old");
	CHECK_EQ(count_files(p.folder), 1);
	remove_place(&p);
}

TEST(a_pipe_is_written_as_it_is)
{
	struct place p = make_place();
	struct output *o;
	char got[8] = "";
	int fd;

	CHECK_EQ(mkfifo(p.path, 0600), 0);
	fd = open(p.path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	o = output__open(p.path);
	CHECK(o);
	fputs("new", output__stream(o));
	CHECK_EQ(output__commit(o), 0);
	CHECK_EQ(read(fd, got, sizeof(got)), 3);
	output__free(o);
	close(fd);
	CHECK_EQ(count_files(p.folder), 1);
	remove_place(&p);
}

TEST(what_cannot_be_opened)
{
	CHECK(!output__open("/"));
	CHECK_EQ(errno, EISDIR);
	CHECK(!output__open("/nonexistent/report"));
	CHECK_EQ(errno, ENOENT);
}
