/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Opens the files that a process has mapped. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "symbols/module_internal.h"
#include "symbols/roots.h"
#include "util/file.h"

#define VDSO_MAX (1u << 20)

/*
 * Returns whether a file found by its path is the mapped one. An overlay or a btrfs subvolume shows
 * one device in maps and another to stat, neither of them a block device's (major 0): then only the
 * inode number has to match.
 */
static bool is_mapped_file(const struct stat *st, uint64_t dev, uint64_t ino)
{
	return st->st_ino == ino && (st->st_dev == dev || !major(dev) || !major(st->st_dev));
}

/* Opens the mapped file itself, or its path if map_files may not be read. */
int module__open_mapped(const struct mapped_file *f, struct roots *roots)
{
	char proc[96];
	struct stat st = { 0 };
	int64_t root;
	int fd, refused;

	if (f->unread)
		return -EREMOTE;
	snprintf(proc, sizeof(proc), "/proc/%d/map_files/%llx-%llx", f->pid,
		 (unsigned long long)f->start, (unsigned long long)f->end);
	fd = file__open_regular(proc, 0, &st);
	if (st.st_mode && !S_ISREG(st.st_mode))
		return -ENODEV;
	if (fd >= 0 || f->path[0] != '/')
		return fd;
	refused = fd;
	root = roots__add(roots, f->pid);
	if (root < 0)
		return (int)root;
	fd = roots__open(roots, root, roots__inside(roots, root, f->path), &st);
	if (fd >= 0 && !is_mapped_file(&st, f->dev, f->ino)) {
		close(fd);
		fd = -ESTALE;
	}
	/* Where no path leads to it, it could be opened if that were permitted. */
	if ((fd == -ENOENT || fd == -ESTALE) && (refused == -EPERM || refused == -EACCES))
		return -EPERM;
	return fd;
}

static uint64_t ns_of(struct statx_timestamp t)
{
	return (uint64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* If the file system does not record birth times, the last change of the inode is an upper bound:
 * it cannot precede the file's creation. */
struct file_stamp module__stamp(int fd)
{
	struct file_stamp stamp = { 0 };
	struct statx st;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_BTIME, &st) != 0)
		return stamp;
	stamp.birth = ns_of(st.stx_mask & STATX_BTIME ? st.stx_btime : st.stx_ctime);
	stamp.mtime = ns_of(st.stx_mtime);
	stamp.size = st.stx_size;
	return stamp;
}

bool module__same_stamp(const struct file_stamp *a, const struct file_stamp *b)
{
	return a->birth && a->birth == b->birth && a->mtime == b->mtime && a->size == b->size;
}

int module__read_vdso(const struct mapped_file *f, void **memory, size_t *len)
{
	uint64_t size = f->end - f->start;
	char path[32];
	ssize_t got;
	int fd, err = 0;
	void *p;

	if (f->end <= f->start || size > VDSO_MAX)
		return -EINVAL;
	snprintf(path, sizeof(path), "/proc/%d/mem", f->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	p = malloc(size);
	got = p ? pread(fd, p, size, (off_t)f->start) : -1;
	if (got != (ssize_t)size)
		err = p ? -EIO : -ENOMEM;
	close(fd);
	if (err) {
		free(p);
		return err;
	}
	*memory = p;
	*len = size;
	return 0;
}
