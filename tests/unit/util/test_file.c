/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/file.h"

#include <errno.h>
#include <unistd.h>

#include "test.h"

TEST(read_file)
{
	char path[] = "/tmp/memtrace-test-XXXXXX", *text;
	int fd = mkstemp(path);
	size_t len = 0;

	CHECK(fd >= 0);
	for (int i = 0; i < 5000; i++)
		CHECK_EQ(dprintf(fd, "%04d\n", i), 5);
	close(fd);
	text = file__read(path, &len);
	CHECK_EQ(len, 25000);
	CHECK(text && !strncmp(text, "0000\n0001\n", 10));
	CHECK(text && !strcmp(text + 24995, "4999\n"));
	free(text);
	unlink(path);
	text = file__read(path, &len);
	CHECK(!text);
	CHECK_EQ(errno, ENOENT);
	CHECK(!file__read("/", NULL));
	CHECK_EQ(errno, EISDIR);
	text = file__read("/proc/self/maps", NULL);
	CHECK(text && strstr(text, "[stack]"));
	free(text);
}
