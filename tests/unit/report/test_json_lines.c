/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <math.h>

#include "profiles.h"
#include "report/json.h"

static const struct report_style style;

/* An object a line, so that a difference can be read. Inside a string {" is {\". */
static void compare(const char *name, const struct profile *p, bool begin)
{
	struct text t = render("json", p, &style, begin), split = { 0 };
	FILE *out = open_memstream(&split.data, &split.len);

	for (const char *s = t.data; *s; s++) {
		if (s > t.data && s[-1] != '\n' && s[0] == '{' && s[1] == '"')
			fputc('\n', out);
		fputc(*s, out);
	}
	fclose(out);
	check_golden(name, split.data, split.len);
	text_free(&t);
	text_free(&split);
}

TEST(a_meta_line_and_a_report_line)
{
	compare("ordinary.json", &ordinary, true);
}

TEST(hostile_names)
{
	compare("hostile.json", &hostile, false);
}

TEST(an_empty_profile)
{
	compare("empty.json", &empty, true);
}

/* Readers split lines at more than '\n': Python's splitlines and others at U+0085, U+2028 and
 * U+2029. */
TEST(a_line_is_one_line_for_every_reader)
{
	struct text t = { 0 };
	FILE *out = open_memstream(&t.data, &t.len);
	struct json w = { .out = out };

	json__open(&w, NULL, '[');
	json__string(&w, NULL,
		     "a\xc2\x85"
		     "b\u2028c\u2029\u202e\u061c\u200e\u2066d\xc2\x9b");
	json__string(&w, NULL, "\u00a0é\u2027\u202f\u2065日\xc2");
	json__string(&w, NULL, "\x1f\x7f\r\n\v\f");
	json__close(&w, ']');
	CHECK_EQ(json__line(&w), 0);
	fclose(out);
	CHECK_STR(t.data, "[\"a\\u0085b\\u2028c\\u2029\\u202e\\u061c\\u200e\\u2066d\\u009b\","
			  "\"\xc2\xa0é\xe2\x80\xa7\xe2\x80\xaf\xe2\x81\xa5日\xef\xbf\xbd\","
			  "\"\\u001f\\u007f\\r\\n\\u000b\\f\"]\n");
	text_free(&t);
}

TEST(numbers_without_json_form)
{
	struct text t = { 0 };
	FILE *out = open_memstream(&t.data, &t.len);
	struct json w = { .out = out };

	json__open(&w, NULL, '[');
	json__double(&w, NULL, INFINITY);
	json__double(&w, NULL, -NAN);
	json__double(&w, NULL, 10);
	json__double(&w, NULL, 0.25);
	json__double(&w, NULL, -1e-9);
	json__double(&w, NULL, 1e300);
	json__double(&w, NULL, 0.1 + 0.2);
	json__i64(&w, NULL, INT64_MIN);
	json__u64(&w, NULL, UINT64_MAX);
	json__string(&w, NULL, NULL);
	json__close(&w, ']');
	CHECK_EQ(json__line(&w), 0);
	fclose(out);
	CHECK(t.len > 60);
	CHECK(!strncmp(t.data, "[0.0,0.0,10.0,0.25,-0.0,1000", 28));
	CHECK(strstr(t.data, ".0,0.3,-9223372036854775808,18446744073709551615,null]\n"));
	text_free(&t);
}

/* Every line has the keys of the contract, each with its type. */
static const char schema[] =
    "import json, sys\n"
    "S, I, N, B = (str,), (int,), (int, float), (bool,)\n"
    "Z = (str, type(None))\n"
    "META = dict(type=S, schema=I, version=S, time=S, host=S, kernel=S, mode=S, interval_s=N,\n"
    "            targets=[dict(pid=I, comm=S, exe=Z, container=Z)])\n"
    "REPORT = dict(type=S, seq=I, final=B, time=S, elapsed_s=N, window_s=N, live_bytes=I, "
    "live_blocks=I,\n"
    "    peak_bytes=I, allocs=I, frees=I, alloc_bytes=I, free_bytes=I, unmatched_frees=I,\n"
    "    unseen_frees=I, inherited_frees=I,\n"
    "    lost=dict(events=I, stacks=I, table=I, inherited=I), stacks=dict(complete=I, "
    "truncated=I),\n"
    "    processes=[dict(pid=I, comm=S, container=Z, exited=B, live_bytes=I, live_blocks=I,\n"
    "        allocs=I, frees=I, alloc_bytes=I, free_bytes=I, unmatched_frees=I, unseen_frees=I,\n"
    "        inherited_frees=I, allocator_bytes=I, mapped_bytes=I, rss_bytes=I)],\n"
    "    sites=[dict(rank=I, id=S, pid=I, kind=S, api=S, live_bytes=I, live_blocks=I,\n"
    "        allocs=I, frees=I, alloc_bytes=I, growth_bytes=I, oldest_s=N, newest_s=N,\n"
    "        leak_rate_bps=N, survival=N, verdict=S, doubt=Z, window_s=N, complete=B,\n"
    "        stack=[dict(func=Z, module=Z, offset=S, file=Z, line=I, inlined=B)])])\n"
    "def check(value, want, where):\n"
    "    if isinstance(want, list):\n"
    "        assert type(value) is list, where\n"
    "        for v in value: check(v, want[0], where + '[]')\n"
    "    elif isinstance(want, dict):\n"
    "        assert type(value) is dict, where\n"
    "        for k in want: check(value[k], want[k], where + '.' + k)\n"
    "    else:\n"
    "        assert type(value) in want, (where, value)\n"
    "def pairs(p):\n"
    "    assert len({k for k, _ in p}) == len(p), 'a key twice'\n"
    "    return dict(p)\n"
    "data = sys.stdin.buffer.read()\n"
    "assert data.endswith(b'\\n')\n"
    "for line in data[:-1].split(b'\\n'):\n"
    "    o = json.loads(line.decode('utf-8'), object_pairs_hook=pairs)\n"
    "    check(o, META if o['type'] == 'meta' else REPORT, o['type'])\n"
    "    print(o['type'])\n";

TEST(python_reads_every_line_and_finds_every_key)
{
	const char *const python[] = { "python3", "-c", schema, NULL };
	const struct profile *const all[] = { &ordinary, &hostile, &empty };
	const struct report_format *f = report__find("json");
	struct text lines = { 0 }, said;
	FILE *out = open_memstream(&lines.data, &lines.len);
	int status;

	f->begin(&test_run, WALL, &style, out);
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		f->report(all[i], &style, out);
	fclose(out);
	status = run(python, lines.data, lines.len, &said);
	text_free(&lines);
	if (status == 127) {
		text_free(&said);
		SKIP("python3 is not installed");
	}
	CHECK_EQ(status, 0);
	CHECK_STR(said.data, "meta\nreport\nreport\nreport\n");
	text_free(&said);
}

TEST(a_full_disk_is_reported)
{
	CHECK_EQ(render_to_full("json", &ordinary), -ENOSPC);
}
