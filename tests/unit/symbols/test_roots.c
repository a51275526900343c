/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Paths below another process's root, which no link leads out of. */
#include "rooted.h"
#include "symbols/roots.h"
#include "test.h"

static int try(struct roots *r, int64_t root, const char *path)
{
	struct stat st;
	int fd = roots__open(r, root, path, &st);

	if (fd >= 0)
		close(fd);
	return fd < 0 ? fd : 0;
}

/* The first word of a file; "" if it could not be opened. */
static const char *text(struct roots *r, int64_t root, const char *path)
{
	static char word[32];
	struct stat st;
	int fd = roots__open(r, root, path, &st);
	ssize_t n = fd >= 0 ? read(fd, word, sizeof(word) - 1) : -1;

	word[n > 0 ? n : 0] = '\0';
	if (fd >= 0) {
		CHECK_EQ(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
		close(fd);
	}
	return word;
}

static void make_link(const char *to, const char *name)
{
	MUST(symlink(to, in_scratch(name)) == 0);
}

/* "cage", with links that point to the "secret" next to it. */
static const char *cage(void)
{
	static char path[PATH_MAX];
	char up[PATH_MAX + 64];

	if (path[0])
		return path;
	snprintf(path, sizeof(path), "%s", in_scratch("cage"));
	MUST(mkdir(path, 0755) == 0 && mkdir(in_scratch("cage/data"), 0755) == 0);
	write_source("secret", "secret");
	write_source("cage/data/file", "inside");
	make_link("/data/file", "cage/data/absolute");
	make_link("../../../../../../../../data/file", "cage/data/up");
	make_link(in_scratch("secret"), "cage/data/out");
	snprintf(up, sizeof(up), "../../../../../../../..%s", in_scratch("secret"));
	make_link(up, "cage/data/up-and-out");
	make_link("../..", "cage/data/parent");
	make_link("loop", "cage/data/loop");
	MUST(mkfifo(in_scratch("cage/data/fifo"), 0600) == 0);
	return path;
}

TEST(our_own_root)
{
	struct roots *r = roots__new(4);
	struct roots_stats st;

	MUST(r);
	write_source("plain", "plain");
	CHECK_STR(text(r, ROOT_OWN, in_scratch("plain")), "plain");
	CHECK_EQ(roots__add(r, getpid()), ROOT_OWN);
	CHECK_EQ(roots__add(r, getpid()), ROOT_OWN);
	roots__stats(r, &st);
	CHECK_EQ(st.open, 1);
	CHECK_EQ(st.closed, 0);
	CHECK_EQ(try(r, -1, in_scratch("plain")), -ENOENT);
	CHECK_EQ(try(r, 1, in_scratch("plain")), -ESTALE);
	CHECK_EQ(try(r, 1ll << 40, in_scratch("plain")), -ESTALE);
	CHECK_EQ(roots__add(r, 0x7ffffffe), -ENOENT);
	/* The links of /proc lead past every root. */
	CHECK_EQ(try(r, ROOT_OWN, "/proc/self/root/etc/passwd"), -ELOOP);
	CHECK_EQ(try(r, ROOT_OWN, "/proc/self/exe"), -ELOOP);
	roots__free(r);
	roots__free(NULL);
}

TEST(no_link_leads_out_of_a_root)
{
	struct roots *r = roots__new(4);
	pid_t pid = live_below(cage());
	int64_t root;

	if (pid < 0)
		SKIP("chroot needs root or a user namespace");
	MUST(r);
	root = roots__add(r, pid);
	CHECK_EQ(root, 1);
	CHECK_STR(text(r, root, "/data/file"), "inside");
	CHECK_STR(text(r, root, "data/file"), "inside");
	CHECK_STR(text(r, root, "/../../data/file"), "inside");
	CHECK_STR(text(r, root, "/data/absolute"), "inside");
	CHECK_STR(text(r, root, "/data/up"), "inside");
	CHECK_STR(text(r, root, "/data/parent/data/file"), "inside");
	/* These exist for us, but not below the root. */
	CHECK_STR(text(r, ROOT_OWN, in_scratch("cage/data/out")), "secret");
	CHECK_STR(text(r, ROOT_OWN, in_scratch("cage/data/up-and-out")), "secret");
	CHECK_EQ(try(r, root, "/data/out"), -ENOENT);
	CHECK_EQ(try(r, root, "/data/up-and-out"), -ENOENT);
	CHECK_EQ(try(r, root, "/data/parent/secret"), -ENOENT);
	CHECK_EQ(try(r, root, "/../secret"), -ENOENT);
	CHECK_EQ(try(r, root, in_scratch("secret")), -ENOENT);
	CHECK_EQ(try(r, root, "/data/loop"), -ELOOP);
	/* Never opened: it would block, or is not a file. */
	CHECK_EQ(try(r, root, "/data/fifo"), -EACCES);
	CHECK_EQ(try(r, root, "/data"), -EACCES);
	CHECK_EQ(try(r, root, "/data/file/x"), -ENOTDIR);

	/* The process ends, but its root stays. */
	end_life(pid);
	CHECK_EQ(roots__add(r, pid), -ENOENT);
	CHECK_STR(text(r, root, "/data/absolute"), "inside");
	CHECK_EQ(try(r, root, "/data/out"), -ENOENT);
	roots__free(r);
}

TEST(processes_share_a_root)
{
	struct roots *r = roots__new(4);
	pid_t one = live_below(cage()), two = live_below(cage()), other;
	struct roots_stats st;

	if (one < 0)
		SKIP("chroot needs root or a user namespace");
	other = live_below(in_scratch("cage/data"));
	MUST(r);
	CHECK_EQ(roots__add(r, one), 1);
	CHECK_EQ(roots__add(r, two), 1);
	CHECK_EQ(roots__add(r, other), 2);
	CHECK_EQ(roots__add(r, one), 1);
	CHECK_EQ(roots__add(r, getpid()), ROOT_OWN);
	roots__stats(r, &st);
	CHECK_EQ(st.open, 3);
	CHECK_STR(text(r, 2, "/file"), "inside");
	end_life(one);
	end_life(two);
	end_life(other);
	roots__free(r);
}

TEST(beyond_the_maximum_the_oldest_root_is_closed)
{
	struct roots *r = roots__new(2);
	char name[32];
	pid_t pid[3];
	struct roots_stats st;

	for (int i = 0; i < 3; i++) {
		snprintf(name, sizeof(name), "root%d", i);
		MUST(mkdir(in_scratch(name), 0755) == 0);
		pid[i] = live_below(in_scratch(name));
		strcat(name, "/file");
		write_source(name, name);
	}
	if (pid[0] < 0)
		SKIP("chroot needs root or a user namespace");
	MUST(r);
	CHECK_EQ(roots__add(r, pid[0]), 1);
	CHECK_EQ(roots__add(r, pid[1]), 2);
	CHECK_STR(text(r, 1, "/file"), "root0/file"); /* the most recently used */
	CHECK_EQ(roots__add(r, pid[2]), 3);
	CHECK_EQ(try(r, 2, "/file"), -ESTALE);
	CHECK_STR(text(r, 1, "/file"), "root0/file");
	CHECK_STR(text(r, 3, "/file"), "root2/file");
	CHECK_STR(text(r, ROOT_OWN, in_scratch("root1/file")), "root1/file");
	roots__stats(r, &st);
	CHECK_EQ(st.open, 3);
	CHECK_EQ(st.closed, 1);
	/* Numbers are not reused. */
	CHECK_EQ(roots__add(r, pid[1]), 4);
	CHECK_EQ(try(r, 1, "/file"), -ESTALE);
	CHECK_EQ(try(r, 2, "/file"), -ESTALE);
	CHECK_STR(text(r, 4, "/file"), "root1/file");
	for (int i = 0; i < 3; i++)
		end_life(pid[i]);
	roots__free(r);
}

/* In the same mount namespace, maps shows the whole path of what a chrooted process has mapped. */
TEST(paths_as_the_root_sees_them)
{
	struct roots *r = roots__new(4);
	pid_t pid = live_below(cage());
	char path[PATH_MAX + 64];

	if (pid < 0)
		SKIP("chroot needs root or a user namespace");
	MUST(r);
	CHECK_EQ(roots__add(r, pid), 1);
	snprintf(path, sizeof(path), "%s/data/file", cage());
	CHECK_STR(roots__inside(r, 1, path), "/data/file");
	CHECK_STR(roots__inside(r, 1, "/data/file"), "/data/file");
	CHECK_STR(roots__inside(r, ROOT_OWN, path), path);
	CHECK_STR(roots__inside(r, -1, path), path);
	CHECK_STR(roots__inside(r, 7, path), path);
	snprintf(path, sizeof(path), "%s-beside/file", cage());
	CHECK_STR(roots__inside(r, 1, path), path);
	end_life(pid);
	roots__free(r);
}
