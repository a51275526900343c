/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arbitrary ELF files under libFuzzer, searched for allocation functions and their probe points:
 * the table's and a user's, in a file with symbols, a stripped one, and one with .gnu_debugdata.
 */
#include "elf_mutator.h"

#include <fcntl.h>

#include "probe/discover.h"
#include "probe/spec.h"
#include "symbols/module.h"

static char path[64];

static void remove_file(void)
{
	unlink(path);
}

/* Modules are opened by path. */
static void write_file(const uint8_t *data, size_t size)
{
	static int fd = -1;

	if (fd < 0) {
		snprintf(path, sizeof(path), "/dev/shm/memtrace-fuzz-%d", getpid());
		fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		atexit(remove_file);
	}
	require(ftruncate(fd, 0) == 0 && pwrite(fd, data, size, 0) == (ssize_t)size);
}

static void check(const struct probe_file *f)
{
	for (size_t i = 0; i < f->n; i++) {
		const struct probe_site *s = &f->sites[i];

		require(!i || f->sites[i - 1].entry < s->entry);
		require(s->point.offset < UINT64_MAX - s->entry);
		require(strnlen(s->name, sizeof(s->name)) < sizeof(s->name));
		read_through(s->point.insn);
		read_through(s->point.why);
	}
	for (size_t i = 0; i < f->nskipped; i++) {
		require(strnlen(f->skipped[i].name, sizeof(f->skipped[i].name)) <
			sizeof(f->skipped[i].name));
		read_through(f->skipped[i].why);
	}
	require(f->nunwinders <= UNWINDERS_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct modules *modules = modules__new();
	static struct probe_specs specs;
	struct probe_file *f;
	char why[200];
	int64_t id;

	if (!specs.n)
		require(
		    probe_specs__add(
			&specs,
			"*:pool_alloc(size=1),memtrace-fuzz-*:0x1010(ptr=1),*:Pool::free(ptr=2)",
			why, sizeof(why)) == 0);
	require(modules != NULL);
	write_file(data, size);
	id = modules__add_path(modules, path);
	if (id >= 0) {
		f = discover__file(modules__get(modules, (uint32_t)id), &specs);
		require(f != NULL);
		check(f);
		discover__free(f);
	}
	modules__free(modules);
	return 0;
}
