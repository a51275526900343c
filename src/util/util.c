#include "util/util.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define DIGITS "0123456789"

/* The leading digits of `s` as a number; *end is what follows them. */
static int leading_u64(const char *s, uint64_t *out, const char **end)
{
	uint64_t n = 0;

	if (!isdigit((unsigned char)*s))
		return -EINVAL;
	for (; isdigit((unsigned char)*s); s++) {
		if (__builtin_mul_overflow(n, 10, &n) ||
		    __builtin_add_overflow(n, (uint64_t)(*s - '0'), &n))
			return s[strspn(s, DIGITS)] ? -EINVAL : -ERANGE;
	}
	*out = n;
	*end = s;
	return 0;
}

int util__parse_u64(const char *s, uint64_t *out)
{
	const char *end;
	uint64_t n;
	int err = leading_u64(s, &n, &end);

	if (err)
		return err;
	if (*end)
		return -EINVAL;
	*out = n;
	return 0;
}

int util__parse_size(const char *s, uint64_t *out)
{
	const char *end;
	unsigned int shift = 0;
	uint64_t n;
	int err = leading_u64(s, &n, &end);

	if (err)
		return err;
	switch (*end) {
	case '\0':
		break;
	case 'k':
	case 'K':
		shift = 10;
		break;
	case 'm':
	case 'M':
		shift = 20;
		break;
	case 'g':
	case 'G':
		shift = 30;
		break;
	default:
		return -EINVAL;
	}
	if (*end && end[1])
		return -EINVAL;
	if (n > UINT64_MAX >> shift)
		return -ERANGE;
	*out = n << shift;
	return 0;
}

int util__parse_seconds(const char *s, double *out)
{
	size_t whole = strspn(s, DIGITS), fraction = 0, len = whole;
	double d;

	/* strtod alone would also take signs, spaces, hexadecimal, "inf" and "nan". */
	if (s[len] == '.') {
		fraction = strspn(s + len + 1, DIGITS);
		len += 1 + fraction;
	}
	if (s[len] || whole + fraction == 0)
		return -EINVAL;
	d = strtod(s, NULL);
	if (!isfinite(d))
		return -ERANGE;
	*out = d;
	return 0;
}

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

uint64_t util__now_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

uint64_t util__wall_ns(void)
{
	return clock_ns(CLOCK_REALTIME);
}

char *util__format_size(char *buf, size_t cap, uint64_t bytes)
{
	static const char units[] = "KMGTPE";
	double d = (double)bytes / 1024;
	unsigned int u = 0;

	if (bytes < 1024) {
		snprintf(buf, cap, "%u B", (unsigned int)bytes);
		return buf;
	}
	/* What one decimal would round to 1024.0 belongs to the next unit. */
	for (; d >= 1023.95 && u + 2 < sizeof(units); u++)
		d /= 1024;
	snprintf(buf, cap, "%.1f %ciB", d, units[u]);
	return buf;
}

char *util__read_file(const char *path, size_t *len)
{
	size_t cap = 4096, n = 0;
	char *buf = NULL, *bigger;
	ssize_t got;
	int fd, err;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	/* Files in /proc have no size to ask for. */
	for (;;) {
		if (!buf || n + 1 == cap) {
			cap *= 2;
			bigger = realloc(buf, cap);
			if (!bigger)
				goto fail;
			buf = bigger;
		}
		got = read(fd, buf + n, cap - n - 1);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			goto fail;
		if (got == 0)
			break;
		n += (size_t)got;
	}
	close(fd);
	buf[n] = '\0';
	if (len)
		*len = n;
	return buf;
fail:
	err = errno;
	close(fd);
	free(buf);
	errno = err;
	return NULL;
}

uint64_t util__resident_bytes(uint32_t pid)
{
	char path[64], *text, *end;
	uint64_t pages = 0;

	snprintf(path, sizeof(path), "/proc/%" PRIu32 "/statm", pid);
	text = util__read_file(path, NULL);
	if (!text)
		return 0;
	/* The second number: "size resident shared …". */
	end = strchr(text, ' ');
	if (end) {
		end[1 + strspn(end + 1, "0123456789")] = '\0';
		if (util__parse_u64(end + 1, &pages))
			pages = 0;
	}
	free(text);
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}
