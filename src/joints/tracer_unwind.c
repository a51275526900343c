#include "joints/tracer_unwind.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "ground/hashmap.h"
#include "ground/log.h"
#include "joints/tracer_chunks.h"
#include "model/cfi.h"
#include "model/elf.h"
#include "model/image.h"
#include "model/slices.h"
#include "model/space.h"
#include "model/stacks.h"
#include "model/unwind_table.h"

#define RULES_BYTES (UNWIND_MAX_RULES * sizeof(uint64_t))
#define MAPPINGS_BYTES (UNWIND_MAX_MAPPINGS * sizeof(struct unwind_mapping))
#define CACHE_BYTES ((size_t)16 << UNWIND_CACHE_BITS)
/* What a hash map takes for one process: key, value, and the element's head, roughly. */
#define PROCESS_BYTES 96
#define FIXED_BYTES                                                                                \
	(RULES_BYTES + MAPPINGS_BYTES + CACHE_BYTES + UNWIND_MAX_PROCESSES * PROCESS_BYTES)

#define LOWEST_KERNEL_ADDRESS (1ull << 47) /* [vsyscall] is mapped above */

/* The table of one file. */
struct file {
	uint32_t image;
	unsigned int views;	    /* that use it */
	struct unwind_table *table; /* NULL: the file has no CFI, or its table found no room */
	uint32_t *numbers;	    /* of its chunks */
	size_t nchunks;
	size_t wanted; /* chunks that it found no room for; 0: it did */
};

/* What one or several processes have mapped: a forked child shares its parent's. */
struct view {
	unsigned int processes;
	struct slice slice;
	struct file **files;
	size_t nfiles;
};

struct tracer_unwind {
	struct images *images;
	int processes_fd;
	uint64_t *rules;
	struct unwind_mapping *mappings;
	void *cache;
	struct rule_set *rule_set;
	struct chunks *chunks;
	struct slices *slices;
	struct hashmap *files; /* by image id */
	struct hashmap *views; /* by pid */
	size_t rows, no_room;
};

/* ---- making and ending ---- */

static struct bpf_map *find_map(struct bpf_object *obj, const char *name)
{
	return bpf_object__find_map_by_name(obj, name);
}

int tracer_unwind__prepare(struct bpf_object *obj, uint64_t memory)
{
	struct bpf_map *chunks = find_map(obj, "unwind_chunks");

	if (!chunks)
		return -ENOENT;
	if (memory < TRACER_UNWIND_MEMORY_MIN)
		return -EINVAL;
	return bpf_map__set_max_entries(chunks, (uint32_t)((memory - FIXED_BYTES) / CHUNK_BYTES));
}

static void *map_memory(struct bpf_object *obj, const char *name, size_t size)
{
	struct bpf_map *map = find_map(obj, name);
	void *p;

	if (!map || bpf_map__value_size(map) != size) {
		errno = ENOENT;
		return NULL;
	}
	p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);
	return p == MAP_FAILED ? NULL : p;
}

struct tracer_unwind *tracer_unwind__new(struct bpf_object *obj, struct images *images)
{
	struct bpf_map *chunks = find_map(obj, "unwind_chunks"),
		       * processes = find_map(obj, "unwind_processes");
	struct tracer_unwind *u = calloc(1, sizeof(*u));
	int err;

	if (!u)
		return NULL;
	u->images = images;
	errno = ENOENT;
	if (!chunks || !processes)
		goto fail;
	u->processes_fd = bpf_map__fd(processes);
	u->rules = map_memory(obj, "unwind_rules", RULES_BYTES);
	u->mappings = map_memory(obj, "unwind_mappings", MAPPINGS_BYTES);
	u->cache = map_memory(obj, "unwind_cache", CACHE_BYTES);
	if (!u->rules || !u->mappings || !u->cache)
		goto fail;
	u->rule_set = rule_set__new(u->rules);
	u->slices = slices__new(u->mappings);
	u->files = hashmap__new();
	u->views = hashmap__new();
	if (!u->rule_set || !u->slices || !u->files || !u->views)
		goto fail;
	u->chunks = chunks__new(bpf_map__fd(chunks), bpf_map__max_entries(chunks));
	if (!u->chunks)
		goto fail;
	return u;
fail:
	err = errno;
	tracer_unwind__free(u);
	errno = err;
	return NULL;
}

static void free_file(struct file *f)
{
	unwind_table__free(f->table);
	free(f->numbers);
	free(f);
}

static void free_view(struct view *v)
{
	free(v->files);
	free(v);
}

void tracer_unwind__free(struct tracer_unwind *u)
{
	size_t pos = 0;
	uintptr_t value;

	if (!u)
		return;
	while (u->views && hashmap__next(u->views, &pos, NULL, &value)) {
		struct view *v = (struct view *)value;

		if (--v->processes == 0)
			free_view(v);
	}
	pos = 0;
	while (u->files && hashmap__next(u->files, &pos, NULL, &value))
		free_file((struct file *)value);
	hashmap__free(u->views);
	hashmap__free(u->files);
	chunks__free(u->chunks);
	slices__free(u->slices);
	rule_set__free(u->rule_set);
	if (u->rules)
		munmap(u->rules, RULES_BYTES);
	if (u->mappings)
		munmap(u->mappings, MAPPINGS_BYTES);
	if (u->cache)
		munmap(u->cache, CACHE_BYTES);
	free(u);
}

/* ---- files ---- */

/* The table of an ELF file. NULL and errno; 0: it has no CFI. */
static struct unwind_table *read_table(struct tracer_unwind *u, struct elf *e)
{
	struct unwind_table *t = NULL;
	struct cfi_source src;
	struct cfi cfi;
	int err = cfi__source(e, &src);

	if (!err)
		err = cfi__build(&src, &cfi);
	if (!err) {
		t = unwind_table__new(&cfi, &src, u->rule_set);
		err = t ? 0 : -errno;
		cfi__release(&cfi);
	}
	errno = err == -ENODATA || err == -ENOTSUP || err == -EFBIG ? 0 : -err;
	return t;
}

/* The table goes to where the walk finds it. */
static int install(struct tracer_unwind *u, struct file *f)
{
	size_t n = f->table->nchunks;
	int err;

	f->numbers = calloc(n ? n : 1, sizeof(*f->numbers));
	if (!f->numbers)
		return -ENOMEM;
	err = chunks__take(u->chunks, n, f->numbers);
	f->wanted = err == -ENOSPC ? n : 0;
	if (err)
		return err;
	f->nchunks = n;
	unwind_table__place(f->table, f->numbers);
	for (size_t i = 0; i < n; i++)
		memcpy(chunks__words(u->chunks, f->numbers[i]),
		       f->table->words + i * UNWIND_CHUNK_WORDS,
		       UNWIND_CHUNK_WORDS * sizeof(uint32_t));
	unwind_table__drop_words(f->table);
	u->rows += f->table->rows;
	return 0;
}

/* On failure the file has no table. */
static int build(struct tracer_unwind *u, struct file *f, struct image *im)
{
	size_t len;
	const void *memory = image__memory(im, &len);
	struct elf *e;
	int err;

	f->wanted = 0;
	if (!memory && image__fd(im) < 0)
		return image__error(im) ? image__error(im) : -ENOENT;
	e = memory ? elf__open_memory(memory, len) : elf__open(image__fd(im));
	if (!e)
		return errno == ENOEXEC ? 0 : -errno;
	f->table = read_table(u, e);
	err = f->table ? install(u, f) : -errno;
	elf__close(e);
	if (!err)
		return 0;
	unwind_table__free(f->table);
	free(f->numbers);
	f->table = NULL;
	f->numbers = NULL;
	return err;
}

/* The file of an image, its table made now if it was not. A file whose table found no room is one,
 * too. */
static int get_file(struct tracer_unwind *u, uint32_t image, struct file **out)
{
	struct image *im = images__get(u->images, image);
	uintptr_t value;
	struct file *f;
	int err;

	if (hashmap__get(u->files, image, &value)) {
		f = *out = (struct file *)value;
		if (f->wanted && f->wanted <= chunks__left(u->chunks))
			build(u, f, im);
		return 0;
	}
	f = im ? calloc(1, sizeof(*f)) : NULL;
	if (!f)
		return im ? -ENOMEM : -ENOENT;
	f->image = image;
	err = build(u, f, im);
	if (err == -ENOSPC) {
		if (!u->no_room++)
			log__warn(
			    "no room for the unwind table of %s: stacks through it are cut there "
			    "(raise --unwind-memory)",
			    image__name(im));
		err = 0;
	}
	if (!err)
		err = hashmap__set(u->files, image, (uintptr_t)f);
	if (err) {
		log__debug("unwind table of %s: %s", image__name(im), strerror(-err));
		chunks__give(u->chunks, f->numbers, f->nchunks);
		free_file(f);
		return err;
	}
	*out = f;
	return 0;
}

static void release_file(struct tracer_unwind *u, struct file *f)
{
	if (--f->views)
		return;
	hashmap__remove(u->files, f->image, NULL);
	if (f->table)
		u->rows -= f->table->rows;
	chunks__give(u->chunks, f->numbers, f->nchunks);
	free_file(f);
}

/* ---- views ---- */

/* A view that is being made. */
struct draft {
	struct unwind_mapping *maps;
	size_t n, cap;
	struct file **files;
	size_t nfiles, files_cap;
	bool no_room;
};

static int add_mapping(void *ctx, const struct unwind_mapping *m)
{
	struct draft *d = ctx;

	if (d->n == d->cap) {
		size_t cap = d->cap ? d->cap * 2 : 64;
		struct unwind_mapping *maps = reallocarray(d->maps, cap, sizeof(*maps));

		if (!maps)
			return -ENOMEM;
		d->maps = maps;
		d->cap = cap;
	}
	d->maps[d->n++] = *m;
	return 0;
}

/* The file's table is used by this view: once, however often it is mapped. */
static int add_file(struct draft *d, struct file *f)
{
	for (size_t i = d->nfiles; i-- > 0;)
		if (d->files[i] == f)
			return 0;
	if (d->nfiles == d->files_cap) {
		size_t cap = d->files_cap ? d->files_cap * 2 : 16;
		struct file **files = reallocarray(d->files, cap, sizeof(*files));

		if (!files)
			return -ENOMEM;
		d->files = files;
		d->files_cap = cap;
	}
	d->files[d->nfiles++] = f;
	f->views++;
	return 0;
}

static int add_code(struct tracer_unwind *u, struct draft *d, const struct mapping *m)
{
	struct unwind_mapping plain = {
	    .start = m->start, .len = m->end - m->start, .pages = UNWIND_NO_CFI};
	struct file *f;
	int err;

	if (m->image == FRAME_NO_IMAGE)
		return add_mapping(d, &plain);
	err = get_file(u, m->image, &f);
	if (err == -ENOMEM)
		return err;
	if (err) {
		plain.pages = UNWIND_NO_TABLE;
		return add_mapping(d, &plain);
	}
	err = add_file(d, f);
	if (err) {
		f->views++;
		release_file(u, f);
		return err;
	}
	if (f->wanted) {
		plain.pages = UNWIND_NO_TABLE;
		d->no_room = true;
	}
	if (!f->table)
		return add_mapping(d, &plain);
	return unwind_table__map(f->table, m->start, m->end, m->offset, add_mapping, d);
}

static int draft_view(struct tracer_unwind *u, struct draft *d, const struct space *space)
{
	for (size_t i = 0; i < space__count(space); i++) {
		const struct mapping *m = space__at(space, i);
		int err = m->exec && m->start < LOWEST_KERNEL_ADDRESS ? add_code(u, d, m) : 0;

		if (err)
			return err;
	}
	return d->n ? 0 : -ENODATA;
}

static void discard_draft(struct tracer_unwind *u, struct draft *d)
{
	for (size_t i = 0; i < d->nfiles; i++)
		release_file(u, d->files[i]);
	free(d->files);
	free(d->maps);
}

static bool is_as_drafted(const struct tracer_unwind *u, const struct view *v,
			  const struct draft *d)
{
	return v->slice.n == d->n &&
	       !memcmp(u->mappings + v->slice.first, d->maps, d->n * sizeof(*d->maps));
}

/* A slice for the draft's mappings, waiting for old ones to be free if need be. */
static int take_slice(struct tracer_unwind *u, const struct draft *d, struct slice *out)
{
	int err = slices__add(u->slices, d->maps, d->n, out);
	int settled;

	if (err != -ENOSPC && err != -ENOSR)
		return err;
	settled = chunks__settle(u->chunks);
	if (settled)
		return settled;
	slices__settle(u->slices);
	if (err == -ENOSR) {
		memset(u->cache, 0, CACHE_BYTES);
		slices__reset_ids(u->slices);
	}
	return slices__add(u->slices, d->maps, d->n, out);
}

static void release_view(struct tracer_unwind *u, struct view *v)
{
	if (--v->processes)
		return;
	slices__give_up(u->slices, v->slice.id);
	for (size_t i = 0; i < v->nfiles; i++)
		release_file(u, v->files[i]);
	free_view(v);
}

/* The process is told, and what it had before is released. */
static int publish(struct tracer_unwind *u, pid_t pid, struct view *v)
{
	uint64_t slice = UNWIND_SLICE(v->slice.first, v->slice.n, v->slice.id);
	struct unwind_process p = { .slice = slice, .check = UNWIND_FOLD(slice) ^ (uint32_t)pid};
	uint32_t key = (uint32_t)pid;
	uintptr_t before;
	bool had = hashmap__get(u->views, key, &before);
	int err = hashmap__set(u->views, key, (uintptr_t)v);

	if (err)
		return err;
	if (bpf_map_update_elem(u->processes_fd, &key, &p, BPF_ANY) != 0) {
		err = -errno;
		if (had)
			hashmap__set(u->views, key, before);
		else
			hashmap__remove(u->views, key, NULL);
		return err;
	}
	v->processes++;
	if (had)
		release_view(u, (struct view *)before);
	return 0;
}

int tracer_unwind__update(struct tracer_unwind *u, pid_t pid, const struct space *space)
{
	struct draft d = { 0 };
	struct view *v = NULL;
	uintptr_t value;
	int err = draft_view(u, &d, space);
	bool no_room = d.no_room;

	if (err)
		goto out;
	if (hashmap__get(u->views, (uint32_t)pid, &value) &&
	    is_as_drafted(u, (struct view *)value, &d)) {
		/* Told again: what the BPF side knew of it may have gone, with an exec. */
		err = publish(u, pid, (struct view *)value);
		goto out;
	}
	v = calloc(1, sizeof(*v));
	err = v ? take_slice(u, &d, &v->slice) : -ENOMEM;
	if (err)
		goto out;
	v->files = d.files;
	v->nfiles = d.nfiles;
	d.files = NULL;
	d.nfiles = 0;
	v->processes = 1; /* ours, until it is published */
	err = publish(u, pid, v);
	release_view(u, v);
	v = NULL;
out:
	free(v);
	discard_draft(u, &d);
	return err ? err : no_room ? -ENOSPC : 0;
}

int tracer_unwind__fork(struct tracer_unwind *u, pid_t parent, pid_t child)
{
	uintptr_t value;

	if (!hashmap__get(u->views, (uint32_t)parent, &value))
		return -ESRCH;
	return publish(u, child, (struct view *)value);
}

void tracer_unwind__drop(struct tracer_unwind *u, pid_t pid)
{
	uint32_t key = (uint32_t)pid;
	uintptr_t value;

	if (!hashmap__remove(u->views, key, &value))
		return;
	bpf_map_delete_elem(u->processes_fd, &key);
	release_view(u, (struct view *)value);
}

void tracer_unwind__tend(struct tracer_unwind *u)
{
	chunks__tend(u->chunks);
}

void tracer_unwind__stats(const struct tracer_unwind *u, struct tracer_unwind_stats *out)
{
	*out = (struct tracer_unwind_stats){
	    .processes = hashmap__count(u->views),
	    .files = hashmap__count(u->files),
	    .rows = u->rows,
	    .rules = rule_set__count(u->rule_set),
	    .bytes = FIXED_BYTES + chunks__bytes(u->chunks),
	    .no_room = u->no_room,
	};
}
