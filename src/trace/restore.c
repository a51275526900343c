/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Gives the file's own bytes back to a process, in place of breakpoints. The kernel puts those of a
 * probe without a process ID into every process that maps the file, and lets none be left out. It
 * does not look at them again until the probe is removed, and then leaves alone what is none.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "symbols/module.h"
#include "trace/internal.h"
#include "util/array.h"
#include "util/kdev.h"

#define BREAKPOINT 0xcc /* int3 */

struct restoring {
	struct tracer *t;
	int memory; /* of the process */
	int failed;
};

/* An address where there is nothing, because the mapping is longer than the file, is no failure. */
static int restore_byte(int memory, int file, off_t address, off_t offset)
{
	uint8_t now, own;

	if (pread(memory, &now, 1, address) != 1 || now != BREAKPOINT)
		return 0;
	if (pread(file, &own, 1, offset) != 1)
		return -EIO;
	if (own == BREAKPOINT || pwrite(memory, &own, 1, address) == 1)
		return 0;
	return -errno;
}

static int restore_attachment(const struct restoring *r, const struct attachment *a,
			      const struct listed *l)
{
	int file = open(a->path, O_RDONLY | O_CLOEXEC), err = file < 0 ? -errno : 0;

	for (size_t i = 0; i < a->noffsets && !err; i++) {
		uint64_t offset = a->offsets[i];

		if (offset >= l->offset && offset - l->offset < l->end - l->start)
			err = restore_byte(r->memory, file,
					   (off_t)(l->start + (offset - l->offset)), (off_t)offset);
	}
	if (file >= 0)
		close(file);
	return err;
}

static int restore_mapping(void *ctx, const struct listed *l)
{
	struct restoring *r = ctx;
	int64_t module = modules__find(r->t->modules, kdev__to_user(l->dev), l->ino);

	for (size_t i = 0; module >= 0 && i < r->t->n; i++) {
		const struct attachment *a = &r->t->attachments[i];

		if (a->module == module && !a->pid && !r->failed)
			r->failed = restore_attachment(r, a, l);
	}
	return 0;
}

int tracer__restore(struct tracer *t, pid_t pid)
{
	struct restoring r = { .t = t };
	char path[64];
	int err;

	snprintf(path, sizeof(path), "/proc/%" PRId32 "/mem", pid);
	r.memory = open(path, O_RDWR | O_CLOEXEC);
	if (r.memory < 0)
		return -errno;
	err = tracer__list(t, pid, restore_mapping, &r);
	close(r.memory);
	return err ? err : r.failed;
}

int tracer__translated(struct tracer *t, pid_t pid, bool yes)
{
	int fd = bpf_map__fd(t->skel->maps.translated);
	uint32_t key = (uint32_t)pid, value = 1;

	if (!yes) {
		bpf_map_delete_elem(fd, &key);
		return 0;
	}
	if (!t->skel->bss->ntranslated && t->nwatches < ARRAY_SIZE(t->watches)) {
		struct bpf_link *link = bpf_program__attach(t->skel->progs.on_translated);

		if (!link)
			return -errno;
		t->watches[t->nwatches++] = link;
		t->skel->bss->ntranslated = 1;
	}
	return bpf_map_update_elem(fd, &key, &value, BPF_ANY);
}
