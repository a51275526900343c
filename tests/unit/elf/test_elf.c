/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <dlfcn.h>
#include <elf.h>
#include <sys/auxv.h>

#include "elf/elf.h"
#include "scratch.h"
#include "test.h"

static const char library_source[] =
    "__asm__(\".globl marked\\n.type marked,@function\\nmarked: .byte "
    "0xb8,0x2a,0,0,0,0xc3\\n.size marked,6\");\n"
    "int counter = 7;\n"
    "int other(int n) { return n + counter; }\n"
    "static __attribute__((noinline)) int hidden(int n) { return other(n) * 3; }\n"
    "int caller(int n) { return hidden(n) + 1; }\n"
    "static int chosen(void) { return 5; }\n"
    "static void *choose(void) { return (void *)chosen; }\n"
    "int indirect(void) __attribute__((ifunc(\"choose\")));\n"
    "int old_entry(void) { return 1; }\n"
    "__asm__(\".symver old_entry,entry@V1\");\n"
    "int new_entry(void) { return 2; }\n"
    "__asm__(\".symver new_entry,entry@@V2\");\n";

/* Links the library with one more option. */
static const char *link_library(const char *name, const char *option)
{
	const char *source = write_source("library.c", library_source);
	const char *versions = write_source("versions", "V1 { };\nV2 { } V1;\n");
	const char *path = in_scratch(name);
	char script[PATH_MAX + 512];

	snprintf(script, sizeof(script), "-Wl,--version-script=%s", versions);
	if (!run("gcc", "-O1", "-shared", "-fPIC", script, option, "-o", path, source, NULL)) {
		printf("# gcc cannot make %s\n", name);
		exit(1);
	}
	return path;
}

static const char *library(void)
{
	static char path[PATH_MAX + 256];

	if (!path[0])
		snprintf(path, sizeof(path), "%s",
			 link_library("library.so", "-Wl,--build-id=0x0123456789abcdef"));
	return path;
}

static struct elf *open_path(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct elf *e = elf__open(fd);

	/* Left open on purpose: the elf reads from it. */
	return e;
}

struct wanted {
	const char *name;
	int count;
	struct elf_function last;
};

static int remember(void *ctx, const struct elf_function *f)
{
	struct wanted *w = ctx;

	if (!strcmp(f->name, w->name)) {
		w->count++;
		w->last = *f;
	}
	return 0;
}

static struct wanted look_for(struct elf *e, const char *name)
{
	struct wanted w = { .name = name };

	CHECK_EQ(elf__functions(e, remember, &w), 0);
	return w;
}

TEST(functions_are_where_the_loader_finds_them)
{
	static const char *const names[] = { "marked", "other", "caller" };
	struct elf *e = open_path(library());
	void *handle = dlopen(library(), RTLD_NOW);
	Dl_info info;

	CHECK(e && handle);
	if (!e || !handle)
		return;
	for (size_t i = 0; i < 3; i++) {
		void *p = dlsym(handle, names[i]);
		struct wanted w = look_for(e, names[i]);
		uint64_t offset, vaddr;

		CHECK(dladdr(p, &info));
		CHECK_EQ(w.count, 2); /* .dynsym and .symtab */
		CHECK_EQ(w.last.vaddr, (char *)p - (char *)info.dli_fbase);
		CHECK(elf__vaddr_to_offset(e, w.last.vaddr, &offset));
		CHECK_EQ(offset, w.last.offset);
		CHECK(elf__offset_to_vaddr(e, offset, &vaddr));
		CHECK_EQ(vaddr, w.last.vaddr);
		CHECK(!w.last.ifunc);
	}
	CHECK_EQ(look_for(e, "hidden").count, 1);
	CHECK_EQ(look_for(e, "hidden").last.binding, STB_LOCAL);
	CHECK_EQ(look_for(e, "counter").count, 0);
	CHECK_EQ(look_for(e, "indirect").last.ifunc, true);
	CHECK_EQ(look_for(e, "__cxa_finalize").count, 0);
	dlclose(handle);
	elf__close(e);
}

TEST(code_is_read_at_its_offset)
{
	static const uint8_t want[] = { 0xb8, 0x2a, 0, 0, 0, 0xc3 };
	struct elf *e = open_path(library());
	struct wanted w = look_for(e, "marked");
	const uint8_t *code;
	size_t got = 0;

	CHECK_EQ(w.last.size, 6);
	code = elf__code(e, w.last.offset, 6, &got);
	CHECK_EQ(got, 6);
	CHECK(code && !memcmp(code, want, 6));
	/* Only code is returned, and no more than there is. */
	CHECK(!elf__code(e, 0, 16, &got));
	CHECK(!elf__code(e, UINT64_MAX - 3, 16, &got));
	code = elf__code(e, w.last.offset, 1 << 30, &got);
	CHECK(code && got >= 6 && got < 1 << 20);
	elf__close(e);
}

TEST(names_have_no_version)
{
	struct elf *e = open_path(library());
	struct wanted w = look_for(e, "entry");

	CHECK_EQ(w.count, 4); /* entry@V1 and entry@@V2, in .dynsym and in .symtab */
	CHECK_EQ(look_for(e, "entry@V1").count, 0);
	elf__close(e);
}

static int stop(void *ctx, const struct elf_function *f)
{
	(void)f;
	return ++*(int *)ctx == 3 ? 77 : 0;
}

TEST(a_visit_stops_when_the_callback_says_so)
{
	struct elf *e = open_path(library());
	int n = 0;

	CHECK_EQ(elf__functions(e, stop, &n), 77);
	CHECK_EQ(n, 3);
	elf__close(e);
}

static void check_build_id(const char *path)
{
	static const uint8_t want[] = { 1, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef };
	struct elf *e = open_path(path);
	uint8_t id[32] = { 0 };

	CHECK(e);
	if (!e)
		return;
	CHECK_EQ(elf__build_id(e, id, sizeof(id)), 8);
	CHECK(!memcmp(id, want, 8));
	CHECK_EQ(elf__build_id(e, id, 3), 3);
	elf__close(e);
}

/* Like sstrip: the sections stay, but no header leads to them. */
static const char *without_sections(const char *from, const char *name)
{
	const char *path = in_scratch(name);
	size_t len;
	uint8_t *bytes = read_bytes(from, &len);
	Elf64_Ehdr *eh = (Elf64_Ehdr *)bytes;

	eh->e_shoff = 0;
	eh->e_shnum = eh->e_shstrndx = 0;
	write_bytes(path, bytes, len);
	free(bytes);
	return path;
}

TEST(build_ids)
{
	struct elf *e;
	uint8_t id[32];

	check_build_id(library());
	check_build_id(without_sections(library(), "bare.so"));
	e = open_path(link_library("noid.so", "-Wl,--build-id=none"));
	CHECK_EQ(e ? elf__build_id(e, id, sizeof(id)) : 99, 0);
	elf__close(e);
}

TEST(stripped_files_keep_their_dynamic_functions)
{
	struct elf *e;

	MUST(run("strip", "-o", in_scratch("stripped.so"), library(), NULL));
	e = open_path(in_scratch("stripped.so"));
	CHECK(e);
	CHECK_EQ(look_for(e, "caller").count, 1);
	CHECK_EQ(look_for(e, "hidden").count, 0);
	elf__close(e);
}

static int count_function(void *ctx, const struct elf_function *f)
{
	(void)f;
	++*(int *)ctx;
	return 0;
}

static void check_without_sections(const char *style)
{
	struct elf *e, *stripped;
	int with = 0, without = 0;
	struct wanted a, b;
	char option[64];

	snprintf(option, sizeof(option), "-Wl,--hash-style=%s", style);
	link_library("hash-whole.so", option);
	MUST(run("strip", "-o", in_scratch("hash.so"), in_scratch("hash-whole.so"), NULL));
	stripped = open_path(in_scratch("hash.so"));
	e = open_path(without_sections(in_scratch("hash.so"), "hash-bare.so"));
	CHECK(e && stripped);
	CHECK_EQ(elf__functions(stripped, count_function, &with), 0);
	CHECK_EQ(elf__functions(e, count_function, &without), 0);
	CHECK_EQ(without, with);
	CHECK(with >= 5);
	a = look_for(stripped, "caller");
	b = look_for(e, "caller");
	CHECK_EQ(b.count, 1);
	CHECK_EQ(a.last.offset, b.last.offset);
	elf__close(e);
	elf__close(stripped);
}

TEST(without_section_headers_the_dynamic_section_is_used)
{
	check_without_sections("gnu");
	check_without_sections("sysv");
}

TEST(machine_and_kind)
{
	struct elf *e = open_path(library());

	CHECK_EQ(elf__machine(e), ELF_X86_64);
	CHECK(elf__is_64bit(e));
	elf__close(e);

	MUST(run("gcc", "-static", "-nostdlib", "-x", "c", "-o", in_scratch("static"),
		 write_source("start.c", "void _start(void) { for (;;) ; }\n"), NULL));
	e = open_path(in_scratch("static"));
	CHECK(e && look_for(e, "_start").count == 1);
	elf__close(e);
}

TEST(files_of_32_bits)
{
	struct elf *e;

	if (!run("gcc", "-m32", "-shared", "-fPIC", "-nostdlib", "-o", in_scratch("lib32.so"),
		 write_source("lib32.c", "int thirty_two(void) { return 32; }\n"), NULL))
		SKIP("gcc cannot make 32-bit files");
	e = open_path(in_scratch("lib32.so"));
	CHECK(e);
	CHECK_EQ(elf__machine(e), ELF_I386);
	CHECK(!elf__is_64bit(e));
	CHECK_EQ(look_for(e, "thirty_two").count, 2);
	elf__close(e);
}

TEST(files_that_are_not_elf)
{
	int fd = open(write_source("text", "#!/bin/sh\n"), O_RDONLY | O_CLOEXEC);

	CHECK(!elf__open(fd));
	CHECK_EQ(errno, ENOEXEC);
	close(fd);
	CHECK(!elf__open(-1));
	CHECK_EQ(errno, EBADF);
	CHECK(!elf__open_memory("", 0));
	CHECK_EQ(errno, ENOEXEC);
	elf__close(NULL);
}

TEST(the_vdso_from_memory)
{
	const void *vdso = (const void *)getauxval(AT_SYSINFO_EHDR);
	struct elf *e;

	if (!vdso)
		SKIP("this kernel gives no vDSO");
	e = elf__open_memory(vdso, 4096);
	CHECK(e);
	CHECK_EQ(look_for(e, "__vdso_clock_gettime").count, 1);
	elf__close(e);
}

TEST(sections_by_name)
{
	struct elf *e = open_path(library());
	size_t len = 0;
	const char *s = elf__section(e, ".shstrtab", &len);

	CHECK(s && len > 10 && s[0] == '\0');
	CHECK(!elf__section(e, ".nothing", &len));
	CHECK(!elf__section(e, ".bss", &len)); /* not in the file */
	elf__close(e);
}

/* ---- hostile files: every call returns, whatever they contain ---- */

static int touch(void *ctx, const struct elf_function *f)
{
	struct elf *e = ctx;
	size_t got, n = strlen(f->name);

	if (elf__code(e, f->offset, f->size < 4096 ? f->size : 4096, &got))
		n += got;
	return n == SIZE_MAX;
}

static void use(struct elf *e)
{
	uint8_t id[32];
	uint64_t out;
	size_t len;

	if (!e)
		return;
	elf__machine(e);
	elf__build_id(e, id, sizeof(id));
	elf__offset_to_vaddr(e, 0x1000, &out);
	elf__vaddr_to_offset(e, UINT64_MAX, &out);
	elf__section(e, ".gnu_debuglink", &len);
	CHECK_EQ(elf__functions(e, touch, e), 0);
	CHECK_EQ(elf__debug_functions(e, count_function, &(int){ 0 }), 0);
	elf__close(e);
}

static void use_file(int fd, const uint8_t *bytes, size_t len)
{
	if (ftruncate(fd, 0) != 0 || pwrite(fd, bytes, len, 0) != (ssize_t)len)
		exit(1);
	use(elf__open(fd));
}

static void mutate(const char *path, unsigned int rounds)
{
	int fd = open(in_scratch("mutant"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	uint64_t seed = 1;
	size_t len;
	uint8_t *bytes = read_bytes(path, &len), *mutant = malloc(len);

	for (size_t cut = 0; cut < len; cut += 64) {
		/* An exact copy, so that the sanitizer sees a read beyond the end. */
		uint8_t *exact = malloc(cut ? cut : 1);

		memcpy(exact, bytes, cut);
		use(elf__open_memory(exact, cut));
		use_file(fd, exact, cut);
		free(exact);
	}
	for (unsigned int i = 0; i < rounds; i++) {
		/* Half of the damage goes to the headers, where it matters most. */
		size_t range = i % 2 ? len : 1024;

		memcpy(mutant, bytes, len);
		for (unsigned int n = random_number(&seed) % 8 + 1; n; n--) {
			size_t at = random_number(&seed) % range;

			mutant[at] = n % 3 ? (uint8_t)random_number(&seed) : 0xff;
		}
		use(elf__open_memory(mutant, len));
		if (i % 16 == 0)
			use_file(fd, mutant, len);
	}
	close(fd);
	free(mutant);
	free(bytes);
}

TEST(damaged_files_are_harmless)
{
	mutate(library(), 4000);
	mutate(in_scratch("bare.so"), 4000);
	mutate(in_scratch("hash-bare.so"), 4000);
}
