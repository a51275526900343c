/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Profiles built by hand, for the tests of the report formats: an ordinary one, one whose every
 * name is hostile, an empty one. A renderer's output goes to memory.
 */
#ifndef PROFILES_H
#define PROFILES_H

#include "hostile_profile.h"
#include "profile_parts.h"

/* ---- ordinary: one process ---- */

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
