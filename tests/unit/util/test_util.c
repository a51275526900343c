#include "util/util.h"

#include <errno.h>
#include <unistd.h>

#include "test.h"

TEST(parse_u64)
{
	static const char *const bad[] = { "", " 1", "1 ", "-1", "+1", "0x10", "1.5", "x" };
	uint64_t n = 7;

	CHECK_EQ(util__parse_u64("0", &n), 0);
	CHECK_EQ(n, 0);
	CHECK_EQ(util__parse_u64("0042", &n), 0);
	CHECK_EQ(n, 42);
	CHECK_EQ(util__parse_u64("18446744073709551615", &n), 0);
	CHECK(n == UINT64_MAX);
	n = 7;
	CHECK_EQ(util__parse_u64("18446744073709551616", &n), -ERANGE);
	CHECK_EQ(util__parse_u64("99999999999999999999999", &n), -ERANGE);
	CHECK_EQ(util__parse_u64("99999999999999999999999x", &n), -EINVAL);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		CHECK_EQ(util__parse_u64(bad[i], &n), -EINVAL);
	CHECK_EQ(n, 7);
}

TEST(parse_size)
{
	static const char *const bad[] = { "", "k", "1kk", "1t", "1 k", "-1k", "1.5k" };
	uint64_t n = 7;

	CHECK_EQ(util__parse_size("100", &n), 0);
	CHECK_EQ(n, 100);
	CHECK_EQ(util__parse_size("64k", &n), 0);
	CHECK_EQ(n, 65536);
	CHECK_EQ(util__parse_size("1M", &n), 0);
	CHECK_EQ(n, 1048576);
	CHECK_EQ(util__parse_size("2g", &n), 0);
	CHECK_EQ(n, 2147483648);
	CHECK_EQ(util__parse_size("17179869183g", &n), 0);
	CHECK(n == 17179869183ull << 30);
	n = 7;
	CHECK_EQ(util__parse_size("17179869184g", &n), -ERANGE);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		CHECK_EQ(util__parse_size(bad[i], &n), -EINVAL);
	CHECK_EQ(n, 7);
}

TEST(parse_seconds)
{
	static const char *const bad[] = { "",	  ".",	 "-1", "+1", "inf",  "nan",
					   "1e3", "0x1", " 1", "1s", "1.2.3" };
	char huge[400];
	double d = 7;

	CHECK_EQ(util__parse_seconds("10", &d), 0);
	CHECK(d == 10);
	CHECK_EQ(util__parse_seconds("0.25", &d), 0);
	CHECK(d == 0.25);
	CHECK_EQ(util__parse_seconds(".5", &d), 0);
	CHECK(d == 0.5);
	CHECK_EQ(util__parse_seconds("0", &d), 0);
	CHECK(d == 0);
	d = 7;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		CHECK_EQ(util__parse_seconds(bad[i], &d), -EINVAL);
	memset(huge, '9', sizeof(huge) - 1);
	huge[sizeof(huge) - 1] = '\0';
	CHECK_EQ(util__parse_seconds(huge, &d), -ERANGE);
	CHECK(d == 7);
}

TEST(format_size)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} rows[] = {
		{ 0, "0 B" },
		{ 512, "512 B" },
		{ 1023, "1023 B" },
		{ 1024, "1.0 KiB" },
		{ 1536, "1.5 KiB" },
		{ 1023 * 1024 + 970, "1023.9 KiB" },
		{ 1024 * 1024 - 1, "1.0 MiB" },
		{ 432642458, "412.6 MiB" },
		{ 3435973837, "3.2 GiB" },
		{ 1ull << 40, "1.0 TiB" },
		{ 1ull << 50, "1.0 PiB" },
		{ UINT64_MAX, "16.0 EiB" },
	};
	char buf[12];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		CHECK_STR(util__format_size(buf, sizeof(buf), rows[i].bytes), rows[i].text);
}

TEST(clocks_advance)
{
	uint64_t a = util__now_ns(), b = util__now_ns();

	CHECK(a > 0 && b >= a);
	CHECK(util__wall_ns() > 1600000000ull * 1000000000);
}

TEST(read_file)
{
	char path[] = "/tmp/memtrace-test-XXXXXX", *text;
	int fd = mkstemp(path);
	size_t len = 0;

	CHECK(fd >= 0);
	for (int i = 0; i < 5000; i++)
		CHECK_EQ(dprintf(fd, "%04d\n", i), 5);
	close(fd);
	text = util__read_file(path, &len);
	CHECK_EQ(len, 25000);
	CHECK(text && !strncmp(text, "0000\n0001\n", 10));
	CHECK(text && !strcmp(text + 24995, "4999\n"));
	free(text);
	unlink(path);
	text = util__read_file(path, &len);
	CHECK(!text);
	CHECK_EQ(errno, ENOENT);
	CHECK(!util__read_file("/", NULL));
	CHECK_EQ(errno, EISDIR);
	text = util__read_file("/proc/self/maps", NULL);
	CHECK(text && strstr(text, "[stack]"));
	free(text);
}
