#include "report/json.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <time.h>

#include "report/internal.h"
#include "util/array.h"
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

/*
 * The code point at `s`, where it is one that JSON allows in a string but many readers take for
 * the end of the line (U+0085, U+2028, U+2029), or that a terminal obeys (C1 controls, text
 * direction); otherwise 0. These are written as \uNNNN, so that a line stays one line,
 * everywhere.
 */
static unsigned int troublesome(const char *s, size_t *len)
{
	static const struct {
		const char *lead;
		unsigned char first, last;
		unsigned int code; /* of `first` */
	} ranges[] = {
		{ "\xc2", 0x80, 0x9f, 0x80 },	    { "\xd8", 0x9c, 0x9c, 0x61c },
		{ "\xe2\x80", 0x8e, 0x8f, 0x200e }, { "\xe2\x80", 0xa8, 0xae, 0x2028 },
		{ "\xe2\x81", 0xa6, 0xa9, 0x2066 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++) {
		size_t lead = strlen(ranges[i].lead);
		unsigned char last;

		if (strncmp(s, ranges[i].lead, lead))
			continue;
		last = (unsigned char)s[lead];
		if (last < ranges[i].first || last > ranges[i].last)
			continue;
		*len = lead + 1;
		return ranges[i].code + last - ranges[i].first;
	}
	return 0;
}

void json__string(struct json *w, const char *key, const char *s)
{
	const char *from, *at;
	char escape[16];

	begin_value(w, key);
	strbuf__reset(&w->scratch);
	escape__json(&w->scratch, s);
	if (w->scratch.error) {
		w->error = w->error ? w->error : w->scratch.error;
		return;
	}
	for (from = at = w->scratch.data; *at;) {
		size_t len = 1;
		unsigned int code = (unsigned char)*at < 0x80 ? 0 : troublesome(at, &len);

		if (code) {
			write_bytes(w, from, (size_t)(at - from));
			snprintf(escape, sizeof(escape), "\\u%04x", code);
			write_text(w, escape);
			from = at + len;
		}
		at += len;
	}
	write_bytes(w, from, (size_t)(at - from));
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
