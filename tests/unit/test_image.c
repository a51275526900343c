#include <dlfcn.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "model/image.h"
#include "model/space.h"
#include "scratch.h"
#include "test.h"

/* A library that says which one it is. */
static const char *library(const char *name, const char *build_id)
{
	const char *path = in_scratch(name);
	char option[64];

	snprintf(option, sizeof(option), "-Wl,--build-id=0x%s", build_id);
	MUST(run("gcc", "-shared", "-fPIC", option, "-o", path,
		  write_source("which.c", "int which(void) { return 1; }\n"), NULL));
	return path;
}

/* Where this process has a file's code mapped. */
static struct mapping code_of(struct space *sp, const void *function)
{
	const struct mapping *m;

	CHECK_EQ(space__refresh(sp, NULL), 0);
	m = space__find(sp, (uint64_t)(uintptr_t)function);
	CHECK(m && m->exec);
	return *m;
}

static int64_t add_file(struct images *is, uint64_t start, uint64_t end, uint64_t dev, uint64_t ino,
			const char *path)
{
	struct mapped_file f = {
		.pid = getpid(),
		.start = start,
		.end = end,
		.dev = dev,
		.ino = ino,
		.path = path,
	};

	return images__add(is, &f);
}

static int64_t add(struct images *is, const struct mapping *m)
{
	return add_file(is, m->start, m->end, m->dev, m->ino, m->path);
}

TEST(a_file_by_path)
{
	struct images *is = images__new();
	const char *path = library("a.so", "aa11bb22");
	int64_t id = images__add_path(is, path);
	struct image *im = images__get(is, (uint32_t)id);
	uint8_t build_id[BUILD_ID_MAX];
	struct stat by_path, by_fd, by_self;
	size_t len;

	CHECK_EQ(id, 0);
	CHECK_EQ(images__count(is), 1);
	CHECK_EQ(images__add_path(is, path), id);
	CHECK_EQ(images__count(is), 1);
	CHECK_EQ(image__id(im), 0);
	CHECK_STR(image__path(im), path);
	CHECK_STR(image__name(im), "a.so");
	CHECK(!image__memory(im, &len));
	CHECK_EQ(stat(path, &by_path), 0);
	CHECK_EQ(fstat(image__fd(im), &by_fd), 0);
	CHECK_EQ(stat(image__self_path(im), &by_self), 0);
	CHECK_EQ(by_fd.st_ino, by_path.st_ino);
	CHECK_EQ(by_self.st_ino, by_path.st_ino);
	CHECK_EQ(fcntl(image__fd(im), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	CHECK_EQ(image__build_id(im, build_id), 4);
	CHECK(!memcmp(build_id, "\xaa\x11\xbb\x22", 4));
	CHECK(image__is_elf(im));
	CHECK_EQ(image__error(im), 0);
	CHECK(!images__get(is, 1));
	CHECK(!images__get(is, UINT32_MAX));
	images__free(is);
	images__free(NULL);
}

TEST(what_is_no_regular_file_is_never_opened)
{
	struct images *is = images__new();

	CHECK_EQ(mkfifo(in_scratch("fifo"), 0600), 0);
	CHECK_EQ(images__add_path(is, in_scratch("fifo")), -EACCES);
	CHECK_EQ(images__add_path(is, "/dev/null"), -EACCES);
	CHECK_EQ(images__add_path(is, "/tmp"), -EACCES);
	CHECK_EQ(images__add_path(is, in_scratch("missing")), -ENOENT);
	CHECK_EQ(images__count(is), 0);
	images__free(is);
}

/* After the file was replaced or deleted, the mapping still leads to what is mapped. */
TEST(replaced_and_deleted_files)
{
	static const char *const names[] = { "replaced.so", "deleted.so" };
	struct space *sp = space__new((uint32_t)getpid());

	for (int i = 0; i < 2; i++) {
		const char *path = library(names[i], "01234567");
		const char *other = library("new.so", "89abcdef");
		void *handle = dlopen(path, RTLD_NOW);
		struct images *is = images__new();
		uint8_t build_id[BUILD_ID_MAX];
		struct mapping m;
		struct image *im;

		CHECK(handle);
		if (!handle)
			break;
		if (i == 0)
			CHECK_EQ(rename(other, path), 0);
		else
			CHECK_EQ(unlink(path), 0);
		m = code_of(sp, dlsym(handle, "which"));
		CHECK_STR(m.path, path);
		im = images__get(is, (uint32_t)add(is, &m));
		CHECK(im);
		CHECK_STR(image__path(im), path);
		if (image__fd(im) >= 0) {
			CHECK_EQ(image__build_id(im, build_id), 4);
			CHECK(!memcmp(build_id, "\x01\x23\x45\x67", 4));
		} else {
			/* Without the privilege for map_files: no file, not the wrong one. */
			CHECK(geteuid() != 0);
			CHECK_EQ(image__error(im), i == 0 ? -ESTALE : -ENOENT);
			CHECK_EQ(image__build_id(im, build_id), 0);
		}
		dlclose(handle);
		images__free(is);
	}
	space__free(sp);
}

TEST(a_mapped_file_is_known_by_device_and_inode)
{
	struct images *is = images__new();
	struct space *sp = space__new((uint32_t)getpid());
	struct mapping m = code_of(sp, (void *)(uintptr_t)test_a_file_by_path);
	struct stat st, exe;
	struct image *im;
	int64_t id;

	id = add(is, &m);
	CHECK_EQ(id, 0);
	im = images__get(is, 0);
	CHECK(image__fd(im) >= 0);
	CHECK_EQ(fstat(image__fd(im), &st), 0);
	CHECK_EQ(stat("/proc/self/exe", &exe), 0);
	CHECK_EQ(st.st_ino, exe.st_ino);
	CHECK_EQ(add(is, &m), 0);
	/* The process and the range do not matter for one that is known. */
	CHECK_EQ(add_file(is, 0, 0, m.dev, m.ino, "/elsewhere"), 0);
	CHECK_STR(image__path(im), m.path);
	CHECK_EQ(add_file(is, m.start, m.end, m.dev, m.ino + 1, "/not/there"), 1);
	CHECK_EQ(images__count(is), 2);
	images__free(is);
	space__free(sp);
}

/* Two overlays that show one file below, each with numbers of its own. */
TEST(the_real_identity_counts)
{
	struct images *is = images__new();
	struct space *sp = space__new((uint32_t)getpid());
	struct mapping m = code_of(sp, (void *)(uintptr_t)test_a_file_by_path);
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

	CHECK_EQ(images__add(is, &f), 0);
	CHECK(image__fd(images__get(is, 0)) >= 0);
	f.dev = 1234;
	f.ino = 99;
	CHECK_EQ(images__add(is, &f), 0);
	f.real_ino = 71;
	CHECK_EQ(images__add(is, &f), 1);
	/* Known by other numbers, the file is another. */
	CHECK_EQ(add(is, &m), 2);
	images__free(is);
	space__free(sp);
}

TEST(an_image_without_a_file_keeps_its_name)
{
	struct images *is = images__new();
	struct symbol_frame frames[SYMBOL_FRAMES_MAX];
	uint8_t build_id[BUILD_ID_MAX];
	struct image *im;

	CHECK_EQ(add_file(is, 1, 2, 3, 4, "/gone/lib.so"), 0);
	im = images__get(is, 0);
	CHECK_STR(image__name(im), "lib.so");
	CHECK_EQ(image__fd(im), -1);
	CHECK_EQ(image__error(im), -ENOENT);
	CHECK_EQ(access(image__self_path(im), F_OK), -1);
	CHECK_EQ(image__build_id(im, build_id), 0);
	CHECK(!image__is_elf(im));
	CHECK_EQ(image__symbolize(im, 0x1000, frames), 0);
	image__unload(im);
	images__free(is);
}

TEST(when_descriptors_run_out)
{
	struct images *is = images__new();
	const char *path = library("late.so", "77777777");
	struct rlimit before, few;

	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
	few = before;
	few.rlim_cur = 40;
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
	CHECK_EQ(images__add_path(is, path), -EMFILE);
	CHECK_EQ(images__count(is), 1);
	CHECK_EQ(image__fd(images__get(is, 0)), -1);
	CHECK_STR(image__name(images__get(is, 0)), "late.so");
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
	CHECK_EQ(images__add_path(is, path), 0);
	CHECK(image__fd(images__get(is, 0)) >= 0);
	images__free(is);
}

TEST(the_vdso_is_copied_once)
{
	struct images *is = images__new();
	struct space *sp = space__new((uint32_t)getpid());
	const struct mapping *m = NULL;
	const uint8_t *memory;
	struct image *im;
	size_t len = 0;

	CHECK_EQ(space__refresh(sp, NULL), 0);
	for (size_t i = 0; i < space__count(sp); i++)
		if (!strcmp(space__at(sp, i)->path, "[vdso]"))
			m = space__at(sp, i);
	if (!m)
		SKIP("this kernel gives no vDSO");
	CHECK_EQ(add(is, m), 0);
	CHECK_EQ(add(is, m), 0);
	im = images__get(is, 0);
	memory = image__memory(im, &len);
	CHECK_EQ(len, m->end - m->start);
	CHECK(memory && !memcmp(memory, (const void *)(uintptr_t)m->start, len));
	CHECK_STR(image__name(im), "[vdso]");
	CHECK_EQ(image__fd(im), -1);
	CHECK_EQ(image__error(im), 0);
	CHECK(image__is_elf(im));
	/* Memory that cannot be read gives no image. */
	CHECK(add_file(is, 0x1000, 0x2000, 0, 0, "[vdso]") < 0);
	CHECK(add_file(is, 0x2000, 0x1000, 0, 0, "[vdso]") < 0);
	CHECK(add_file(is, 0, UINT64_MAX, 0, 0, "[vdso]") < 0);
	CHECK_EQ(images__count(is), 1);
	images__free(is);
	space__free(sp);
}

static void *add_many(void *arg)
{
	uint8_t build_id[BUILD_ID_MAX];

	for (uint64_t i = 0; i < 2000; i++) {
		int64_t id = add_file(arg, 1, 2, 8, 1 + i % 500, "/x");
		struct image *im = images__get(arg, (uint32_t)id);

		if (!im || image__id(im) != id)
			return arg;
		image__build_id(im, build_id);
	}
	return NULL;
}

TEST(threads_share_the_registry)
{
	struct images *is = images__new();
	pthread_t threads[4];
	void *failed;

	for (int i = 0; i < 4; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, add_many, is), 0);
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], &failed);
		CHECK(!failed);
	}
	CHECK_EQ(images__count(is), 500);
	images__free(is);
}

TEST(an_image_names_its_code)
{
	struct symbol_frame frames[SYMBOL_FRAMES_MAX];
	struct images *is = images__new();
	struct space *sp = space__new((uint32_t)getpid());
	struct mapping m = code_of(sp, (void *)(uintptr_t)test_a_file_by_path);
	struct image *im = images__get(is, (uint32_t)add(is, &m));
	uint64_t offset = (uintptr_t)test_a_file_by_path - m.start + m.offset;
	const char *func;

	CHECK_EQ(image__symbolize(im, offset, frames), 1);
	CHECK_STR(frames[0].func, "test_a_file_by_path");
	func = frames[0].func;
	CHECK(images__memory(is) > 1000);
	image__unload(im);
	CHECK_EQ(image__symbolize(im, offset, frames), 1);
	CHECK(frames[0].func == func);
	images__free(is);
	space__free(sp);
}
