/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Serves a FUSE file system with one file, "program", which is a copy of another. After SIGUSR1 it
 * answers nothing any more. Usage: serve DIRECTORY FILE; it must be unmounted by others.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { ROOT = 1, PROGRAM = 2 };

static volatile sig_atomic_t silent;
static char *data;
static size_t size;
static int device;
static char request[1 << 20] __attribute__((aligned(8)));

static void fall_silent(int number)
{
	(void)number;
	silent = 1;
}

static void load(const char *path)
{
	int fd = open(path, O_RDONLY);
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		abort();
	size = (size_t)st.st_size;
	data = malloc(size);
	if (!data || read(fd, data, size) != (ssize_t)size)
		abort();
	close(fd);
}

static void answer(const struct fuse_in_header *in, int error, const void *body, size_t len)
{
	struct fuse_out_header out = { .len = (__u32)(sizeof(out) + len),
				       .error = -error,
				       .unique = in->unique };
	struct iovec parts[2] = { { &out, sizeof(out) }, { (void *)body, len } };

	if (!silent && writev(device, parts, len ? 2 : 1) < 0 && errno != ENOENT)
		abort();
}

static struct fuse_attr attributes(__u64 node)
{
	if (node == ROOT)
		return (struct fuse_attr){ .ino = ROOT, .nlink = 1, .mode = S_IFDIR | 0755 };
	return (struct fuse_attr){ .ino = PROGRAM,
				   .nlink = 1,
				   .mode = S_IFREG | 0755,
				   .size = size,
				   .blocks = size / 512 + 1 };
}

static void look_up(const struct fuse_in_header *in, const char *name)
{
	struct fuse_entry_out entry = { .nodeid = PROGRAM, .attr = attributes(PROGRAM) };

	if (strcmp(name, "program") != 0)
		answer(in, ENOENT, NULL, 0);
	else
		answer(in, 0, &entry, sizeof(entry));
}

static void read_some(const struct fuse_in_header *in, const struct fuse_read_in *what)
{
	size_t left = what->offset < size ? size - what->offset : 0;

	answer(in, 0, data + (left ? what->offset : 0), left < what->size ? left : what->size);
}

static void serve(const struct fuse_in_header *in)
{
	struct fuse_init_out init = { .major = FUSE_KERNEL_VERSION,
				      .minor = 31,
				      .max_readahead = 65536,
				      .max_write = 65536 };
	struct fuse_attr_out attr = { .attr = attributes(in->nodeid) };
	struct fuse_open_out opened = { .fh = 1 };
	const void *body = in + 1;

	switch (in->opcode) {
	case FUSE_INIT:
		answer(in, 0, &init, sizeof(init));
		break;
	case FUSE_LOOKUP:
		look_up(in, body);
		break;
	case FUSE_GETATTR:
		answer(in, 0, &attr, sizeof(attr));
		break;
	case FUSE_OPEN:
		answer(in, 0, &opened, sizeof(opened));
		break;
	case FUSE_READ:
		read_some(in, body);
		break;
	case FUSE_RELEASE:
	case FUSE_FLUSH:
		answer(in, 0, NULL, 0);
		break;
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
		break;
	default:
		answer(in, ENOSYS, NULL, 0);
	}
}

int main(int argc, char **argv)
{
	struct sigaction sa = { .sa_handler = fall_silent };
	char options[128];

	if (argc < 3)
		return 2;
	load(argv[2]);
	sigaction(SIGUSR1, &sa, NULL);
	device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other",
		 device);
	if (device < 0 || mount("serve", argv[1], "fuse", 0, options)) {
		perror(argv[1]);
		return 77;
	}
	for (;;) {
		if (silent)
			pause();
		else if (read(device, request, sizeof(request)) > 0)
			serve((const void *)request);
		else if (errno != EINTR)
			return 0;
	}
}
