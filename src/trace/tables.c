/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "trace/tables.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "elf/elf.h"
#include "symbols/mappings.h"
#include "symbols/module.h"
#include "trace/table_chunks.h"
#include "unwind/cfi.h"
#include "unwind/table.h"
#include "util/clock.h"
#include "util/hashmap.h"
#include "util/kdev.h"
#include "util/log.h"

#define IDLE_NS 60000000000ull /* how long a table without users is kept */
#define RULES_BYTES (UNWIND_MAX_RULES * sizeof(uint64_t))

struct trace_tables {
	struct modules *modules;
	uint64_t *rules;
	int files_fd, known_fd;
	struct rule_set *rule_set;
	struct table_chunks *chunks;
	struct hashmap *by_module;
	size_t rows, no_room;
};

int trace_tables__prepare(struct bpf_object *obj, uint64_t memory)
{
	struct bpf_map *chunks = bpf_object__find_map_by_name(obj, "unwind_chunks");

	if (!chunks)
		return -ENOENT;
	if (memory < RULES_BYTES + 2 * CHUNK_BYTES)
		return -EINVAL;
	return bpf_map__set_max_entries(chunks, (uint32_t)((memory - RULES_BYTES) / CHUNK_BYTES));
}

struct trace_tables *trace_tables__new(struct bpf_object *obj, struct modules *modules)
{
	struct bpf_map *chunks = bpf_object__find_map_by_name(obj, "unwind_chunks");
	struct bpf_map *rules = bpf_object__find_map_by_name(obj, "unwind_rules");
	struct trace_tables *t = calloc(1, sizeof(*t));
	void *memory;
	int err = ENOENT;

	if (!t)
		return NULL;
	t->modules = modules;
	t->files_fd = bpf_object__find_map_fd_by_name(obj, "unwind_files");
	t->known_fd = bpf_object__find_map_fd_by_name(obj, "known_files");
	if (!chunks || !rules || t->files_fd < 0 || bpf_map__value_size(rules) != RULES_BYTES)
		goto fail;
	memory = mmap(NULL, RULES_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(rules), 0);
	err = errno;
	if (memory == MAP_FAILED)
		goto fail;
	t->rules = memory;
	t->rule_set = rule_set__new(t->rules);
	t->by_module = hashmap__new();
	t->chunks = table_chunks__new(bpf_map__fd(chunks), bpf_map__max_entries(chunks));
	err = errno;
	if (t->rule_set && t->by_module && t->chunks)
		return t;
fail:
	trace_tables__free(t);
	errno = err;
	return NULL;
}

static void free_table(struct trace_table *f)
{
	unwind_table__free(f->layout);
	free(f->numbers);
	free(f);
}

void trace_tables__free(struct trace_tables *t)
{
	struct trace_table *f;
	size_t pos = 0;

	if (!t)
		return;
	while (t->by_module && (f = hashmap__next_ptr(t->by_module, &pos, NULL)))
		free_table(f);
	hashmap__free(t->by_module);
	table_chunks__free(t->chunks);
	rule_set__free(t->rule_set);
	if (t->rules)
		munmap(t->rules, RULES_BYTES);
	free(t);
}

/* ---- one file ---- */

/* The table of an ELF file. Returns NULL and sets errno; errno 0: the file has no CFI. */
static struct unwind_table *read_table(struct trace_tables *t, struct elf *e)
{
	struct unwind_table *layout = NULL;
	struct cfi_source src;
	struct cfi cfi = { 0 };
	int err = cfi__source(e, &src);

	if (!err)
		err = cfi__build(&src, &cfi);
	if (!err)
		err = cfi__add_ends(&cfi, &src, e);
	/* Go's code is described elsewhere. */
	if (!err || err == -ENODATA)
		err = cfi__add_go(&cfi, &src, e);
	if (!err && !cfi.n)
		err = -ENODATA;
	if (!err) {
		layout = unwind_table__new(&cfi, &src, t->rule_set);
		err = layout ? 0 : -errno;
	}
	cfi__release(&cfi);
	errno = err == -ENODATA || err == -ENOTSUP || err == -EFBIG ? 0 : -err;
	return layout;
}

/* Writes the table to chunks, where the walk finds it. */
static int install_table(struct trace_tables *t, struct trace_table *f)
{
	size_t n = f->layout->nchunks;
	int err;

	f->numbers = calloc(n ? n : 1, sizeof(*f->numbers));
	if (!f->numbers)
		return -ENOMEM;
	err = table_chunks__take(t->chunks, n, f->numbers);
	f->wanted = err == -ENOSPC ? n : 0;
	if (err)
		return err;
	f->nchunks = n;
	unwind_table__place(f->layout, f->numbers);
	for (size_t i = 0; i < n; i++)
		memcpy(table_chunks__words(t->chunks, f->numbers[i]),
		       f->layout->words + i * UNWIND_CHUNK_WORDS,
		       UNWIND_CHUNK_WORDS * sizeof(uint32_t));
	unwind_table__drop_words(f->layout);
	t->rows += f->layout->rows;
	return 0;
}

/* Makes the file's table. On failure the file has none. */
static int build_table(struct trace_tables *t, struct trace_table *f, struct module *mod)
{
	size_t len;
	const void *memory = module__memory(mod, &len);
	struct elf *e;
	int err;

	f->wanted = 0;
	if (!memory && module__fd(mod) < 0)
		return module__error(mod) ? module__error(mod) : -ENOENT;
	e = memory ? elf__open_memory(memory, len) : elf__open(module__fd(mod));
	if (!e)
		return errno == ENOEXEC ? 0 : -errno;
	f->layout = read_table(t, e);
	err = f->layout ? install_table(t, f) : -errno;
	elf__close(e);
	if (!err)
		return 0;
	unwind_table__free(f->layout);
	free(f->numbers);
	f->layout = NULL;
	f->numbers = NULL;
	return err;
}

static struct unwind_file_key file_key_of(const struct trace_table *f)
{
	return (struct unwind_file_key){ .ino = f->ino, .dev = f->dev };
}

/* Makes the file known, wherever it is mapped. */
static void announce_table(struct trace_tables *t, struct trace_table *f, const struct mapping *m)
{
	struct unwind_file_key key;
	struct unwind_file value;

	if (!f->layout || (!m->ino && strcmp(m->path, "[vdso]") != 0))
		return;
	f->ino = m->ino;
	f->dev = kdev__from_user(m->dev);
	key = file_key_of(f);
	unwind_table__in_file(f->layout, &key, &value);
	/* If the map is full, the file's mappings have to be published for each process. */
	f->announced = bpf_map_update_elem(t->files_fd, &key, &value, BPF_ANY) == 0;
}

static void drop_table(struct trace_tables *t, struct trace_table *f)
{
	struct unwind_file_key key = file_key_of(f);

	if (f->announced) {
		bpf_map_delete_elem(t->files_fd, &key);
		bpf_map_delete_elem(t->known_fd, &key); /* the next process that maps it is
							 * reported again */
	}
	hashmap__remove(t->by_module, f->module, NULL);
	if (f->layout)
		t->rows -= f->layout->rows;
	table_chunks__give(t->chunks, f->numbers, f->nchunks);
	free_table(f);
}

/* Frees the tables unused since then. Returns whether there were any. */
static bool drop_idle(struct trace_tables *t, uint64_t since)
{
	bool any = false, found;

	do {
		struct trace_table *f;
		size_t pos = 0;

		found = false;
		while (!found && (f = hashmap__next_ptr(t->by_module, &pos, NULL)))
			found = !f->users && f->idle_since && f->idle_since <= since;
		if (found)
			drop_table(t, f);
		any |= found;
	} while (found);
	return any;
}

/* Makes the table; if there is no room, frees those without users and tries again. */
static int build_with_room(struct trace_tables *t, struct trace_table *f, struct module *mod)
{
	int err = build_table(t, f, mod);

	if (err == -ENOSPC && drop_idle(t, UINT64_MAX) && !table_chunks__settle(t->chunks))
		err = build_table(t, f, mod);
	return err;
}

/* A file whose table had no room gets an entry too. */
int trace_tables__get(struct trace_tables *t, const struct mapping *m, struct trace_table **out)
{
	struct module *mod = modules__get(t->modules, m->module);
	struct trace_table *f = hashmap__get_ptr(t->by_module, m->module);
	int err;

	if (f) {
		*out = f;
		if (f->wanted && f->wanted <= table_chunks__left(t->chunks) &&
		    build_table(t, f, mod) == 0)
			announce_table(t, f, m);
		return 0;
	}
	f = mod ? calloc(1, sizeof(*f)) : NULL;
	if (!f)
		return mod ? -ENOMEM : -ENOENT;
	f->module = m->module;
	err = build_with_room(t, f, mod);
	if (err == -ENOSPC) {
		if (!t->no_room++)
			log__warn("no room for the unwind table of %s: stacks through it are cut "
				  "there (raise --unwind-memory)",
				  module__name(mod));
		err = 0;
	}
	if (!err)
		err = hashmap__set_ptr(t->by_module, m->module, f);
	if (err) {
		log__debug("unwind table of %s: %s", module__name(mod), strerror(-err));
		table_chunks__give(t->chunks, f->numbers, f->nchunks);
		free_table(f);
		return err;
	}
	announce_table(t, f, m);
	*out = f;
	return 0;
}

void trace_tables__release(struct trace_tables *t, struct trace_table *f)
{
	if (--f->users)
		return;
	if (f->nchunks)
		f->idle_since = clock__now_ns();
	else
		drop_table(t, f);
}

int trace_tables__drop(struct trace_tables *t, uint32_t module)
{
	struct trace_table *f = hashmap__get_ptr(t->by_module, module);

	if (f && f->users)
		return -EBUSY;
	if (f)
		drop_table(t, f);
	return 0;
}

int trace_tables__settle(struct trace_tables *t)
{
	return table_chunks__settle(t->chunks);
}

void trace_tables__tend(struct trace_tables *t)
{
	uint64_t now = clock__now_ns();

	drop_idle(t, now > IDLE_NS ? now - IDLE_NS : 0);
	table_chunks__tend(t->chunks);
}

void trace_tables__stats(const struct trace_tables *t, struct trace_tables_stats *out)
{
	*out = (struct trace_tables_stats){
		.files = hashmap__count(t->by_module),
		.rows = t->rows,
		.rules = rule_set__count(t->rule_set),
		.bytes = RULES_BYTES + table_chunks__bytes(t->chunks),
		.no_room = t->no_room,
	};
}
