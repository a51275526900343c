/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/parse.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define DIGITS "0123456789"

/* Reads the leading digits of `s` as a number; *end is what follows them. */
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

int parse__u64(const char *s, uint64_t *out)
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

int parse__size(const char *s, uint64_t *out)
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

int parse__seconds(const char *s, double *out)
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
