/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "profile/profile.h"

#include <errno.h>
#include <stdbool.h>
#include <unistd.h>

#include "collect/collector.h"
#include "probe/alloc_functions.h"
#include "symbols/module.h"
#include "symbols/symbolizer.h"
#include "util/array.h"
#include "test.h"

/* A function of this program, whose name, file and line can be found. */
__attribute__((noinline, used)) static void known_function(void)
{
	__asm__ volatile("nop; nop; nop; nop");
}

/* The file offset of an address of this program. */
static uint64_t file_offset(const void *address)
{
	unsigned long start, end, offset;
	FILE *f = fopen("/proc/self/maps", "re");
	uint64_t found = 0;
	char line[512];

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx %*s %lx", &start, &end, &offset) == 3 &&
		    (unsigned long)address >= start && (unsigned long)address < end)
			found = (unsigned long)address - start + offset;
	}
	if (f)
		fclose(f);
	return found;
}

struct fixture {
	struct modules *modules;
	struct symbolizer *symbolizer;
	uint32_t module;
	uint64_t offset;
	struct stack *whole, *cut;
	struct snapshot snap;
	struct site_row sites[4];
	struct process_row processes[3];
	struct profile_run run;
	struct profile_input in;
};

static struct stack *new_stack(uint64_t id, uint8_t end, size_t n, const struct frame *frames)
{
	struct stack *st = calloc(1, sizeof(*st) + n * sizeof(*frames));

	st->id = id;
	st->pid = (uint32_t)getpid();
	st->n = (uint16_t)n;
	st->end = end;
	memcpy(st->frames, frames, n * sizeof(*frames));
	return st;
}

static const struct stack *find_stack(void *ctx, uint64_t id)
{
	struct fixture *f = ctx;

	return id == 1 ? f->whole : id == 2 ? f->cut : NULL;
}

static const char *mapped_file(void *ctx, uint32_t pid, uint64_t addr)
{
	static char name[32];

	(void)ctx;
	CHECK_EQ(pid, 77);
	snprintf(name, sizeof(name), "/data/%llx", (unsigned long long)addr);
	return name;
}

static void fill_rows(struct fixture *f)
{
	uint32_t self = (uint32_t)getpid();

	f->processes[0] = (struct process_row){
		.pid = self,
		.comm = "self",
		.exe = "/bin/self",
		.named = true,
		.live_bytes = 10,
		.live_blocks = 1,
		.allocs = 5,
		.frees = 4,
		.alloc_bytes = 50,
		.free_bytes = 40,
		.allocator_bytes = 4096,
		.mapped_bytes = 8192,
	};
	/* The kernel's comm has 15 bytes; one here has no terminator. */
	f->processes[1] = (struct process_row){ .pid = 77, .exited = true, .live_blocks = 2 };
	memcpy(f->processes[1].comm, "exactly16 bytes!", EVENT_COMM);
	/* A reused PID is another process. */
	f->processes[2] = (struct process_row){ .pid = 77, .comm = "again", .exited = true };
	f->sites[0] = (struct site_row){
		.pid = self,
		.process = 0,
		.stack = 1,
		.kind = API_HEAP,
		.api = (uint8_t)alloc_functions__find("malloc"),
		.live_bytes = 10,
		.live_blocks = 1,
		.allocs = 5,
		.frees = 4,
		.alloc_bytes = 50,
		.growth_bytes = -3,
		.allocs_since = 4,
		.oldest = 2500000000,
		.newest = 500000000,
	};
	f->sites[1] = (struct site_row){
		.pid = 77,
		.process = 1,
		.stack = 2,
		.kind = API_MAP,
		.api = API_MMAP,
		.map_flags = EVENT_F_FILE | EVENT_F_SHARED,
		.map_addr = 0xabc000,
		.live_bytes = 4096,
		.live_blocks = 1,
	};
	f->sites[2] = (struct site_row){ .pid = 77,
					 .process = 2,
					 .stack = 9,
					 .kind = API_MAP,
					 .api = API_MMAP,
					 .map_flags = EVENT_F_STACK };
	f->sites[3] = (struct site_row){ .pid = 5, .process = 99, .kind = API_HEAP, .api = 255 };
}

static void setup(struct fixture *f)
{
	*f = (struct fixture){ 0 };
	f->modules = modules__new();
	f->symbolizer = symbolizer__new(f->modules);
	f->module = (uint32_t)modules__add_path(f->modules, "/proc/self/exe");
	f->offset = file_offset(known_function) + 3;
	struct frame frames[] = {
		{ .pc = 0x1000, .offset = f->offset, .module = f->module },
		{ .pc = 0x2000, .offset = 0x2000, .module = FRAME_NO_MODULE },
		{ .pc = 0x1000, .offset = f->offset, .module = f->module },
	};

	f->whole = new_stack(1, STACK_COMPLETE, 3, frames);
	f->cut = new_stack(2, STACK_LIMIT, 1, frames + 1);
	fill_rows(f);
	f->snap = (struct snapshot){
		.now = 12500000000,
		.since = 10500000000,
		.live_bytes = 4106,
		.live_blocks = 3,
		.peak_bytes = 9999,
		.growth_bytes = -3,
		.allocs = 5,
		.frees = 4,
		.alloc_bytes = 50,
		.free_bytes = 40,
		.unmatched_frees = 6,
		.allocs_since = 4,
		.frees_since = 1,
		.lost_table = 7,
		.lost_stack_ids = 8,
		.superseded = 9,
		.stack_ends = { [STACK_COMPLETE] = 100, [STACK_LIMIT] = 20, [STACK_UNKNOWN] = 3 },
		.sites = f->sites,
		.nsites = 4,
		.total_sites = 6,
		.rest_bytes = 11,
		.rest_blocks = 2,
		.processes = f->processes,
		.nprocesses = 3,
	};
	f->in = (struct profile_input){
		.run = &f->run,
		.snapshot = &f->snap,
		.symbolizer = f->symbolizer,
		.modules = f->modules,
		.stack = find_stack,
		.mapped_file = mapped_file,
		.ctx = f,
		.seq = 3,
		.final = true,
		.wall_ns = 123,
		.start = 500000000,
		.lost_events = 12,
		.lost_stacks = { .unknown = 7, .no_buffer = 4, .limited = 2, .resent = 50 },
		.notice = "notice",
	};
}

static void teardown(struct fixture *f)
{
	free(f->whole);
	free(f->cut);
	symbolizer__free(f->symbolizer);
	modules__free(f->modules);
}

TEST(totals)
{
	struct fixture f;
	struct profile *p;

	setup(&f);
	p = profile__build(&f.in);
	CHECK(p->run == &f.run);
	CHECK_EQ(p->seq, 3);
	CHECK(p->final);
	CHECK_EQ(p->wall_ns, 123);
	CHECK(p->elapsed_s == 12);
	CHECK(p->interval_s == 2);
	CHECK(p->allocs_per_s == 2);
	CHECK(p->frees_per_s == 0.5);
	CHECK_EQ(p->live_bytes, 4106);
	CHECK_EQ(p->live_blocks, 3);
	CHECK_EQ(p->peak_bytes, 9999);
	CHECK_EQ(p->growth_bytes, -3);
	CHECK_EQ(p->allocs, 5);
	CHECK_EQ(p->frees, 4);
	CHECK_EQ(p->alloc_bytes, 50);
	CHECK_EQ(p->free_bytes, 40);
	CHECK_EQ(p->unmatched_frees, 6);
	CHECK_EQ(p->superseded, 9);
	CHECK_EQ(p->lost_events, 12);
	CHECK_EQ(p->lost_stacks, 13);
	CHECK_EQ(p->lost_table, 7);
	CHECK_EQ(p->stacks_complete, 100);
	CHECK_EQ(p->stacks_truncated, 23);
	CHECK_EQ(p->stack_ends[STACK_LIMIT], 20);
	CHECK_EQ(p->total_sites, 6);
	CHECK_EQ(p->rest_bytes, 11);
	CHECK_EQ(p->rest_blocks, 2);
	CHECK_STR(p->notice, "notice");
	CHECK(p->notice != f.in.notice);
	profile__free(p);
	teardown(&f);
}

TEST(processes)
{
	struct fixture f;
	struct profile *p;

	setup(&f);
	p = profile__build(&f.in);
	CHECK_EQ(p->nprocesses, 3);
	CHECK_EQ(p->processes[0].pid, getpid());
	CHECK_STR(p->processes[0].comm, "self");
	CHECK_STR(p->processes[0].exe, "/bin/self");
	CHECK(!p->processes[0].container);
	CHECK(!p->processes[0].exited);
	CHECK(p->processes[0].named);
	CHECK_EQ(p->processes[0].allocator_bytes, 4096);
	CHECK_EQ(p->processes[0].mapped_bytes, 8192);
	/* This process itself: more than nothing, less than a terabyte. */
	CHECK(p->processes[0].rss_bytes > 100000);
	CHECK(p->processes[0].rss_bytes < (uint64_t)1 << 40);
	CHECK_EQ(p->processes[0].rss_bytes % (uint64_t)sysconf(_SC_PAGESIZE), 0);
	CHECK_STR(p->processes[1].comm, "exactly16 bytes!");
	CHECK(!p->processes[1].exe);
	CHECK(p->processes[1].exited);
	CHECK_EQ(p->processes[1].rss_bytes, 0);
	profile__free(p);
	teardown(&f);
}

TEST(functions_that_are_not_probed)
{
	struct fixture f;
	struct profile *p;

	setup(&f);
	f.in.notice = NULL;
	p = profile__build(&f.in);
	CHECK(p && !p->unprobed && !p->notice);
	profile__free(p);
	f.processes[0].unprobed = "operator new of liba.so, malloc of libb.so";
	f.processes[2].unprobed = "malloc of libb.so";
	f.in.notice = "so it is";
	f.processes[0].unmatched_frees = 5;
	f.processes[1].unmatched_frees = 4;
	f.processes[1].unseen_frees = 3;
	p = profile__build(&f.in);
	CHECK_STR(p->unprobed, "operator new of liba.so, malloc of libb.so");
	CHECK_STR(p->notice, "operator new of liba.so, malloc of libb.so: not traced, and what is "
			     "allocated there is missing; so it is");
	CHECK_STR(p->processes[2].unprobed, "malloc of libb.so");
	/* Frees of unknown blocks may be of those that unprobed functions allocated. */
	CHECK_EQ(p->processes[0].unseen_frees, 5);
	CHECK_EQ(p->processes[1].unseen_frees, 3);
	CHECK_EQ(p->unseen_frees, 8);
	profile__free(p);
	teardown(&f);
}

TEST(sites)
{
	struct fixture f;
	struct profile *p;

	setup(&f);
	p = profile__build(&f.in);
	CHECK_EQ(p->nsites, 4);
	CHECK_EQ(p->sites[0].rank, 1);
	CHECK_STR(p->sites[0].comm, "self");
	CHECK_EQ(p->sites[0].kind, API_HEAP);
	CHECK_STR(p->sites[0].api, "malloc");
	CHECK(!p->sites[0].mapping);
	CHECK(!p->sites[0].mapped_file);
	CHECK_EQ(p->sites[0].live_bytes, 10);
	CHECK_EQ(p->sites[0].growth_bytes, -3);
	CHECK(p->sites[0].allocs_per_s == 2);
	CHECK(p->sites[0].oldest_s == 2.5);
	CHECK(p->sites[0].newest_s == 0.5);
	CHECK_EQ(p->sites[0].verdict, VERDICT_UNKNOWN);
	CHECK(p->sites[0].complete);
	CHECK_EQ(p->sites[0].end, STACK_COMPLETE);
	CHECK_EQ(p->sites[1].rank, 2);
	CHECK_STR(p->sites[1].comm, "exactly16 bytes!");
	CHECK_EQ(p->sites[1].kind, API_MAP);
	CHECK_STR(p->sites[1].api, "mmap");
	CHECK_EQ(p->sites[1].mapping, MAPPED_FILE);
	CHECK_STR(p->sites[1].mapped_file, "/data/abc000");
	CHECK(!p->sites[1].complete);
	CHECK_EQ(p->sites[1].end, STACK_LIMIT);
	/* An unknown stack, a missing process, an invalid allocation function. */
	CHECK_STR(p->sites[2].comm, "again");
	CHECK_EQ(p->sites[2].mapping, MAPPED_STACK);
	CHECK_STR(p->sites[2].id, "0000000000000000");
	CHECK_EQ(p->sites[2].nstack, 0);
	CHECK(!p->sites[2].complete);
	CHECK_EQ(p->sites[2].end, STACK_UNKNOWN);
	CHECK_STR(p->sites[3].comm, "");
	CHECK_STR(p->sites[3].api, alloc_functions__get(API_NONE)->name);
	profile__free(p);
	teardown(&f);
}

TEST(kinds_of_mappings)
{
	static const struct {
		uint16_t flags;
		enum mapped_kind mapped;
	} kinds[] = {
		{ 0, MAPPED_ANONYMOUS },
		{ EVENT_F_FIXED | EVENT_F_EXEC, MAPPED_ANONYMOUS },
		{ EVENT_F_STACK, MAPPED_STACK },
		{ EVENT_F_SHARED, MAPPED_SHARED },
		{ EVENT_F_SHM, MAPPED_SHARED },
		{ EVENT_F_FILE | EVENT_F_SHM, MAPPED_SHARED },
		{ EVENT_F_FILE | EVENT_F_SHARED, MAPPED_FILE },
	};
	struct fixture f;
	struct profile *p;

	setup(&f);
	f.in.mapped_file = NULL;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		f.sites[1].map_flags = kinds[i].flags;
		p = profile__build(&f.in);
		CHECK_EQ(p->sites[1].mapping, kinds[i].mapped);
		CHECK(!p->sites[1].mapped_file);
		profile__free(p);
	}
	teardown(&f);
}

TEST(several_file_mappings_have_no_file_name)
{
	struct fixture f;
	struct profile *p;

	setup(&f);
	f.sites[1].live_blocks = 2;
	p = profile__build(&f.in);
	CHECK_EQ(p->sites[1].mapping, MAPPED_FILE);
	CHECK(!p->sites[1].mapped_file);
	profile__free(p);
	teardown(&f);
}

TEST(stacks_are_named_and_share_mappings)
{
	char path[4096] = "", build_id[65] = "", want_id[17];
	struct fixture f;
	struct profile *p;
	const struct profile_frame *frames;
	uint8_t raw[BUILD_ID_MAX];
	size_t len;

	setup(&f);
	snprintf(path, sizeof(path), "%s", module__path(modules__get(f.modules, f.module)));
	len = module__build_id(modules__get(f.modules, f.module), raw);
	for (size_t i = 0; i < len; i++)
		snprintf(build_id + 2 * i, 3, "%02x", raw[i]);
	snprintf(want_id, sizeof(want_id), "%016" PRIx64,
		 symbolizer__stable_id(f.symbolizer, f.whole));
	p = profile__build(&f.in);
	frames = p->sites[0].stack;
	CHECK_EQ(p->sites[0].nstack, 3);
	CHECK_STR(frames[0].func, "known_function");
	CHECK_STR(frames[0].module, path);
	CHECK(frames[0].file && strstr(frames[0].file, "test_profile.c"));
	CHECK(frames[0].line > 10 && frames[0].line < 30);
	CHECK_EQ(frames[0].offset, f.offset);
	CHECK_EQ(frames[0].address, 0x1000);
	CHECK_EQ(frames[0].mapping, 0);
	CHECK(!frames[1].func);
	CHECK(!frames[1].module);
	CHECK_EQ(frames[1].offset, 0x2000);
	CHECK_EQ(frames[1].mapping, UINT32_MAX);
	CHECK_EQ(frames[2].mapping, 0);
	CHECK_STR(p->sites[0].id, want_id);
	CHECK(strcmp(want_id, "0000000000000000"));
	CHECK_EQ(p->nmappings, 1);
	CHECK_STR(p->mappings[0].path, path);
	CHECK_STR(p->mappings[0].build_id, build_id);
	CHECK(p->mappings[0].names_read);
	profile__free(p);
	teardown(&f);
}

/* Of a file that was not read, it is not known what names it has. */
TEST(files_that_could_not_be_read_for_names)
{
	struct fixture f;
	struct profile *p;

	setup(&f);
	f.whole->frames[1].module = (uint32_t)modules__add_known(f.modules, "/srv/gone");
	p = profile__build(&f.in);
	CHECK_EQ(p->nmappings, 2);
	CHECK(p->mappings[0].names_read);
	CHECK(!p->mappings[1].names_read);
	profile__free(p);
	teardown(&f);
}

/* A profile does not depend on what it was built from. */
TEST(a_profile_owns_its_names)
{
	struct fixture f;
	struct profile *p;

	setup(&f);
	p = profile__build(&f.in);
	teardown(&f);
	memset(f.processes, 'x', sizeof(f.processes));
	memset(f.sites, 'x', sizeof(f.sites));
	CHECK_STR(p->sites[0].stack[0].func, "known_function");
	CHECK_STR(p->sites[0].comm, "self");
	CHECK_STR(p->sites[1].mapped_file, "/data/abc000");
	CHECK_STR(p->processes[0].exe, "/bin/self");
	profile__free(p);
}

TEST(an_empty_snapshot)
{
	struct fixture f;
	struct profile *p;

	setup(&f);
	f.snap = (struct snapshot){ .now = 5 };
	p = profile__build(&f.in);
	CHECK(p);
	CHECK(p->elapsed_s == 0);
	CHECK(p->allocs_per_s == 0);
	CHECK_EQ(p->nsites, 0);
	CHECK_EQ(p->nprocesses, 0);
	profile__free(p);
	profile__free(NULL);
	teardown(&f);
}
