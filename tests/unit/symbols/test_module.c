/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <dlfcn.h>
#include <pthread.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>

#include "symbols/mappings.h"
#include "symbols/module.h"
#include "test.h"
#include "util/clock.h"
#include "which_library.h"

/* The mapping of this process that holds a function. */
static struct mapping code_of(struct mappings *maps, const void *function)
{
	const struct mapping *m;

	CHECK_EQ(mappings__refresh(maps, NULL), 0);
	m = mappings__find(maps, (uint64_t)(uintptr_t)function);
	CHECK(m && m->exec);
	return *m;
}

static int64_t add_file(struct modules *mods, uint64_t start, uint64_t end, uint64_t dev,
			uint64_t ino, const char *path)
{
	struct mapped_file f = {
		.pid = getpid(),
		.start = start,
		.end = end,
		.dev = dev,
		.ino = ino,
		.path = path,
	};

	return modules__add(mods, &f);
}

static int64_t add_mapping(struct modules *mods, const struct mapping *m)
{
	return add_file(mods, m->start, m->end, m->dev, m->ino, m->path);
}

TEST(a_file_by_path)
{
	struct modules *mods = modules__new();
	const char *path = library("a.so", "aa11bb22");
	int64_t id = modules__add_path(mods, path);
	struct module *mod = modules__get(mods, (uint32_t)id);
	uint8_t build_id[BUILD_ID_MAX];
	struct stat by_path, by_fd, by_self;
	size_t len;

	CHECK_EQ(id, 0);
	CHECK_EQ(modules__count(mods), 1);
	CHECK_EQ(modules__add_path(mods, path), id);
	CHECK_EQ(modules__count(mods), 1);
	CHECK_EQ(module__id(mod), 0);
	CHECK_STR(module__path(mod), path);
	CHECK_STR(module__name(mod), "a.so");
	CHECK(!module__memory(mod, &len));
	CHECK_EQ(stat(path, &by_path), 0);
	CHECK_EQ(fstat(module__fd(mod), &by_fd), 0);
	CHECK_EQ(stat(module__self_path(mod), &by_self), 0);
	CHECK_EQ(by_fd.st_ino, by_path.st_ino);
	CHECK_EQ(by_self.st_ino, by_path.st_ino);
	CHECK_EQ(fcntl(module__fd(mod), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	CHECK_EQ(module__build_id(mod, build_id), 4);
	CHECK(!memcmp(build_id, "\xaa\x11\xbb\x22", 4));
	CHECK(module__is_elf(mod));
	CHECK_EQ(module__error(mod), 0);
	CHECK(!modules__get(mods, 1));
	CHECK(!modules__get(mods, UINT32_MAX));
	modules__free(mods);
	modules__free(NULL);
}

TEST(only_regular_files_are_opened)
{
	struct modules *mods = modules__new();

	CHECK_EQ(mkfifo(in_scratch("fifo"), 0600), 0);
	CHECK_EQ(modules__add_path(mods, in_scratch("fifo")), -EACCES);
	CHECK_EQ(modules__add_path(mods, "/dev/null"), -EACCES);
	CHECK_EQ(modules__add_path(mods, "/tmp"), -EACCES);
	CHECK_EQ(modules__add_path(mods, in_scratch("missing")), -ENOENT);
	CHECK_EQ(modules__count(mods), 0);
	modules__free(mods);
}

/* After a file was replaced or deleted, the mapping still leads to the mapped one. */
TEST(replaced_and_deleted_files)
{
	static const char *const names[] = { "replaced.so", "deleted.so" };
	struct mappings *maps = mappings__new((uint32_t)getpid());

	for (int i = 0; i < 2; i++) {
		const char *path = library(names[i], "01234567");
		const char *other = library("new.so", "89abcdef");
		void *handle = dlopen(path, RTLD_NOW);
		struct modules *mods = modules__new();
		uint8_t build_id[BUILD_ID_MAX];
		struct mapping m;
		struct module *mod;

		CHECK(handle);
		if (!handle)
			break;
		if (i == 0)
			CHECK_EQ(rename(other, path), 0);
		else
			CHECK_EQ(unlink(path), 0);
		m = code_of(maps, dlsym(handle, "which"));
		CHECK_STR(m.path, path);
		mod = modules__get(mods, (uint32_t)add_mapping(mods, &m));
		CHECK(mod);
		CHECK_STR(module__path(mod), path);
		if (module__fd(mod) >= 0) {
			CHECK_EQ(module__build_id(mod, build_id), 4);
			CHECK(!memcmp(build_id, "\x01\x23\x45\x67", 4));
		} else {
			/* Without the privilege for map_files: no file, rather than the wrong
			 * one. */
			CHECK(geteuid() != 0);
			CHECK_EQ(module__error(mod), i == 0 ? -ESTALE : -ENOENT);
			CHECK_EQ(module__build_id(mod, build_id), 0);
		}
		dlclose(handle);
		modules__free(mods);
	}
	mappings__free(maps);
}

TEST(a_mapped_file_is_identified_by_device_and_inode)
{
	struct modules *mods = modules__new();
	struct mappings *maps = mappings__new((uint32_t)getpid());
	struct mapping m = code_of(maps, (void *)(uintptr_t)test_a_file_by_path);
	struct stat st, exe;
	struct module *mod;
	int64_t id;

	id = add_mapping(mods, &m);
	CHECK_EQ(id, 0);
	mod = modules__get(mods, 0);
	CHECK(module__fd(mod) >= 0);
	CHECK_EQ(fstat(module__fd(mod), &st), 0);
	CHECK_EQ(stat("/proc/self/exe", &exe), 0);
	CHECK_EQ(st.st_ino, exe.st_ino);
	CHECK_EQ(add_mapping(mods, &m), 0);
	/* For a known file, the process and the range do not matter. */
	CHECK_EQ(add_file(mods, 0, 0, m.dev, m.ino, "/elsewhere"), 0);
	CHECK_STR(module__path(mod), m.path);
	CHECK_EQ(add_file(mods, m.start, m.end, m.dev, m.ino + 1, "/not/there"), 1);
	CHECK_EQ(modules__count(mods), 2);
	modules__free(mods);
	mappings__free(maps);
}

/* Two overlays over the same file, each with numbers of its own. */
TEST(the_real_identity_is_used)
{
	struct modules *mods = modules__new();
	struct mappings *maps = mappings__new((uint32_t)getpid());
	struct mapping m = code_of(maps, (void *)(uintptr_t)test_a_file_by_path);
	struct mapped_file f = {
		.pid = getpid(),
		.start = m.start,
		.end = m.end,
		.dev = m.dev,
		.ino = m.ino,
		.real_dev = 7,
		.real_ino = 70,
		.path = m.path,
	};

	CHECK_EQ(modules__add(mods, &f), 0);
	CHECK(module__fd(modules__get(mods, 0)) >= 0);
	f.dev = 1234;
	f.ino = 99;
	CHECK_EQ(modules__add(mods, &f), 0);
	f.real_ino = 71;
	CHECK_EQ(modules__add(mods, &f), 1);
	/* With another identity, it is another file. */
	CHECK_EQ(add_mapping(mods, &m), 2);
	modules__free(mods);
	mappings__free(maps);
}

TEST(a_module_without_a_file_keeps_its_name)
{
	struct modules *mods = modules__new();
	struct symbol_frame frames[SYMBOL_FRAMES_MAX];
	uint8_t build_id[BUILD_ID_MAX];
	struct module *mod;

	CHECK_EQ(add_file(mods, 1, 2, 3, 4, "/gone/lib.so"), 0);
	mod = modules__get(mods, 0);
	CHECK_STR(module__name(mod), "lib.so");
	CHECK_EQ(module__fd(mod), -1);
	CHECK_EQ(module__error(mod), -ENOENT);
	CHECK_EQ(access(module__self_path(mod), F_OK), -1);
	CHECK_EQ(module__build_id(mod, build_id), 0);
	CHECK(!module__is_elf(mod));
	CHECK_EQ(module__symbolize(mod, 0x1000, frames), 0);
	module__unload(mod);
	modules__free(mods);
}

/* Files get their times from a coarse clock, modules from a fine one: waits until a new file is
 * younger than any module so far. */
static void wait_for_coarse_clock(void)
{
	uint64_t now = clock__wall_ns();
	struct timespec coarse;

	do {
		clock_gettime(CLOCK_REALTIME_COARSE, &coarse);
	} while ((uint64_t)coarse.tv_sec * 1000000000 + (uint64_t)coarse.tv_nsec <= now);
}

/* A file that could not be opened is not held, so its inode number may be reused. */
TEST(an_inode_number_that_is_reused)
{
	struct modules *mods = modules__new();
	struct mappings *maps = mappings__new((uint32_t)getpid());
	struct mapped_file file = {
		.start = 1,
		.end = 2,
		.dev = 5,
		.ino = 6,
		.real_dev = 7,
		.real_ino = 70,
		.path = "/gone/c",
	};
	struct mapping m;
	void *handle;

	CHECK_EQ(add_file(mods, 1, 2, 3, 4, "/gone/a"), 0);
	CHECK_EQ(add_file(mods, 1, 2, 3, 4, "/gone/a"), 0);
	CHECK_EQ(add_file(mods, 1, 2, 3, 4, "/gone/b"), 1);
	CHECK_EQ(add_file(mods, 1, 2, 3, 4, "/gone/a"), 0);
	CHECK_EQ(add_file(mods, 1, 2, 3, 4, "/gone/b"), 1);
	CHECK_EQ(modules__count(mods), 2);

	/* A file that existed before the module was registered is the same one. */
	m = code_of(maps, (void *)(uintptr_t)test_a_file_by_path);
	CHECK_EQ(add_file(mods, 1, 2, m.dev, m.ino, "/unreadable"), 2);
	CHECK_EQ(module__fd(modules__get(mods, 2)), -1);
	CHECK_EQ(add_mapping(mods, &m), 2);
	CHECK(module__fd(modules__get(mods, 2)) >= 0);

	/* A file that was created since then is another one. */
	file.pid = getpid();
	CHECK_EQ(modules__add(mods, &file), 3);
	wait_for_coarse_clock();
	handle = dlopen(library("young.so", "55555555"), RTLD_NOW);
	MUST(handle);
	m = code_of(maps, dlsym(handle, "which"));
	file.start = m.start;
	file.end = m.end;
	file.dev = m.dev;
	file.ino = m.ino;
	file.path = m.path;
	CHECK_EQ(modules__add(mods, &file), 4);
	CHECK_EQ(module__fd(modules__get(mods, 3)), -1);
	CHECK(module__fd(modules__get(mods, 4)) >= 0);
	CHECK_EQ(modules__add(mods, &file), 4);
	dlclose(handle);
	modules__free(mods);
	mappings__free(maps);
}

TEST(when_descriptors_run_out)
{
	struct modules *mods = modules__new();
	const char *path = library("late.so", "77777777");
	struct rlimit before, few;
	struct modules_stats st;

	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
	few = before;
	few.rlim_cur = 40;
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
	CHECK_EQ(modules__add_path(mods, path), -EMFILE);
	CHECK_EQ(modules__count(mods), 1);
	CHECK_EQ(module__fd(modules__get(mods, 0)), -1);
	CHECK_STR(module__name(modules__get(mods, 0)), "late.so");
	modules__stats(mods, &st);
	CHECK_EQ(st.files, 1);
	CHECK_EQ(st.open, 0);
	CHECK_EQ(st.no_descriptor, 1);
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
	CHECK_EQ(modules__add_path(mods, path), 0);
	CHECK(module__fd(modules__get(mods, 0)) >= 0);
	modules__stats(mods, &st);
	CHECK_EQ(st.open, 1);
	CHECK_EQ(st.no_descriptor, 0);
	modules__free(mods);
}

TEST(the_vdso_is_copied_once)
{
	struct modules *mods = modules__new();
	struct mappings *maps = mappings__new((uint32_t)getpid());
	const struct mapping *m = NULL;
	const uint8_t *memory;
	struct module *mod;
	size_t len = 0;

	CHECK_EQ(mappings__refresh(maps, NULL), 0);
	for (size_t i = 0; i < mappings__count(maps); i++)
		if (!strcmp(mappings__at(maps, i)->path, "[vdso]"))
			m = mappings__at(maps, i);
	if (!m)
		SKIP("this kernel gives no vDSO");
	CHECK_EQ(add_mapping(mods, m), 0);
	CHECK_EQ(add_mapping(mods, m), 0);
	mod = modules__get(mods, 0);
	memory = module__memory(mod, &len);
	CHECK_EQ(len, m->end - m->start);
	CHECK(memory && !memcmp(memory, (const void *)(uintptr_t)m->start, len));
	CHECK_STR(module__name(mod), "[vdso]");
	CHECK_EQ(modules__find(mods, 0, 0), module__id(mod));
	CHECK_EQ(module__fd(mod), -1);
	CHECK_EQ(module__error(mod), 0);
	CHECK(module__is_elf(mod));
	/* No module is made from memory that cannot be read. */
	CHECK(add_file(mods, 0x1000, 0x2000, 0, 0, "[vdso]") < 0);
	CHECK(add_file(mods, 0x2000, 0x1000, 0, 0, "[vdso]") < 0);
	CHECK(add_file(mods, 0, UINT64_MAX, 0, 0, "[vdso]") < 0);
	CHECK_EQ(modules__count(mods), 1);
	modules__free(mods);
	mappings__free(maps);
}

static void *add_many(void *arg)
{
	uint8_t build_id[BUILD_ID_MAX];

	for (uint64_t i = 0; i < 2000; i++) {
		int64_t id = add_file(arg, 1, 2, 8, 1 + i % 500, "/x");
		struct module *mod = modules__get(arg, (uint32_t)id);

		if (!mod || module__id(mod) != id)
			return arg;
		module__build_id(mod, build_id);
	}
	return NULL;
}

TEST(threads_share_the_registry)
{
	struct modules *mods = modules__new();
	pthread_t threads[4];
	void *failed;

	for (int i = 0; i < 4; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, add_many, mods), 0);
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], &failed);
		CHECK(!failed);
	}
	CHECK_EQ(modules__count(mods), 500);
	modules__free(mods);
}

TEST(a_module_names_its_code)
{
	struct symbol_frame frames[SYMBOL_FRAMES_MAX];
	struct modules *mods = modules__new();
	struct mappings *maps = mappings__new((uint32_t)getpid());
	struct mapping m = code_of(maps, (void *)(uintptr_t)test_a_file_by_path);
	struct module *mod = modules__get(mods, (uint32_t)add_mapping(mods, &m));
	uint64_t offset = (uintptr_t)test_a_file_by_path - m.start + m.offset;
	const char *func;

	CHECK_EQ(module__symbolize(mod, offset, frames), 1);
	CHECK_STR(frames[0].func, "test_a_file_by_path");
	func = frames[0].func;
	CHECK(modules__memory(mods) > 1000);
	module__unload(mod);
	CHECK_EQ(module__symbolize(mod, offset, frames), 1);
	CHECK(frames[0].func == func);
	modules__free(mods);
	mappings__free(maps);
}

/* With more files than may be open at a time, names are still right, and memory is released. */
TEST(symbol_data_is_dropped_and_read_again)
{
	struct symbol_frame frames[SYMBOL_FRAMES_MAX];
	struct rlimit before, few;
	struct modules *mods;
	uint64_t offset = 0;
	size_t most = 0;
	char id[16];

	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
	few = before;
	few.rlim_cur = 320; /* 40 files */
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
	mods = modules__new();
	for (int i = 0; i < 60; i++) {
		size_t held;

		snprintf(id, sizeof(id), "%08x", i);
		CHECK_EQ(modules__add_path(mods, library(id, id)), i);
		offset = i ? offset : offset_of_which(module__fd(modules__get(mods, 0)));
		CHECK(module__symbolize(modules__get(mods, (uint32_t)i), offset, frames) == 1);
		CHECK_STR(frames[0].func, "which");
		held = modules__memory(mods);
		if (i < 40)
			most = held;
		else
			CHECK(held < most + most / 4); /* results stay: a fifth of it */
	}
	CHECK_EQ(module__symbolize(modules__get(mods, 0), offset, frames), 1);
	CHECK_EQ(module__symbolize(modules__get(mods, 0), offset + 1, frames), 1);
	CHECK_STR(frames[0].func, "which");
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
	modules__free(mods);
}

TEST(a_known_file_is_found)
{
	struct modules *mods = modules__new();
	struct stat st;
	int64_t id, vdso;

	CHECK_EQ(modules__find(mods, 0, 0), -ENOENT); /* no vDSO yet */
	CHECK_EQ(stat("/proc/self/exe", &st), 0);
	CHECK_EQ(modules__find(mods, st.st_dev, st.st_ino), -ENOENT);
	id = modules__add_path(mods, "/proc/self/exe");
	CHECK(id >= 0);
	CHECK_EQ(modules__find(mods, st.st_dev, st.st_ino), id);
	CHECK_EQ(modules__find(mods, st.st_dev, st.st_ino + 1), -ENOENT);
	CHECK_EQ(modules__find(mods, st.st_dev + 1, st.st_ino), -ENOENT);
	CHECK_EQ(modules__find(mods, 0, 0), -ENOENT);
	vdso = modules__add(mods, &(struct mapped_file){ .pid = getpid(),
							 .start = getauxval(AT_SYSINFO_EHDR),
							 .end = getauxval(AT_SYSINFO_EHDR) + 0x1000,
							 .path = "[vdso]" });
	CHECK(vdso >= 0 && vdso != id);
	CHECK_EQ(modules__find(mods, 0, 0), vdso);
	/* A file that could not be opened is not known: opening it is tried again when it is
	 * mapped. */
	CHECK(modules__add(mods, &(struct mapped_file){ .pid = getpid(),
							.start = 0x1000,
							.end = 0x2000,
							.dev = 7,
							.ino = 8,
							.path = "/no/such/file" }) >= 0);
	CHECK_EQ(modules__find(mods, 7, 8), -ENOENT);
	modules__free(mods);
}
