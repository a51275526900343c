/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Profiles built by hand, for the tests of the report formats: an ordinary one, one whose every
 * name is hostile, an empty one. A renderer's output goes to memory.
 */
#ifndef PROFILES_H
#define PROFILES_H

#include <stdbool.h>

#include "util/array.h"
#include "golden.h"
#include "profile/profile.h"
#include "report/report.h"

#define WALL 1767323045678901234 /* 2026-01-02T03:04:05.678 UTC */

#define TEN(s) s s s s s s s s s s
#define LONG_NAME "std::vector<" TEN("std::map<std::string, std::pair<int, é>>, ") "int>::push_back"

/* What a traced program may call its functions, files and threads. */
#define HOSTILE_CONTROL "evil\033[2J\033[31m\a\r\nfunc\t\x7f"
#define HOSTILE_UTF8 "bad\xff\xc3(\xed\xa0\x80\xf8 end"
#define HOSTILE_QUOTES "\"quoted\\\" 'name' </script>&lt;"
#define HOSTILE_FOLDED " a;b; c 12 34 "
#define HOSTILE_RTL "\u202egnp.exe\u2066\u200f"
#define HOSTILE_C1                                                                                 \
	"c1\xc2\x9b"                                                                               \
	"31m\xc2\x85"
#define HOSTILE_WIDE "関数_🙂_e\u0301"

static const struct profile_mapping test_mappings[] = {
	{ "/usr/bin/orderd", "9f3c0123456789abcdef0123456789abcdef0123" },
	{ "/usr/lib/x86_64-linux-gnu/libc.so.6", "" },
	{ "/tmp/" HOSTILE_CONTROL "/" HOSTILE_FOLDED ".so", "00ff" },
	{ "[vdso]", "" },
};

static const struct profile_process test_targets[] = {
	{ .pid = 4242, .comm = "orderd", .exe = "/usr/bin/orderd" },
};

static const struct profile_run test_run = {
	.version = "0.1.0",
	.host = "db1.example.org",
	.kernel = "6.1.0-42-amd64",
	.interval_s = 30,
	.targets = test_targets,
	.ntargets = 1,
	.stack_mode = STACK_DWARF,
	.sort = SORT_BYTES,
};

/* ---- ordinary: one process ---- */

#define MAIN .module = "/usr/bin/orderd", .mapping = 0
#define LIBC .module = "/usr/lib/x86_64-linux-gnu/libc.so.6", .mapping = 1, .library = true

static const struct profile_frame session_stack[] = {
	{ .func = "session_new",
	  .file = "/src/orderd/session.c",
	  .line = 88,
	  MAIN,
	  .offset = 0x11b2,
	  .address = 0x5581200011b2 },
	{ .func = "ev_accept",
	  .file = "/src/orderd/server.c",
	  .line = 131,
	  .inlined = true,
	  MAIN,
	  .offset = 0x2040,
	  .address = 0x558120002040 },
	{ .func = "handle_connect",
	  .file = "/src/orderd/server.c",
	  .line = 140,
	  MAIN,
	  .offset = 0x2040,
	  .address = 0x558120002040 },
	{ .func = "main", .file = "main.c", MAIN, .offset = 0x1100, .address = 0x558120001100 },
	{ LIBC, .offset = 0x271ca, .address = 0x7f00000271ca },
};

static const struct profile_frame recursive_stack[] = {
	{ .func = "node_copy",
	  .file = "tree.c",
	  .line = 12,
	  MAIN,
	  .offset = 0x3000,
	  .address = 0x558120003000 },
	{ .func = "tree_walk",
	  .file = "tree.c",
	  .line = 40,
	  MAIN,
	  .offset = 0x3100,
	  .address = 0x558120003100 },
	{ .func = "tree_walk",
	  .file = "tree.c",
	  .line = 40,
	  MAIN,
	  .offset = 0x3100,
	  .address = 0x558120003100 },
	{ .func = "tree_walk",
	  .file = "tree.c",
	  .line = 40,
	  MAIN,
	  .offset = 0x3100,
	  .address = 0x558120003100 },
	{ .func = "main",
	  .file = "main.c",
	  .line = 9,
	  MAIN,
	  .offset = 0x1110,
	  .address = 0x558120001110 },
};

static const struct profile_frame thread_stack[] = {
	{ .func = "pthread_create", LIBC, .offset = 0x8a321, .address = 0x7f000008a321 },
	{ .func = "main",
	  .file = "main.c",
	  .line = 21,
	  MAIN,
	  .offset = 0x1180,
	  .address = 0x558120001180 },
};

static const struct profile_frame jit_stack[] = {
	{ .func = "LazyCompile:*render",
	  .offset = 0x3f0012345678,
	  .address = 0x3f0012345678,
	  .mapping = UINT32_MAX },
	{ .offset = 0x3f00deadbeef, .address = 0x3f00deadbeef, .mapping = UINT32_MAX },
};

static const struct profile_site ordinary_sites[] = {
	{ .rank = 1,
	  .id = "9f3c0123456789ab",
	  .pid = 4242,
	  .comm = "orderd",
	  .processes = 1,
	  .kind = API_HEAP,
	  .api = "malloc",
	  .live_bytes = 38587597,
	  .live_blocks = 2943,
	  .allocs = 3000,
	  .frees = 57,
	  .alloc_bytes = 39321600,
	  .growth_bytes = 1887436,
	  .allocs_per_s = 4.9,
	  .oldest_s = 598.25,
	  .newest_s = 0.125,
	  .verdict = VERDICT_LEAK,
	  .leak_rate_bps = 62914.5,
	  .survival = 0.97,
	  .window_s = 598.25,
	  .longest_life_s = 2.1,
	  .leaking_s = 581,
	  .complete = true,
	  .end = STACK_COMPLETE,
	  .stack = session_stack,
	  .nstack = ARRAY_SIZE(session_stack) },
	{ .rank = 2,
	  .id = "00c0ffee00c0ffee",
	  .pid = 4242,
	  .comm = "orderd",
	  .processes = 1,
	  .kind = API_MAP,
	  .api = "mmap",
	  .mapping = MAPPED_STACK,
	  .live_bytes = 8392704,
	  .live_blocks = 1,
	  .allocs = 1,
	  .alloc_bytes = 8392704,
	  .oldest_s = 3.14159,
	  .newest_s = 3.14159,
	  .verdict = VERDICT_PLATEAU,
	  .complete = true,
	  .end = STACK_COMPLETE,
	  .stack = thread_stack,
	  .nstack = ARRAY_SIZE(thread_stack) },
	{ .rank = 3,
	  .id = "1234567890abcdef",
	  .pid = 4242,
	  .comm = "orderd",
	  .processes = 1,
	  .kind = API_HEAP,
	  .api = "operator new",
	  .live_bytes = 1000,
	  .live_blocks = 10,
	  .allocs = 1000000,
	  .frees = 999990,
	  .alloc_bytes = 100000000,
	  .growth_bytes = -500,
	  .allocs_per_s = 18211.5,
	  .oldest_s = 90000,
	  .newest_s = 0,
	  .verdict = VERDICT_CHURN,
	  .longest_life_s = 12.5,
	  .window_s = 90001,
	  .end = STACK_LIMIT,
	  .stack = recursive_stack,
	  .nstack = ARRAY_SIZE(recursive_stack) },
	{ .rank = 4,
	  .id = "00000000000000aa",
	  .pid = 4242,
	  .comm = "orderd",
	  .processes = 1,
	  .kind = API_MAP,
	  .api = "mmap",
	  .mapping = MAPPED_FILE,
	  .mapped_file = "/var/lib/orderd/orders.db",
	  .live_bytes = 4096,
	  .live_blocks = 1,
	  .allocs = 1,
	  .alloc_bytes = 4096,
	  .oldest_s = 12000,
	  .newest_s = 12000,
	  .verdict = VERDICT_STARTUP,
	  .survival = 1,
	  .end = STACK_NO_CFI,
	  .stack = jit_stack,
	  .nstack = ARRAY_SIZE(jit_stack) },
	{ .rank = 5,
	  .id = "0000000000000000",
	  .pid = 4242,
	  .comm = "orderd",
	  .processes = 1,
	  .kind = API_HEAP,
	  .api = "realloc",
	  .live_bytes = 1,
	  .live_blocks = 1,
	  .allocs = 1,
	  .alloc_bytes = 1,
	  .oldest_s = 45,
	  .newest_s = 45,
	  .verdict = VERDICT_UNKNOWN,
	  .end = STACK_UNKNOWN },
};

static const struct profile_process ordinary_processes[] = {
	{ .pid = 4242,
	  .comm = "orderd",
	  .exe = "/usr/bin/orderd",
	  .named = true,
	  .live_bytes = 432642457,
	  .live_blocks = 1203881,
	  .allocs = 10920000,
	  .frees = 9716119,
	  .alloc_bytes = 99999999999,
	  .free_bytes = 99567357542,
	  .unmatched_frees = 12118,
	  .allocator_bytes = 640679936,
	  .mapped_bytes = 53687091,
	  .rss_bytes = 686922137 },
};

__attribute__((unused)) static const struct profile ordinary = {
	.run = &test_run,
	.seq = 20,
	.wall_ns = WALL,
	.elapsed_s = 600.004,
	.interval_s = 30.0002,
	.window_s = 600.004,
	.leak = { 1, 38587597, 62914.5, 1, 38587597, 62914.5 },
	.growing = { 2, 5000, 0.0003, 2, 5000, 0.0003 },
	.live_bytes = 432642457,
	.live_blocks = 1203881,
	.peak_bytes = 440000000,
	.growth_bytes = 1992294,
	.allocs = 10920000,
	.frees = 9716119,
	.alloc_bytes = 99999999999,
	.free_bytes = 99567357542,
	.unmatched_frees = 12118,
	.allocs_per_s = 18211.5,
	.frees_per_s = 18102,
	.stacks_complete = 10900000,
	.stacks_truncated = 20000,
	.stack_ends = { [STACK_COMPLETE] = 10900000,
			[STACK_LIMIT] = 19000,
			[STACK_NO_CFI] = 700,
			[STACK_BAD_SP] = 300 },
	.total_sites = 42,
	.rest_bytes = 1258291,
	.rest_blocks = 4201,
	.processes = ordinary_processes,
	.nprocesses = 1,
	.sites = ordinary_sites,
	.nsites = ARRAY_SIZE(ordinary_sites),
	.mappings = test_mappings,
	.nmappings = ARRAY_SIZE(test_mappings),
};

/* ---- hostile: several processes, names of every kind, losses ---- */

#define EVIL .module = "/tmp/" HOSTILE_CONTROL "/" HOSTILE_FOLDED ".so", .mapping = 2

static const struct profile_frame hostile_stack[] = {
	{ .func = HOSTILE_CONTROL,
	  .file = "/x/" HOSTILE_CONTROL ".c",
	  .line = 1,
	  EVIL,
	  .offset = 0x10 },
	{ .func = HOSTILE_UTF8, .file = HOSTILE_UTF8, .line = UINT32_MAX, EVIL, .offset = 0x20 },
	{ .func = HOSTILE_QUOTES,
	  .file = "a\"b\\.c",
	  .line = 3,
	  .inlined = true,
	  EVIL,
	  .offset = 0x30 },
	{ .func = HOSTILE_FOLDED, .file = ";;;", .line = 4, EVIL, .offset = 0x30 },
	{ .func = HOSTILE_RTL, .file = HOSTILE_RTL, .line = 5, EVIL, .offset = 0x40 },
	{ .func = HOSTILE_C1, EVIL, .offset = 0x50 },
	{ .func = HOSTILE_WIDE, .file = "/ソース/日本.c", .line = 7, EVIL, .offset = 0x60 },
	{ .func = LONG_NAME,
	  .file = "/" TEN("long/") TEN("abcdefghij") ".cc",
	  .line = 1234567,
	  EVIL,
	  .offset = 0x70 },
	{ .func = "", .file = "", EVIL, .offset = 0x80 },
	{ .func = NULL, EVIL, .offset = UINT64_MAX },
	{ .func = ";", .module = "", .mapping = UINT32_MAX, .offset = 0 },
	{ .func = "  ", .module = "/", .mapping = 99, .offset = 1 },
	{ .module = "[vdso]", .mapping = 3, .offset = 0xa40, .inlined = true },
};

static const struct profile_site hostile_sites[] = {
	{ .rank = 1,
	  .id = "ffffffffffffffff",
	  .pid = 1,
	  .comm = HOSTILE_FOLDED,
	  .processes = 12,
	  .kind = API_HEAP,
	  .api = "malloc",
	  .live_bytes = UINT64_MAX,
	  .live_blocks = UINT64_MAX,
	  .allocs = UINT64_MAX,
	  .frees = UINT64_MAX,
	  .alloc_bytes = UINT64_MAX,
	  .growth_bytes = INT64_MIN,
	  .allocs_per_s = 1e18,
	  .oldest_s = 1e9,
	  .newest_s = 1e9,
	  .verdict = VERDICT_UNKNOWN,
	  .end = STACK_UNREADABLE,
	  .stack = hostile_stack,
	  .nstack = ARRAY_SIZE(hostile_stack) },
	{ .rank = 2,
	  .id = "0000000000000002",
	  .pid = 4194304,
	  .comm = HOSTILE_CONTROL,
	  .kind = API_MAP,
	  .api = "mmap",
	  .mapping = MAPPED_FILE,
	  .mapped_file = "/tmp/;" HOSTILE_CONTROL TEN("x y") " 12",
	  .live_bytes = 4096,
	  .live_blocks = 1,
	  .allocs = 1,
	  .alloc_bytes = 4096,
	  .verdict = VERDICT_UNKNOWN,
	  .end = 200,
	  .stack = hostile_stack + 11,
	  .nstack = 1 },
	{ .rank = 3,
	  .id = "0000000000000003",
	  .pid = 3,
	  .comm = "",
	  .kind = API_MAP,
	  .api = "shmat",
	  .mapping = MAPPED_SHARED,
	  .live_bytes = 0,
	  .live_blocks = 0,
	  .allocs = 9,
	  .frees = 9,
	  .alloc_bytes = 9,
	  .verdict = VERDICT_UNKNOWN,
	  .end = STACK_UNKNOWN },
	{ .rank = 4,
	  .id = "0000000000000004",
	  .pid = 3,
	  .comm = HOSTILE_WIDE,
	  .kind = API_MAP,
	  .api = "mmap",
	  .mapping = MAPPED_ANONYMOUS,
	  .live_bytes = 4096,
	  .live_blocks = 1,
	  .growth_bytes = 4096,
	  .allocs = 1,
	  .alloc_bytes = 4096,
	  .oldest_s = 0.04,
	  .verdict = VERDICT_UNKNOWN,
	  .complete = true,
	  .end = STACK_COMPLETE,
	  .stack = session_stack,
	  .nstack = 1 },
};

static const struct profile_process hostile_processes[] = {
	{ .pid = 3, .comm = "", .live_bytes = 4096, .live_blocks = 1, .stopped = true },
	{ .pid = 1,
	  .comm = HOSTILE_FOLDED,
	  .exe = HOSTILE_CONTROL,
	  .container = HOSTILE_UTF8,
	  .named = true,
	  .live_bytes = UINT64_MAX,
	  .live_blocks = UINT64_MAX,
	  .allocs = UINT64_MAX,
	  .frees = UINT64_MAX,
	  .allocator_bytes = UINT64_MAX,
	  .mapped_bytes = 1 << 20,
	  .rss_bytes = 1 << 30,
	  .anonymous_growth = UINT64_MAX,
	  .unseen_bytes = 5 << 20 },
	{ .pid = 4194304,
	  .comm = HOSTILE_CONTROL,
	  .exited = true,
	  .status = 11,
	  .live_bytes = 4096,
	  .live_blocks = 1 },
	{ .pid = 2, .comm = HOSTILE_WIDE, .exited = true, .status = -1 },
};

__attribute__((unused)) static const struct profile hostile = {
	.run = &test_run,
	.seq = 1,
	.wall_ns = WALL,
	.elapsed_s = 0.25,
	.interval_s = 0.25,
	.live_bytes = UINT64_MAX,
	.live_blocks = UINT64_MAX,
	.peak_bytes = UINT64_MAX,
	.growth_bytes = INT64_MAX,
	.allocs = UINT64_MAX,
	.frees = UINT64_MAX,
	.alloc_bytes = UINT64_MAX,
	.free_bytes = UINT64_MAX,
	.unmatched_frees = UINT64_MAX,
	.unseen_frees = UINT64_MAX - 5,
	.inherited_frees = 7,
	.disinherited = 2,
	.allocs_per_s = 1e18,
	.frees_per_s = 0.04,
	.superseded = 3,
	.lost_events = 1234,
	.lost_stacks = 12,
	.lost_table = 3,
	.unnamed = { 7, 1, 3, "reading " HOSTILE_CONTROL " ended with Segmentation fault" },
	.stacks_truncated = 5,
	.stack_ends = { [STACK_UNKNOWN] = 5 },
	.total_sites = 5,
	.rest_bytes = 10,
	.rest_blocks = 1,
	.unprobed = HOSTILE_CONTROL,
	.judged = { .reasons = ~0u,
		    .lost_share = 0.78,
		    .missed = UINT64_MAX,
		    .open_sites = 3,
		    .open_bytes = UINT64_MAX,
		    .open_blocks = 1 },
	.processes = hostile_processes,
	.nprocesses = ARRAY_SIZE(hostile_processes),
	.sites = hostile_sites,
	.nsites = ARRAY_SIZE(hostile_sites),
	.mappings = test_mappings,
	.nmappings = ARRAY_SIZE(test_mappings),
	.notice = "a notice with " HOSTILE_CONTROL,
};

/* ---- empty: nothing was seen, the process is gone ---- */

static const struct profile_process empty_processes[] = {
	{ .pid = 7, .comm = "idle", .exited = true, .named = true },
};

static const struct profile_run empty_run = {
	.version = "0.1.0",
	.host = "h",
	.kernel = "k",
	.interval_s = 0.5,
	.targets = NULL,
	.stack_mode = STACK_OFF,
	.sort = SORT_BYTES,
};

__attribute__((unused)) static const struct profile empty = {
	.run = &empty_run,
	.seq = 2,
	.final = true,
	.wall_ns = WALL,
	.elapsed_s = 61,
	.interval_s = 1,
	.processes = empty_processes,
	.nprocesses = 1,
};

/* ---- rendering to memory ---- */

__attribute__((unused)) static struct text render(const char *format, const struct profile *p,
						  const struct report_style *st, bool begin)
{
	const struct report_format *f = report__find(format);
	struct text t = { 0 };
	FILE *out = open_memstream(&t.data, &t.len);

	if (begin && f->begin)
		CHECK_EQ(f->begin(p->run, p->wall_ns, st, out), 0);
	CHECK_EQ(f->report(p, st, out), 0);
	fclose(out);
	return t;
}

/* A full device: the renderer must report the error. */
__attribute__((unused)) static int render_to_full(const char *format, const struct profile *p)
{
	const struct report_format *f = report__find(format);
	FILE *out = fopen("/dev/full", "we");
	int err = out ? f->report(p, &(struct report_style){ 0 }, out) : -errno;

	if (out)
		fclose(out);
	return err;
}

#endif
