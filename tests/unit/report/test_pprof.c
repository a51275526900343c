/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <zlib.h>

#include "profiles.h"

static const struct report_style style;

/* ---- an independent reader of profile.proto, which prints it as text ---- */

struct wire {
	const unsigned char *p, *end;
};

struct field {
	unsigned int number;
	uint64_t value;	   /* of a varint */
	struct wire bytes; /* of anything with a length */
};

static uint64_t varint(struct wire *w)
{
	uint64_t v = 0;

	for (int shift = 0; w->p < w->end && shift < 64; shift += 7) {
		v |= (uint64_t)(*w->p & 0x7f) << shift;
		if (!(*w->p++ & 0x80))
			return v;
	}
	CHECK(!"a varint that ends");
	w->p = w->end;
	return 0;
}

static bool next(struct wire *w, struct field *f)
{
	uint64_t key, len;

	if (w->p >= w->end)
		return false;
	key = varint(w);
	*f = (struct field){ .number = (unsigned int)(key >> 3) };
	CHECK((key & 7) == 0 || (key & 7) == 2);
	if ((key & 7) == 0) {
		f->value = varint(w);
		return true;
	}
	len = varint(w);
	if (len > (uint64_t)(w->end - w->p)) {
		CHECK(!"a length that fits");
		return false;
	}
	f->bytes = (struct wire){ w->p, w->p + len };
	w->p += len;
	return true;
}

#define EACH(message, f) for (struct wire w_ = (message); next(&w_, (f));)

static struct text strings[256];
static size_t nstrings;

static const char *str(uint64_t i)
{
	CHECK(i < nstrings);
	return i < nstrings ? strings[i].data : "?";
}

/* All fields of a message as "N=value", strings resolved where `names` says so (a bit each). */
static void dump_fields(FILE *out, struct wire message, unsigned int names)
{
	struct field f;

	EACH(message, &f)
	{
		if (f.bytes.p)
			continue;
		if (names & 1u << f.number)
			fprintf(out, " %u=\"%s\"", f.number, str(f.value));
		else
			fprintf(out, " %u=%#" PRIx64, f.number, f.value);
	}
}

static void dump_sample(FILE *out, struct wire message)
{
	struct field f;

	fprintf(out, "sample");
	EACH(message, &f)
	{
		if (f.number == 3) {
			fprintf(out, "\n  label");
			dump_fields(out, f.bytes, 1 << 1 | 1 << 2);
			continue;
		}
		fprintf(out, f.number == 1 ? "\n  locations" : "\n  values");
		while (f.bytes.p < f.bytes.end)
			fprintf(out, " %" PRIu64, varint(&f.bytes));
	}
	fputc('\n', out);
}

static void dump_location(FILE *out, struct wire message)
{
	struct field f;

	fprintf(out, "location");
	dump_fields(out, message, 0);
	EACH(message, &f)
	{
		if (f.number == 4) {
			fprintf(out, "\n  line");
			dump_fields(out, f.bytes, 0);
		}
	}
	fputc('\n', out);
}

static void dump_message(FILE *out, const char *name, struct wire message, unsigned int names)
{
	fputs(name, out);
	dump_fields(out, message, names);
	fputc('\n', out);
}

static void dump(FILE *out, struct wire profile)
{
	struct field f;

	nstrings = 0;
	EACH(profile, &f)
	{
		if (f.number == 6 && nstrings < ARRAY_SIZE(strings)) {
			size_t len = (size_t)(f.bytes.end - f.bytes.p);

			strings[nstrings++].data = strndup((const char *)f.bytes.p, len);
		}
	}
	CHECK_STR(str(0), "");
	EACH(profile, &f)
	{
		switch (f.number) {
		case 1:
			dump_message(out, "sample_type", f.bytes, 1 << 1 | 1 << 2);
			break;
		case 2:
			dump_sample(out, f.bytes);
			break;
		case 3:
			dump_message(out, "mapping", f.bytes, 1 << 5 | 1 << 6);
			break;
		case 4:
			dump_location(out, f.bytes);
			break;
		case 5:
			dump_message(out, "function", f.bytes, 1 << 2 | 1 << 3 | 1 << 4);
			break;
		case 6:
			break;
		case 9:
			fprintf(out, "time_nanos %" PRIu64 "\n", f.value);
			break;
		case 10:
			fprintf(out, "duration_nanos %" PRIu64 "\n", f.value);
			break;
		case 11:
			dump_message(out, "period_type", f.bytes, 1 << 1 | 1 << 2);
			break;
		case 12:
			fprintf(out, "period %" PRIu64 "\n", f.value);
			break;
		case 13:
			fprintf(out, "comment \"%s\"\n", str(f.value));
			break;
		case 14:
			fprintf(out, "default_sample_type \"%s\"\n", str(f.value));
			break;
		default:
			fprintf(out, "field %u\n", f.number);
			break;
		}
	}
	for (size_t i = 0; i < nstrings; i++)
		free(strings[i].data);
}

static struct text gunzip(const struct text *t)
{
	struct text plain = { .data = malloc(1 << 20) };
	z_stream z = { .next_in = (unsigned char *)t->data,
		       .avail_in = (unsigned int)t->len,
		       .next_out = (unsigned char *)plain.data,
		       .avail_out = 1 << 20 };

	CHECK_EQ(inflateInit2(&z, 15 + 16), Z_OK);
	CHECK_EQ(inflate(&z, Z_FINISH), Z_STREAM_END);
	CHECK_EQ(z.avail_in, 0);
	plain.len = z.total_out;
	inflateEnd(&z);
	return plain;
}

static void compare(const char *name, const struct profile *p)
{
	struct text t = render("pprof", p, &style, false), plain = gunzip(&t), readable = { 0 };
	FILE *out = open_memstream(&readable.data, &readable.len);
	const unsigned char *start = (const unsigned char *)plain.data;

	dump(out, (struct wire){ start, start + plain.len });
	fclose(out);
	check_golden(name, readable.data, readable.len);
	text_free(&t);
	text_free(&plain);
	text_free(&readable);
}

TEST(one_process)
{
	compare("ordinary.pprof", &ordinary);
}

TEST(hostile_names)
{
	compare("hostile.pprof", &hostile);
}

TEST(nothing)
{
	compare("empty.pprof", &empty);
}

TEST(a_full_disk_is_reported)
{
	CHECK_EQ(render_to_full("pprof", &ordinary), -ENOSPC);
}

/* ---- the real pprof ---- */

static bool have_go(void)
{
	const char *const version[] = { "go", "version", NULL };
	struct text said;
	int status = run(version, "", 0, &said);

	text_free(&said);
	return status == 0;
}

/* What `go tool pprof` makes of a profile; it reads files only. */
static struct text pprof(const struct profile *p, const char *view, const char *index)
{
	char path[] = "/tmp/memtrace-test.XXXXXX", sample_index[64];
	const char *const argv[] = { "go", "tool",	 "pprof", "-symbolize=none",
				     view, sample_index, path,	  NULL };
	struct text t = render("pprof", p, &style, false), said;
	int fd = mkostemp(path, O_CLOEXEC);

	setenv("HOME", "/tmp", 0);
	snprintf(sample_index, sizeof(sample_index), "-sample_index=%s", index);
	CHECK_EQ(write(fd, t.data, t.len), t.len);
	close(fd);
	CHECK_EQ(run(argv, "", 0, &said), 0);
	unlink(path);
	text_free(&t);
	return said;
}

static bool said_line(const struct text *said, const char *line)
{
	if (strstr(said->data, line))
		return true;
	printf("# no \"%s\" in:\n", line);
	explain(said->data);
	return false;
}

TEST(pprof_top_by_live_bytes)
{
	struct text said;

	if (!have_go())
		SKIP("go is not installed");
	said = pprof(&ordinary, "-top", "inuse_space");
	CHECK(said_line(&said, "Type: inuse_space\n"));
	CHECK(said_line(&said, "44.81MB"));
	CHECK(said_line(&said, "36.80MB 82.13% 82.13%    36.80MB 82.13%  session_new\n"));
	CHECK(said_line(&said, "8MB 17.86%   100%        8MB 17.86%  pthread_create\n"));
	CHECK(said_line(&said, "0     0%   100%    36.80MB 82.13%  ev_accept (inline)\n"));
	CHECK(said_line(&said, "libc.so.6+0x271ca\n"));
	text_free(&said);
}

TEST(pprof_names_the_program)
{
	struct profile_process library = ordinary_processes[0];
	struct profile p = ordinary;
	struct text said;

	if (!have_go())
		SKIP("go is not installed");
	said = pprof(&ordinary, "-top", "inuse_space");
	CHECK(said_line(&said, "File: orderd\n"));
	text_free(&said);
	library.exe = test_mappings[1].path;
	p.processes = &library;
	said = pprof(&p, "-top", "inuse_space");
	CHECK(said_line(&said, "File: libc.so.6\n"));
	text_free(&said);
}

TEST(pprof_default_is_live_bytes)
{
	struct text said;

	if (!have_go())
		SKIP("go is not installed");
	said = pprof(&ordinary, "-top", "");
	CHECK(said_line(&said, "Type: inuse_space\n"));
	text_free(&said);
}

TEST(pprof_counts_by_every_index)
{
	static const char *const index[] = { "alloc_objects", "alloc_space", "inuse_objects" };
	static const char *const line[] = { "1000000 99.70% 99.70%    1000000 99.70%  node_copy\n",
					    "95.37MB",
					    "2943 99.56% 99.56%       2943 99.56%  session_new\n" };
	struct text said;

	if (!have_go())
		SKIP("go is not installed");
	for (size_t i = 0; i < ARRAY_SIZE(index); i++) {
		said = pprof(&ordinary, "-top", index[i]);
		CHECK(said_line(&said, line[i]));
		text_free(&said);
	}
}

TEST(pprof_reads_mappings_lines_and_labels)
{
	struct text said;

	if (!have_go())
		SKIP("go is not installed");
	said = pprof(&ordinary, "-raw", "inuse_space");
	CHECK(said_line(&said, "alloc_objects/count alloc_space/bytes "
			       "inuse_objects/count inuse_space/bytes[dflt]\n"));
	CHECK(said_line(&said, "session_new /src/orderd/session.c:88"));
	CHECK(said_line(&said, "ev_accept /src/orderd/server.c:131"));
	CHECK(said_line(&said, "/usr/bin/orderd 9f3c0123456789abcdef0123456789abcdef0123 "
			       "[FN][FL][LN][IN]"));
	CHECK(said_line(&said, "api:[malloc] comm:[orderd] id:[9f3c0123456789ab] kind:[heap]"));
	CHECK(said_line(&said, "pid:[4242]"));
	CHECK(said_line(&said, "Duration: 10m0"));
	text_free(&said);
}

TEST(pprof_takes_hostile_names)
{
	struct text said;

	if (!have_go())
		SKIP("go is not installed");
	said = pprof(&hostile, "-top", "inuse_objects");
	CHECK(said_line(&said, "Type: inuse_objects\n"));
	CHECK(!strchr(said.data, '\033'));
	text_free(&said);
}
