/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where debug files of a container are looked for, and where they are not. */
#include <time.h>

#include "programs.h"
#include "rooted.h"
#include "symbols/checksums.h"
#include "symbols/debug_file.h"
#include "symbols/roots.h"
#include "test.h"

/*
 * A container whose /bin/program was stripped. Its debug directory has the same name as ours, below
 * its own root.
 */
struct box {
	pid_t pid;
	struct roots *roots;
	struct debug_places places;
	char dir[PATH_MAX], inside[PATH_MAX + 256]; /* debug directory, ours and its own */
	char debug[PATH_MAX]; /* the debug file, kept where nothing looks for it */
	int fd;
	struct elf *elf;
};

static bool open_box(struct box *b)
{
	memset(b, 0, sizeof(*b));
	run("rm", "-rf", in_scratch("box"), in_scratch("debug"), in_scratch("bin"), NULL);
	snprintf(b->dir, sizeof(b->dir), "%s", in_scratch("debug"));
	snprintf(b->inside, sizeof(b->inside), "%s%s", in_scratch("box"), b->dir);
	snprintf(b->debug, sizeof(b->debug), "%s", in_scratch("kept.debug"));
	MUST(run("mkdir", "-p", b->inside, in_scratch("box/bin"), b->dir, in_scratch("bin"), NULL));
	MUST(run("gcc", "-O2", "-g", "-Wl,--build-id", "-o", in_scratch("whole"),
		 write_source("nested.c", nested_source), NULL));
	MUST(run("objcopy", "--only-keep-debug", in_scratch("whole"), b->debug, NULL));
	MUST(run("objcopy", "--strip-all", in_scratch("whole"), in_scratch("box/bin/program"),
		 NULL));
	MUST(chdir(in_scratch("")) == 0);
	MUST(run("objcopy", "--add-gnu-debuglink=kept.debug", in_scratch("box/bin/program"), NULL));
	b->pid = live_below(in_scratch("box"));
	if (b->pid < 0)
		return false;
	b->roots = roots__new(4);
	MUST(b->roots);
	b->places = (struct debug_places){
		.roots = b->roots,
		.root = roots__add(b->roots, b->pid),
		.dir = b->dir,
	};
	CHECK_EQ(b->places.root, 1);
	b->fd = open(in_scratch("box/bin/program"), O_RDONLY | O_CLOEXEC);
	b->elf = elf__open(b->fd);
	MUST(b->elf);
	return true;
}

static void close_box(struct box *b)
{
	elf__close(b->elf);
	close(b->fd);
	roots__free(b->roots);
	if (b->pid > 0)
		end_life(b->pid);
}

/* Where the debug file was found: the root's number, or a negative errno. */
static int64_t find_root(struct box *b)
{
	struct debug_file f = debug_file__find(b->elf, "/bin/program", &b->places);
	int64_t root = f.fd < 0 ? f.fd : f.root;

	CHECK_EQ(f.fd < 0, f.path == NULL);
	debug_file__done(&f);
	debug_file__done(&f);
	return root;
}

static void copy_to(const struct box *b, const char *path)
{
	MUST(run("cp", b->debug, path, NULL));
}

/* Puts a copy where a build ID leads to, below a directory. */
static void install(const struct box *b, const char *dir)
{
	copy_to(b, in_scratch("copy"));
	install_by_build_id(in_scratch("copy"), dir);
}

TEST(the_containers_own_debug_file_comes_first)
{
	struct box b;

	if (!open_box(&b))
		SKIP("chroot needs root or a user namespace");
	CHECK_EQ(find_root(&b), -ENOENT);
	install(&b, b.dir);
	CHECK_EQ(find_root(&b), ROOT_OWN); /* by build ID, the host's is used */
	install(&b, b.inside);
	CHECK_EQ(find_root(&b), 1);
	MUST(run("rm", "-r", b.inside, NULL));
	copy_to(&b, in_scratch("box/bin/kept.debug"));
	CHECK_EQ(find_root(&b), 1);
	/* Its processes have ended. */
	end_life(b.pid);
	b.pid = 0;
	CHECK_EQ(find_root(&b), 1);
	MUST(unlink(in_scratch("box/bin/kept.debug")) == 0);
	CHECK_EQ(find_root(&b), ROOT_OWN);
	b.places.root = -1;
	CHECK_EQ(find_root(&b), ROOT_OWN);
	close_box(&b);
}

TEST(paths_of_the_host_mean_nothing)
{
	char path[PATH_MAX + 256];
	struct box b;

	if (!open_box(&b))
		SKIP("chroot needs root or a user namespace");
	/* Next to the host's file of that path: it is the right one, but that is not known. */
	snprintf(path, sizeof(path), "%s/bin", b.dir);
	MUST(mkdir(path, 0755) == 0);
	strcat(path, "/kept.debug");
	copy_to(&b, path);
	CHECK_EQ(find_root(&b), -ENOENT);
	b.places.root = ROOT_OWN;
	CHECK_EQ(find_root(&b), ROOT_OWN);
	close_box(&b);
}

TEST(links_of_a_container_stay_in_it)
{
	char path[PATH_MAX + 512];
	struct box b;

	if (!open_box(&b))
		SKIP("chroot needs root or a user namespace");
	MUST(symlink(b.debug, in_scratch("box/bin/kept.debug")) == 0);
	MUST(mkdir(in_scratch("box/bin/.debug"), 0755) == 0);
	snprintf(path, sizeof(path), "../../../../../../../..%s", b.debug);
	MUST(symlink(path, in_scratch("box/bin/.debug/kept.debug")) == 0);
	CHECK_EQ(find_root(&b), -ENOENT);
	/* The whole debug directory, too. */
	install(&b, in_scratch("host-only"));
	MUST(rmdir(b.inside) == 0);
	MUST(symlink(in_scratch("host-only"), b.inside) == 0);
	CHECK_EQ(find_root(&b), -ENOENT);
	/* The same link is followed if it leads to something inside the container. */
	snprintf(path, sizeof(path), "%s%s", in_scratch("box"), in_scratch("host-only"));
	install(&b, path);
	CHECK_EQ(find_root(&b), 1);
	close_box(&b);
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* No file here has a build ID, so the checksum of the whole file has to match. */
TEST(a_wrong_file_in_the_place_of_a_debug_file)
{
	double began = seconds();
	const char *place;
	struct box b;

	if (!open_box(&b))
		SKIP("chroot needs root or a user namespace");
	place = in_scratch("box/bin/kept.debug");
	MUST(mkfifo(place, 0600) == 0);
	CHECK_EQ(find_root(&b), -ENOENT);
	MUST(unlink(place) == 0 && mkdir(place, 0700) == 0);
	CHECK_EQ(find_root(&b), -ENOENT);
	MUST(rmdir(place) == 0 && symlink("/dev/zero", place) == 0);
	CHECK_EQ(find_root(&b), -ENOENT);
	MUST(unlink(place) == 0 && symlink("kept.debug", place) == 0);
	CHECK_EQ(find_root(&b), -ENOENT);
	MUST(unlink(place) == 0);
	write_bytes(place, "", 0);
	CHECK_EQ(find_root(&b), -ENOENT);
	if (truncate(place, 4ll << 40) == 0) /* 4 TiB of nothing */
		CHECK_EQ(find_root(&b), -ENOENT);
	MUST(run("cp", in_scratch("nested.c"), place, NULL));
	CHECK_EQ(find_root(&b), -ENOENT);
	CHECK(seconds() - began < 30);
	close_box(&b);
}

/* ---- checksums ---- */

TEST(a_debug_link_to_a_large_file_that_is_no_debug_file)
{
	struct checksums *sums = checksums__new();
	struct box b;
	int fd;

	if (!open_box(&b))
		SKIP("chroot needs root or a user namespace");
	b.places.checksums = sums;
	fd = open(in_scratch("box/bin/kept.debug"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	MUST(fd >= 0 && ftruncate(fd, 1ll << 30) == 0);
	close(fd);
	CHECK_EQ(find_root(&b), -ENOENT);
	CHECK_EQ(checksums__read(sums), 0);
	close_box(&b);
	checksums__free(sums);
}
