/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/json.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <time.h>

#include "report/internal.h"
#include "util/escape.h"

static void write_bytes(struct json *w, const char *data, size_t len)
{
	errno = 0;
	if (!w->error && fwrite(data, 1, len, w->out) != len)
		w->error = errno ? -errno : -EIO;
}

static void write_text(struct json *w, const char *s)
{
	write_bytes(w, s, strlen(s));
}

static void begin_value(struct json *w, const char *key)
{
	if (w->comma)
		write_bytes(w, ",", 1);
	w->comma = true;
	if (!key)
		return;
	write_bytes(w, "\"", 1);
	write_text(w, key);
	write_bytes(w, "\":", 2);
}

void json__open(struct json *w, const char *key, char bracket)
{
	begin_value(w, key);
	write_bytes(w, &bracket, 1);
	w->comma = false;
}

void json__close(struct json *w, char bracket)
{
	write_bytes(w, &bracket, 1);
	w->comma = true;
}

void json__string(struct json *w, const char *key, const char *s)
{
	begin_value(w, key);
	strbuf__reset(&w->scratch);
	escape__json(&w->scratch, s);
	if (!w->scratch.error)
		write_bytes(w, w->scratch.data, w->scratch.len);
	else if (!w->error)
		w->error = w->scratch.error;
}

void json__u64(struct json *w, const char *key, uint64_t n)
{
	char buf[24];

	snprintf(buf, sizeof(buf), "%" PRIu64, n);
	begin_value(w, key);
	write_text(w, buf);
}

void json__i64(struct json *w, const char *key, int64_t n)
{
	char buf[24];

	snprintf(buf, sizeof(buf), "%" PRId64, n);
	begin_value(w, key);
	write_text(w, buf);
}

void json__double(struct json *w, const char *key, double d)
{
	char buf[352]; /* the largest double has 309 digits before the point */
	size_t len;

	snprintf(buf, sizeof(buf), "%.6f", isfinite(d) ? d : 0.0);
	len = strlen(buf);
	while (len > 2 && buf[len - 1] == '0' && buf[len - 2] != '.')
		len--;
	begin_value(w, key);
	write_bytes(w, buf, len);
}

void json__bool(struct json *w, const char *key, bool b)
{
	begin_value(w, key);
	write_text(w, b ? "true" : "false");
}

void json__address(struct json *w, const char *key, uint64_t a)
{
	char buf[24];

	snprintf(buf, sizeof(buf), "\"0x%" PRIx64 "\"", a);
	begin_value(w, key);
	write_text(w, buf);
}

void json__time(struct json *w, const char *key, uint64_t wall_ns)
{
	time_t s = (time_t)(wall_ns / 1000000000);
	char date[32], buf[48];
	struct tm tm;

	if (!gmtime_r(&s, &tm) || !strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm))
		date[0] = '\0';
	snprintf(buf, sizeof(buf), "%s.%03uZ", date, (unsigned int)(wall_ns / 1000000 % 1000));
	json__string(w, key, buf);
}

int json__line(struct json *w)
{
	int err;

	write_bytes(w, "\n", 1);
	err = report__flush(w->out);
	if (w->error)
		err = w->error;
	strbuf__free(&w->scratch);
	return err;
}
