/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <sys/stat.h>

#include "scratch.h"
#include "session/traced_files.h"
#include "session/unused_files.h"
#include "symbols/module.h"
#include "test.h"
#include "trace/tracer_ops.h"
#include "util/kdev.h"

#define FILES_MAX 600
#define LATER (2 * UNUSED_KEEP_NS)

/* The kernel: what is mapped, and what the test makes of the file when it becomes unknown. */
static struct {
	struct module *mapped[FILES_MAX];
	size_t n;
	int lists, unknown, released, list_error, release_error;
	struct module *maps_meanwhile; /* when a file has become unknown */
} kernel;

static int list(struct tracer *t, pid_t pid, tracer_list_fn fn, void *ctx)
{
	(void)t;
	CHECK_EQ(pid, TRACER_LIST_ALL);
	kernel.lists++;
	for (size_t i = 0; i < kernel.n && !kernel.list_error; i++) {
		struct listed l = { .pid = 1 };
		uint64_t dev;

		module__key(kernel.mapped[i], &dev, &l.ino);
		l.dev = kdev__from_user(dev);
		MUST(!fn(ctx, &l));
	}
	return kernel.list_error;
}

static void unknow_file(struct tracer *t, uint64_t dev, uint64_t ino)
{
	(void)t, (void)dev, (void)ino;
	kernel.unknown++;
	if (kernel.maps_meanwhile)
		kernel.mapped[kernel.n++] = kernel.maps_meanwhile;
	kernel.maps_meanwhile = NULL;
}

static int release_file(struct tracer *t, uint32_t module)
{
	(void)t, (void)module;
	kernel.released++;
	return kernel.release_error;
}

static const struct tracer_ops ops = { .list = list,
				       .unknow_file = unknow_file,
				       .release_file = release_file };

/* ---- a session's files ---- */

static struct modules *mods;
static struct traced_files *files;
static struct unused_files *unused;

static void begin(void)
{
	memset(&kernel, 0, sizeof(kernel));
	mods = modules__new();
	files = traced_files__new(&(struct traced_files_opts){ .trace = &ops, .modules = mods });
	unused = unused_files__new(
	    &(struct unused_files_opts){ .trace = &ops, .modules = mods, .files = files });
	MUST(mods && files && unused);
}

static void end(void)
{
	unused_files__free(unused);
	traced_files__free(files);
	modules__free(mods);
}

static struct module *new_file(int number)
{
	char name[32];
	const char *path;
	int64_t id;
	FILE *f;

	snprintf(name, sizeof(name), "file%d", number);
	path = in_scratch(name);
	f = fopen(path, "w");
	MUST(f && fputs("text", f) >= 0 && !fclose(f));
	id = modules__add_path(mods, path);
	MUST(id >= 0);
	return modules__get(mods, (uint32_t)id);
}

static bool is_open(const struct module *mod)
{
	return module__fd(mod) >= 0;
}

static void look(uint64_t now)
{
	unused_files__changed(unused);
	if (unused_files__next(unused) > now)
		now = unused_files__next(unused);
	unused_files__tend(unused, now);
}

TEST(what_is_mapped_stays)
{
	struct module *mod;

	begin();
	mod = new_file(0);
	kernel.mapped[kernel.n++] = mod;
	look(1);
	look(LATER);
	CHECK(is_open(mod));
	CHECK_EQ(kernel.unknown, 0);
	CHECK_EQ(unused_files__next(unused), UINT64_MAX);
	end();
}

TEST(what_is_not_goes_after_a_while)
{
	struct module *mod;

	begin();
	mod = new_file(0);
	look(1);
	CHECK(is_open(mod));
	CHECK_EQ(unused_files__next(unused), 1 + UNUSED_KEEP_NS);
	unused_files__tend(unused, UNUSED_KEEP_NS);
	CHECK(is_open(mod));
	unused_files__tend(unused, 1 + UNUSED_KEEP_NS);
	CHECK(!is_open(mod));
	CHECK_EQ(kernel.unknown, 1);
	CHECK_EQ(kernel.released, 1);
	end();
}

TEST(what_is_mapped_again_in_time_stays)
{
	struct module *mod;

	begin();
	mod = new_file(0);
	look(1);
	kernel.mapped[kernel.n++] = mod;
	look(UNUSED_KEEP_NS / 2);
	kernel.n = 0;
	look(UNUSED_KEEP_NS + 2);
	CHECK(is_open(mod));
	CHECK_EQ(kernel.unknown, 0);
	end();
}

/* The process mapped it while it was still known, so that this was not reported. */
TEST(what_is_mapped_at_the_last_moment_stays)
{
	struct module *mod;

	begin();
	mod = new_file(0);
	look(1);
	kernel.maps_meanwhile = mod;
	look(LATER);
	CHECK_EQ(kernel.unknown, 1);
	CHECK_EQ(kernel.released, 0);
	CHECK(is_open(mod));
	end();
}

TEST(what_the_tracer_still_needs_stays)
{
	struct module *mod;

	begin();
	mod = new_file(0);
	kernel.release_error = -EBUSY;
	look(1);
	look(LATER);
	CHECK_EQ(kernel.released, 1);
	CHECK(is_open(mod));
	end();
}

/* The oldest go first, and none that is mapped. */
TEST(few_deleted_files_are_kept)
{
	static struct module *at[UNUSED_DELETED_MAX + 11];
	size_t n = sizeof(at) / sizeof(at[0]), open = 0;

	begin();
	for (size_t i = 0; i < n; i++) {
		at[i] = new_file((int)i);
		MUST(!unlink(module__path(at[i])));
		if (i == 9)
			look(1);
	}
	kernel.mapped[kernel.n++] = at[10];
	look(LATER / 3);
	for (size_t i = 0; i < n; i++)
		open += is_open(at[i]);
	CHECK_EQ(open, UNUSED_DELETED_MAX + 1);
	for (size_t i = 0; i < 10; i++)
		CHECK(!is_open(at[i]));
	CHECK(is_open(at[10]));
	end();
}

TEST(files_are_kept_up_to_a_number)
{
	size_t open = 0;
	struct module *at[UNUSED_FILES_MAX + 5];

	begin();
	for (int i = 0; i < UNUSED_FILES_MAX + 5; i++)
		at[i] = new_file(i);
	look(1);
	for (int i = 0; i < UNUSED_FILES_MAX + 5; i++)
		open += is_open(at[i]);
	CHECK_EQ(open, UNUSED_FILES_MAX);
	end();
}

TEST(without_a_list_all_stays)
{
	struct module *mod;

	begin();
	mod = new_file(0);
	kernel.list_error = -EOPNOTSUPP;
	look(1);
	CHECK_EQ(unused_files__next(unused), UINT64_MAX);
	unused_files__tend(unused, LATER);
	CHECK_EQ(kernel.lists, 1);
	CHECK(is_open(mod));
	end();
}
