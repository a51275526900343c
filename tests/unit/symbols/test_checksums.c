/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "scratch.h"
#include "symbols/checksums.h"
#include "test.h"

static int file_of(const char *name, const char *text, off_t size)
{
	int fd = open(write_source(name, text), O_RDWR | O_CLOEXEC);

	MUST(fd >= 0 && (!size || ftruncate(fd, size) == 0));
	return fd;
}

TEST(a_file_is_read_once)
{
	struct checksums *c = checksums__new();
	int fd = file_of("digits", "123456789", 0), again = open(in_scratch("digits"), O_RDONLY);
	uint32_t crc = 0;

	CHECK_EQ(checksums__of(c, fd, &crc), 0);
	CHECK_EQ(crc, 0xcbf43926);
	crc = 0;
	CHECK_EQ(checksums__of(c, again, &crc), 0);
	CHECK_EQ(crc, 0xcbf43926);
	CHECK_EQ(checksums__read(c), 9);
	/* Unless it changed. */
	CHECK_EQ(pwrite(fd, "ab", 2, 9), 2);
	CHECK_EQ(checksums__of(c, fd, &crc), 0);
	CHECK_EQ(checksums__read(c), 20);
	close(fd);
	close(again);
	checksums__free(c);
	checksums__free(NULL);
}

TEST(large_files_cost_a_bounded_time)
{
	struct checksums *c = checksums__new();
	int one = file_of("one", "1", 700000), two = file_of("two", "2", 700000);
	int huge = file_of("huge", "", CHECKSUMS_FILE_MAX + 1), small = file_of("small", "3", 0);
	uint32_t crc;

	checksums__limit(c, 1000000, 0);
	CHECK_EQ(checksums__of(c, huge, &crc), -EFBIG);
	CHECK_EQ(checksums__of(c, one, &crc), 0);
	/* The budget does not suffice for another, but for what is known and for small files. */
	CHECK_EQ(checksums__of(c, two, &crc), -EAGAIN);
	CHECK_EQ(checksums__of(c, one, &crc), 0);
	CHECK_EQ(checksums__of(c, small, &crc), 0);
	CHECK_EQ(checksums__read(c), 700001);
	checksums__limit(c, 1000000, 0);
	CHECK_EQ(checksums__of(c, two, &crc), 0);
	close(one);
	close(two);
	close(huge);
	close(small);
	checksums__free(c);
}
