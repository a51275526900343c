#include "facts/profile.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ground/hashmap.h"
#include "ground/strtab.h"
#include "ground/util.h"
#include "joints/collector.h"
#include "joints/symbolizer.h"
#include "model/api.h"
#include "model/image.h"

#define NAMED_MAX (EVENT_MAX_FRAMES * SYMBOL_FRAMES_MAX)

/* The rows that the public part only shows, and what it takes to make them. */
struct owner {
	struct profile profile;		/* first: profile__free gets from one to the other */
	struct strtab *strings;
	struct profile_process *processes;
	struct profile_site *sites;
	struct profile_mapping *mappings;
	size_t mappings_cap;
	/* Only while building. */
	const struct profile_input *in;
	struct hashmap *mapping_of;	/* image id to index */
	struct named_frame *named;
};

static double seconds(uint64_t from, uint64_t to)
{
	return to > from ? (double)(to - from) / 1e9 : 0;
}

static uint64_t resident_bytes(uint32_t pid)
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

static int add_processes(struct owner *o)
{
	const struct snapshot *snap = o->in->snapshot;

	o->processes = calloc(snap->nprocesses + 1, sizeof(*o->processes));
	if (!o->processes)
		return -ENOMEM;
	for (size_t i = 0; i < snap->nprocesses; i++) {
		const struct process_row *row = &snap->processes[i];
		char comm[EVENT_COMM + 1] = "";

		memcpy(comm, row->comm, EVENT_COMM);
		o->processes[i] = (struct profile_process){
			.pid = row->pid,
			.comm = strtab__copy(o->strings, comm),
			.exe = strtab__copy(o->strings, row->exe),
			.exited = row->exited,
			.named = row->named,
			.live_bytes = row->live_bytes,
			.live_blocks = row->live_blocks,
			.allocs = row->allocs,
			.frees = row->frees,
			.allocator_bytes = row->allocator_bytes,
			.mapped_bytes = row->mapped_bytes,
			.rss_bytes = row->exited ? 0 : resident_bytes(row->pid),
		};
	}
	o->profile.processes = o->processes;
	o->profile.nprocesses = snap->nprocesses;
	return 0;
}

static void hex_build_id(struct images *images, uint32_t image, char out[2 * BUILD_ID_MAX + 1])
{
	struct image *im = images ? images__get(images, image) : NULL;
	uint8_t id[BUILD_ID_MAX];
	size_t len = im ? image__build_id(im, id) : 0;

	for (size_t i = 0; i < len && i < BUILD_ID_MAX; i++)
		snprintf(out + 2 * i, 3, "%02x", id[i]);
}

/* The index of an image among the profile's mappings; a negative errno. */
static int64_t mapping_index(struct owner *o, const struct named_frame *nf)
{
	struct profile_mapping *grown, *m;
	uintptr_t known;
	size_t n = o->profile.nmappings, cap;

	if (nf->image == FRAME_NO_IMAGE)
		return UINT32_MAX;
	if (hashmap__get(o->mapping_of, nf->image, &known))
		return (int64_t)known;
	if (n == o->mappings_cap) {
		cap = n ? n * 2 : 16;
		grown = reallocarray(o->mappings, cap, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		o->mappings = grown;
		o->mappings_cap = cap;
		o->profile.mappings = grown;
	}
	m = &o->mappings[n];
	*m = (struct profile_mapping){
		.path = strtab__copy(o->strings, nf->module ? nf->module : ""),
	};
	hex_build_id(o->in->images, nf->image, m->build_id);
	if (hashmap__set(o->mapping_of, nf->image, n))
		return -ENOMEM;
	o->profile.nmappings++;
	return (int64_t)n;
}

/*
 * A mapping's stack begins inside the C library's wrapper of the system call. A report begins with whoever
 * called that, as it does for malloc. How many frames to leave out.
 */
static size_t wrapper_frames(const struct named_frame *named, size_t n)
{
	static const char *const wrappers[] = {
		"mmap", "mmap64", "__mmap", "__mmap64", "mremap", "__mremap", "brk", "__brk", "__brk_call",
		"sbrk", "__sbrk", "shmat", "__shmat", "__libc_shmat", "syscall",
	};
	size_t i, k = 0;

	for (i = 0; i + 1 < n; i++) {
		for (k = 0; k < ARRAY_SIZE(wrappers); k++)
			if (named[i].func && !strcmp(named[i].func, wrappers[k]))
				break;
		if (k == ARRAY_SIZE(wrappers))
			break;
	}
	return i;
}

static int add_stack(struct owner *o, struct profile_site *site, uint64_t id, bool map)
{
	const struct stack *st = id && o->in->stack ? o->in->stack(o->in->ctx, id) : NULL;
	const struct named_frame *named = o->named;
	struct profile_frame *frames;
	size_t n;

	snprintf(site->id, sizeof(site->id), "%016" PRIx64,
		 st ? symbolizer__stable_id(o->in->symbolizer, st) : 0);
	site->end = st ? st->end : STACK_UNKNOWN;
	site->complete = st && st->end == STACK_COMPLETE;
	if (!st)
		return 0;
	n = symbolizer__stack(o->in->symbolizer, st, o->named, NAMED_MAX);
	if (!n)
		return 0;
	if (map) {
		named += wrapper_frames(named, n);
		n -= (size_t)(named - o->named);
	}
	frames = calloc(n, sizeof(*frames));
	if (!frames)
		return -ENOMEM;
	site->stack = frames;
	site->nstack = n;
	for (size_t i = 0; i < n; i++) {
		const struct named_frame *nf = &named[i];
		int64_t mapping = mapping_index(o, nf);

		if (mapping < 0)
			return (int)mapping;
		frames[i] = (struct profile_frame){
			.func = strtab__copy(o->strings, nf->func),
			.module = strtab__copy(o->strings, nf->module),
			.file = strtab__copy(o->strings, nf->file),
			.line = nf->line,
			.inlined = nf->inlined,
			.offset = nf->offset,
			.address = nf->address,
			.mapping = (uint32_t)mapping,
		};
	}
	return 0;
}

static const char *map_kind(uint16_t flags)
{
	static const struct {
		uint16_t flag;
		const char *name;
	} kinds[] = {
		{ EVENT_F_SHM, "shared memory" },
		{ EVENT_F_FILE, "file" },
		{ EVENT_F_STACK, "thread stack" },
		{ EVENT_F_SHARED, "shared memory" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (flags & kinds[i].flag)
			return kinds[i].name;
	}
	return "anonymous";
}

static const char *api_name(const struct profile_input *in, uint8_t row)
{
	const char *name = in->api_names ? in->api_names[row] : api__get(row)->name;

	return name ? name : api__get(API_NONE)->name;
}

static int add_site(struct owner *o, struct profile_site *site, const struct site_row *row)
{
	const struct profile_input *in = o->in;
	bool map = row->kind == API_MAP;
	const char *file = NULL;

	/* One name for many mappings would be a guess. */
	if (map && (row->map_flags & EVENT_F_FILE) && row->live_blocks == 1 && in->mapped_file)
		file = in->mapped_file(in->ctx, row->pid, row->map_addr);
	*site = (struct profile_site){
		.rank = (uint32_t)(site - o->sites) + 1,
		.pid = row->pid,
		.comm = row->process < o->profile.nprocesses ? o->processes[row->process].comm : "",
		.kind = map ? "map" : "heap",
		.api = api_name(in, row->api),
		.mapping = map ? map_kind(row->map_flags) : NULL,
		.mapped_file = strtab__copy(o->strings, file),
		.live_bytes = row->live_bytes,
		.live_blocks = row->live_blocks,
		.allocs = row->allocs,
		.frees = row->frees,
		.alloc_bytes = row->alloc_bytes,
		.growth_bytes = row->growth_bytes,
		.oldest_s = (double)row->oldest / 1e9,
		.newest_s = (double)row->newest / 1e9,
		.verdict = "unknown",
	};
	if (o->profile.interval_s > 0)
		site->allocs_per_s = (double)row->allocs_since / o->profile.interval_s;
	return add_stack(o, site, row->stack, map);
}

static int add_sites(struct owner *o)
{
	const struct snapshot *snap = o->in->snapshot;
	int err = 0;

	o->sites = calloc(snap->nsites + 1, sizeof(*o->sites));
	if (!o->sites)
		return -ENOMEM;
	o->profile.sites = o->sites;
	for (size_t i = 0; i < snap->nsites && !err; i++) {
		o->profile.nsites = i + 1;
		err = add_site(o, &o->sites[i], &snap->sites[i]);
	}
	return err;
}

static void add_totals(struct owner *o)
{
	const struct profile_input *in = o->in;
	const struct snapshot *snap = in->snapshot;
	struct profile *p = &o->profile;

	*p = (struct profile){
		.run = in->run,
		.seq = in->seq,
		.final = in->final,
		.wall_ns = in->wall_ns,
		.elapsed_s = seconds(in->start, snap->now),
		.interval_s = seconds(snap->since, snap->now),
		.live_bytes = snap->live_bytes,
		.live_blocks = snap->live_blocks,
		.peak_bytes = snap->peak_bytes,
		.growth_bytes = snap->growth_bytes,
		.allocs = snap->allocs,
		.frees = snap->frees,
		.alloc_bytes = snap->alloc_bytes,
		.free_bytes = snap->free_bytes,
		.unmatched_frees = snap->unmatched_frees,
		.superseded = snap->superseded,
		.lost_events = in->lost_events,
		.lost_stacks = in->lost_stacks,
		.lost_table = snap->lost_table,
		.total_sites = snap->total_sites,
		.rest_bytes = snap->rest_bytes,
		.rest_blocks = snap->rest_blocks,
		.notice = strtab__copy(o->strings, in->notice),
	};
	if (p->interval_s > 0) {
		p->allocs_per_s = (double)snap->allocs_since / p->interval_s;
		p->frees_per_s = (double)snap->frees_since / p->interval_s;
	}
	for (int end = 0; end < STACK_ENDS; end++) {
		p->stack_ends[end] = snap->stack_ends[end];
		if (end == STACK_COMPLETE)
			p->stacks_complete += snap->stack_ends[end];
		else
			p->stacks_truncated += snap->stack_ends[end];
	}
}

static void free_scratch(struct owner *o)
{
	hashmap__free(o->mapping_of);
	free(o->named);
	o->mapping_of = NULL;
	o->named = NULL;
	o->in = NULL;
}

struct profile *profile__build(const struct profile_input *in)
{
	struct owner *o = calloc(1, sizeof(*o));
	int err = -ENOMEM;

	if (!o)
		return NULL;
	o->in = in;
	o->strings = strtab__new();
	o->mapping_of = hashmap__new();
	o->named = calloc(NAMED_MAX, sizeof(*o->named));
	if (!o->strings || !o->mapping_of || !o->named)
		goto out;
	add_totals(o);
	err = add_processes(o);
	if (!err)
		err = add_sites(o);
	if (!err)
		err = strtab__error(o->strings);
out:
	free_scratch(o);
	if (err) {
		profile__free(&o->profile);
		errno = -err;
		return NULL;
	}
	return &o->profile;
}

void profile__free(struct profile *p)
{
	struct owner *o = (struct owner *)p;

	if (!p)
		return;
	for (size_t i = 0; i < p->nsites; i++)
		free((void *)p->sites[i].stack);
	free(o->sites);
	free(o->processes);
	free(o->mappings);
	strtab__free(o->strings);
	free(o);
}
