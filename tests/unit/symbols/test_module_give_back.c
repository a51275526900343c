/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <sys/stat.h>
#include <utime.h>

#include "symbols/module.h"
#include "test.h"
#include "which_library.h"

static struct module *add(struct modules *mods, const char *path)
{
	int64_t id = modules__add_path(mods, path);

	MUST(id >= 0);
	return modules__get(mods, (uint32_t)id);
}

static size_t open_files(struct modules *mods)
{
	struct modules_stats st;

	modules__stats(mods, &st);
	return st.open;
}

static const char *name_of(struct module *mod, uint64_t offset)
{
	struct symbol_frame frames[SYMBOL_FRAMES_MAX];

	return module__symbolize(mod, offset, frames) == 1 ? frames[0].func : NULL;
}

static void note_open(void *ctx, struct module *mod)
{
	*(struct module **)ctx = mod;
}

TEST(the_descriptor_is_closed_and_the_identity_stays)
{
	struct modules *mods = modules__new();
	const char *path = library("a.so", "aa11bb22");
	struct module *mod = add(mods, path), *found = NULL;
	uint8_t build_id[BUILD_ID_MAX];
	int fd = module__fd(mod);

	modules__each_open(mods, note_open, &found);
	CHECK(found == mod);
	modules__give_back(mods, mod);
	modules__give_back(mods, mod); /* which does nothing more */
	CHECK_EQ(module__fd(mod), -1);
	CHECK_EQ(fcntl(fd, F_GETFD), -1);
	CHECK_EQ(open_files(mods), 0);
	CHECK_STR(module__path(mod), path);
	CHECK_EQ(module__build_id(mod, build_id), 4);
	CHECK(!memcmp(build_id, "\xaa\x11\xbb\x22", 4));
	CHECK(module__is_elf(mod));
	found = NULL;
	modules__each_open(mods, note_open, &found);
	CHECK(!found);
	modules__free(mods);
}

TEST(the_same_file_is_the_same_module_again)
{
	struct modules *mods = modules__new();
	const char *path = library("again.so", "01");
	struct module *mod = add(mods, path);

	modules__give_back(mods, mod);
	CHECK(add(mods, path) == mod);
	CHECK(module__fd(mod) >= 0);
	CHECK_EQ(module__error(mod), 0);
	CHECK_EQ(open_files(mods), 1);
	modules__free(mods);
}

/* Written anew in place, with the same inode: what is cached of it is no longer true. */
TEST(another_content_is_another_module)
{
	struct modules *mods = modules__new();
	const char *path = library("changed.so", "01");
	struct module *mod = add(mods, path);

	modules__give_back(mods, mod);
	MUST(!utime(path, &(struct utimbuf){ 1, 1 }));
	CHECK(add(mods, path) != mod);
	CHECK_EQ(module__fd(mod), -1);
	modules__free(mods);
}

TEST(its_code_is_named_by_its_path)
{
	struct modules *mods = modules__new();
	const char *path = library("named.so", "02");
	struct module *mod = add(mods, path);
	uint64_t offset = offset_of_which(module__fd(mod));

	modules__give_back(mods, mod);
	CHECK_STR(name_of(mod, offset), "which");
	CHECK_EQ(open_files(mods), 0);
	modules__free(mods);
}

TEST(what_was_named_before_keeps_its_name)
{
	struct modules *mods = modules__new();
	const char *path = library("before.so", "03");
	struct module *mod = add(mods, path);
	uint64_t offset = offset_of_which(module__fd(mod));

	CHECK_STR(name_of(mod, offset), "which");
	modules__give_back(mods, mod);
	MUST(!unlink(path));
	CHECK_STR(name_of(mod, offset), "which");
	modules__free(mods);
}

/* A copy of the same program is open. */
TEST(its_code_is_named_by_its_build_id)
{
	struct modules *mods = modules__new();
	struct module *mod = add(mods, library("copy1.so", "04050405"));
	struct module *other = add(mods, library("copy3.so", "06070607"));
	struct module *twin = add(mods, library("copy2.so", "04050405"));
	uint64_t offset = offset_of_which(module__fd(mod));

	modules__give_back(mods, mod);
	modules__give_back(mods, other);
	MUST(!unlink(module__path(mod)) && !unlink(module__path(other)));
	CHECK_STR(name_of(mod, offset), "which");
	CHECK(!name_of(other, offset));
	CHECK(module__fd(twin) >= 0);
	modules__free(mods);
}

/* Another file under the path would give wrong names. */
TEST(a_file_that_took_its_path_does_not_name_it)
{
	struct modules *mods = modules__new();
	struct module *mod = add(mods, library("taken.so", "08"));
	uint64_t offset = offset_of_which(module__fd(mod));

	modules__give_back(mods, mod);
	MUST(!rename(library("other.so", "09"), module__path(mod)));
	CHECK(!name_of(mod, offset));
	modules__free(mods);
}

static void note_id(void *ctx, uint32_t id)
{
	*(uint32_t *)ctx = id;
}

TEST(what_was_given_back_and_is_not_used_is_forgotten)
{
	struct modules *mods = modules__new();
	struct module *open = add(mods, library("open.so", "10101010"));
	struct module *used = add(mods, library("used.so", "20202020"));
	struct module *gone = add(mods, library("gone.so", "30303030"));
	const char *path = in_scratch("gone.so");
	bool marks[3] = { false, true, false };
	struct modules_stats st;
	uint32_t id = 99;

	modules__give_back(mods, used);
	modules__give_back(mods, gone);
	name_of(gone, 0);
	/* One that was added after the marks were made is not touched. */
	CHECK_EQ(modules__forget(mods, marks, 2, note_id, &id), 0);
	CHECK_EQ(modules__forget(mods, marks, 3, note_id, &id), 1);
	CHECK_EQ(id, 2);
	CHECK(modules__get(mods, 0) == open && modules__get(mods, 1) == used);
	CHECK(!modules__get(mods, 2));
	CHECK_EQ(modules__forget(mods, marks, 3, note_id, &id), 0);
	modules__stats(mods, &st);
	CHECK_EQ(st.forgotten, 1);
	modules__new_report(mods);
	CHECK(modules__memory(mods) < 1 << 20);
	/* Its file is another module when it comes again; the others are still found. */
	CHECK_EQ(modules__add_path(mods, path), 3);
	CHECK_EQ(modules__add_path(mods, module__path(used)), 1);
	CHECK_EQ(modules__add_path(mods, module__path(open)), 0);
	modules__free(mods);
}
