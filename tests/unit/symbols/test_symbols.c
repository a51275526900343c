/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sources of a file's names: the file, its debug file, its mini debug info, or none. */
#include <elf.h>
#include <sys/auxv.h>

#include "elf/go_table.h"
#include "go_library.h"
#include "programs.h"
#include "symbols/debug_file.h"
#include "symbols/roots.h"
#include "symbols/symbols.h"
#include "test.h"

/* A function of each kind. */
static const char names_source[] =
    "int visible(int n) { return n + 1; }\n"
    "static __attribute__((noinline)) int hidden(int n) { return visible(n) * 3; }\n"
    "int caller(int n) { return hidden(n) + 1; }\n"
    "int __caller(int n) __attribute__((alias(\"caller\")));\n"
    "int zcaller(int n) __attribute__((weak, alias(\"caller\")));\n"
    "__asm__(\".globl sizeless; .type sizeless,@function; .p2align 4; sizeless: nop; nop; nop; "
    "ret; .p2align 6\");\n"
    "__asm__(\".globl _ZN3foo3barEi; .type _ZN3foo3barEi,@function; _ZN3foo3barEi: ret; .size "
    "_ZN3foo3barEi,1\");\n"
    "int main(int argc, char **argv) { (void)argv; return caller(argc); }\n";

struct place {
	const char *name;
	uint64_t offset, size;
};

static int find_offset(void *ctx, const struct elf_function *f)
{
	struct place *p = ctx;

	if (strcmp(f->name, p->name))
		return 0;
	p->offset = f->offset;
	p->size = f->size;
	return 1;
}

/* Where a function of the whole program is. */
static struct place place(const char *path, const char *name)
{
	struct place p = { .name = name };
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct elf *e = elf__open(fd);

	MUST(e && elf__functions(e, find_offset, &p) == 1);
	elf__close(e);
	close(fd);
	return p;
}

/* The whole program, built once. */
static const char *whole(void)
{
	const char *path = in_scratch("whole");

	if (access(path, F_OK) != 0)
		MUST(run("gcc", "-O2", "-g", "-rdynamic", "-Wl,--build-id", "-o", path,
			 write_source("names.c", names_source), NULL));
	return path;
}

struct file {
	int fd;
	struct debug_places *places;
	struct symbols *symbols;
	struct symbol_frame frames[SYMBOL_FRAMES_MAX];
};

static struct file open_file(const char *path, const char *debug_dir)
{
	struct file f = { .fd = open(path, O_RDONLY | O_CLOEXEC) };
	static char kept[PATH_MAX];

	snprintf(kept, sizeof(kept), "%s", path);
	f.places = malloc(sizeof(*f.places));
	MUST(f.places);
	*f.places = (struct debug_places){
		.roots = roots__new(1),
		.root = ROOT_OWN,
		.dir = debug_dir,
	};
	f.symbols = symbols__new(
	    &(struct symbols_source){ .code = { .fd = f.fd, .path = kept, .places = f.places } });
	MUST(f.symbols);
	return f;
}

static void close_file(struct file *f)
{
	symbols__free(f->symbols);
	roots__free(f->places->roots);
	free(f->places);
	close(f->fd);
}

/* The name of the function that holds the middle of a place, NULL: unknown. */
static const char *name_at(struct file *f, const struct place *p)
{
	int n = symbols__lookup(f->symbols, p->offset + p->size / 2, f->frames);

	return n ? f->frames[n - 1].func : NULL;
}

/* The same for where a function of the whole program is. */
static const char *name_of(struct file *f, const char *name)
{
	struct place p = place(whole(), name);

	return name_at(f, &p);
}

TEST(a_file_with_all_symbols)
{
	struct file f = open_file(whole(), "/nonexistent");
	const char *first;

	CHECK_STR(name_of(&f, "hidden"), "hidden");
	CHECK_STR(base_name(f.frames[0].file), "names.c");
	CHECK_EQ(f.frames[0].line, 2);
	CHECK(f.frames[0].exact);
	CHECK(!f.frames[0].inlined);
	CHECK_STR(name_of(&f, "main"), "main");
	CHECK_STR(name_of(&f, "_ZN3foo3barEi"), "foo::bar(int)");
	CHECK(!f.frames[0].file);
	CHECK_STR(name_of(&f, "sizeless"), "sizeless");
	CHECK(!f.frames[0].exact);
	CHECK_EQ(symbols__lookup(f.symbols, 0, f.frames), 0);
	CHECK_EQ(symbols__lookup(f.symbols, UINT64_MAX, f.frames), 0);

	/* Results stay valid after the data they were made from is dropped. */
	first = name_of(&f, "hidden");
	symbols__unload(f.symbols);
	symbols__unload(f.symbols);
	CHECK(name_of(&f, "hidden") == first);
	CHECK_STR(name_of(&f, "visible"), "visible");
	CHECK(symbols__memory(f.symbols) > 1000);
	close_file(&f);
	symbols__free(NULL);
}

TEST(inlined_calls_come_first)
{
	struct symbol_frame f[SYMBOL_FRAMES_MAX];
	struct file file;

	MUST(run("gcc", "-O2", "-g", "-o", in_scratch("nested"),
		 write_source("nested.c", nested_source), NULL));
	file = open_file(in_scratch("nested"), "/nonexistent");
	CHECK_EQ(symbols__lookup(file.symbols, place(in_scratch("nested"), "here").offset, f), 3);
	CHECK_STR(f[0].func, "inner");
	CHECK(f[0].inlined);
	CHECK_STR(f[1].func, "middle");
	CHECK(f[1].inlined);
	CHECK_EQ(f[1].line, 11);
	CHECK_STR(f[2].func, "outer");
	CHECK(!f[2].inlined);
	CHECK(f[0].file == f[1].file); /* stored once */
	close_file(&file);
}

/* Go's own table names the code of a stripped program, by the name as it stands. */
TEST(go_without_symbols)
{
	const char *path = go_library("go", true, ".gopclntab", false);
	struct program p = open_program(path);
	struct file f = open_file(path, "/nonexistent");
	struct go_table t;
	uint64_t offset;

	MUST(p.elf && go_table__find(p.elf, &t) && elf__vaddr_to_offset(p.elf, t.text, &offset));
	CHECK_EQ(symbols__lookup(f.symbols, offset + 3, f.frames), 1);
	CHECK_STR(f.frames[0].func, "main.leak");
	CHECK_STR(f.frames[0].file, "/src/main.go");
	CHECK_EQ(f.frames[0].line, 12);
	CHECK_EQ(symbols__lookup(f.symbols, offset + 9, f.frames), 1); /* in an inlined call */
	CHECK_STR(f.frames[0].func, "main.leak");
	CHECK(!f.frames[0].file);
	CHECK_EQ(symbols__lookup(f.symbols, offset + 7 * 16, f.frames), 0);
	close_file(&f);
	close_program(&p);
}

TEST(a_stripped_file_names_what_it_exports)
{
	struct file f;

	MUST(run("strip", "-o", in_scratch("stripped"), whole(), NULL));
	f = open_file(in_scratch("stripped"), "/nonexistent");
	CHECK_STR(name_of(&f, "visible"), "visible");
	/* Of the names of one address, the one without underscores and the global one. */
	CHECK_STR(name_of(&f, "caller"), "caller");
	CHECK(!name_of(&f, "hidden"));
	close_file(&f);
}

TEST(a_file_without_section_headers)
{
	size_t len;
	uint8_t *bytes = read_bytes(whole(), &len);
	Elf64_Ehdr *eh = (Elf64_Ehdr *)bytes;
	struct file f;

	eh->e_shoff = 0;
	eh->e_shnum = eh->e_shstrndx = 0;
	write_bytes(in_scratch("bare"), bytes, len);
	free(bytes);
	f = open_file(in_scratch("bare"), "/nonexistent");
	CHECK_STR(name_of(&f, "visible"), "visible");
	CHECK(!name_of(&f, "hidden"));
	close_file(&f);
}

/* Splits the program in two. What is left links to "names.debug" but has no symbols. */
static void split(void)
{
	if (access(in_scratch("linked"), F_OK) == 0)
		return;
	MUST(run("objcopy", "--only-keep-debug", whole(), in_scratch("names.debug"), NULL));
	MUST(run("objcopy", "--strip-all", whole(), in_scratch("linked"), NULL));
	MUST(chdir(in_scratch("")) == 0);
	MUST(run("objcopy", "--add-gnu-debuglink=names.debug", in_scratch("linked"), NULL));
}

static void check_found(const char *path, const char *debug_dir)
{
	struct file f = open_file(path, debug_dir);

	CHECK_STR(name_of(&f, "hidden"), "hidden");
	CHECK_STR(base_name(f.frames[0].file), "names.c");
	CHECK_EQ(f.frames[0].line, 2);
	close_file(&f);
}

static void check_not_found(const char *path, const char *debug_dir)
{
	struct file f = open_file(path, debug_dir);

	CHECK(!name_of(&f, "hidden"));
	CHECK_STR(name_of(&f, "visible"), "visible");
	close_file(&f);
}

TEST(a_debug_file_by_link)
{
	char away[PATH_MAX + 512];

	split();
	check_found(in_scratch("linked"), "/nonexistent");

	/* In .debug next to it, and below the debug directory. */
	MUST(mkdir(in_scratch(".debug"), 0700) == 0);
	MUST(rename(in_scratch("names.debug"), in_scratch(".debug/names.debug")) == 0);
	check_found(in_scratch("linked"), "/nonexistent");
	snprintf(away, sizeof(away), "%s%s", in_scratch("usr-lib-debug"), in_scratch(""));
	MUST(run("mkdir", "-p", away, NULL));
	strcat(away, "/names.debug");
	MUST(rename(in_scratch(".debug/names.debug"), away) == 0);
	check_not_found(in_scratch("linked"), "/nonexistent");
	check_found(in_scratch("linked"), in_scratch("usr-lib-debug"));
	MUST(rename(away, in_scratch("names.debug")) == 0);
}

TEST(a_debug_file_of_another_build_is_not_used)
{
	split();
	MUST(rename(in_scratch("names.debug"), in_scratch("kept")) == 0);
	MUST(run("gcc", "-O0", "-g", "-Wl,--build-id", "-o", in_scratch("names.debug"),
		 in_scratch("names.c"), NULL));
	check_not_found(in_scratch("linked"), "/nonexistent");
	/* Nor is something else of that name: opening a FIFO would block. */
	MUST(unlink(in_scratch("names.debug")) == 0 &&
	     mkfifo(in_scratch("names.debug"), 0600) == 0);
	check_not_found(in_scratch("linked"), "/nonexistent");
	MUST(rename(in_scratch("kept"), in_scratch("names.debug")) == 0);
	check_found(in_scratch("linked"), "/nonexistent");
}

TEST(without_build_ids_the_checksum_decides)
{
	struct place hidden;
	struct file f;
	uint8_t *bytes;
	size_t len;

	MUST(run("gcc", "-O2", "-g", "-Wl,--build-id=none", "-o", in_scratch("noid"),
		 write_source("names.c", names_source), NULL));
	hidden = place(in_scratch("noid"), "hidden");
	MUST(run("objcopy", "--only-keep-debug", in_scratch("noid"), in_scratch("noid.debug"),
		 NULL));
	MUST(chdir(in_scratch("")) == 0);
	MUST(run("objcopy", "--strip-all", "--add-gnu-debuglink=noid.debug", in_scratch("noid"),
		 NULL));
	f = open_file(in_scratch("noid"), "/nonexistent");
	CHECK_STR(name_at(&f, &hidden), "hidden");
	CHECK_EQ(f.frames[0].line, 2);
	close_file(&f);

	bytes = read_bytes(in_scratch("noid.debug"), &len);
	bytes[len / 2] ^= 1;
	write_bytes(in_scratch("noid.debug"), bytes, len);
	free(bytes);
	f = open_file(in_scratch("noid"), "/nonexistent");
	CHECK(!name_at(&f, &hidden));
	close_file(&f);
}

TEST(hostile_links)
{
	static const char *const links[] = {
		"",	   "../names.debug\0\0\1\2\3\4", "/etc/passwd\0\1\2\3\4", "unterminated",
		"a\0\0\0", "\0\0\0\0\1\2\3\4",
	};
	static const size_t sizes[] = { 1, 20, 16, 12, 4, 8 };

	split();
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		char option[PATH_MAX + 512];

		write_bytes(in_scratch("link"), links[i], sizes[i]);
		snprintf(option, sizeof(option), ".gnu_debuglink=%s", in_scratch("link"));
		MUST(run("objcopy", "--remove-section=.gnu_debuglink", in_scratch("linked"),
			 in_scratch("hostile"), NULL));
		MUST(run("objcopy", "--add-section", option, in_scratch("hostile"), NULL));
		check_not_found(in_scratch("hostile"), "/nonexistent");
	}
}

TEST(a_debug_file_by_build_id)
{
	split();
	install_by_build_id(in_scratch("names.debug"), in_scratch("by-id"));
	check_found(in_scratch("linked"), in_scratch("by-id"));
	check_not_found(in_scratch("linked"), in_scratch("usr-lib-debug"));
	MUST(run("objcopy", "--only-keep-debug", whole(), in_scratch("names.debug"), NULL));
}

/* ---- .gnu_debugdata ---- */

/* The stripped program with these bytes as its mini debug info. */
static const char *with_debugdata(const void *bytes, size_t len)
{
	char option[PATH_MAX + 512];

	write_bytes(in_scratch("packed"), bytes, len);
	snprintf(option, sizeof(option), ".gnu_debugdata=%s", in_scratch("packed"));
	MUST(run("strip", "-o", in_scratch("mini"), whole(), NULL));
	MUST(run("objcopy", "--add-section", option, in_scratch("mini"), NULL));
	return in_scratch("mini");
}

TEST(mini_debug_info)
{
	struct file f;
	uint8_t *packed;
	size_t len;

	if (!have("xz"))
		SKIP("xz is not installed");
	MUST(run("objcopy", "--strip-debug", "--only-keep-debug", whole(), in_scratch("minisyms"),
		 NULL));
	MUST(run("xz", "--force", in_scratch("minisyms"), NULL));
	packed = read_bytes(in_scratch("minisyms.xz"), &len);
	f = open_file(with_debugdata(packed, len), "/nonexistent");
	CHECK_STR(name_of(&f, "hidden"), "hidden");
	CHECK(!f.frames[0].file);
	CHECK_STR(name_of(&f, "visible"), "visible");
	close_file(&f);

	/* If damaged, it counts as absent. */
	packed[len / 2] ^= 0x55;
	check_not_found(with_debugdata(packed, len), "/nonexistent");
	check_not_found(with_debugdata(packed, len / 2), "/nonexistent");
	check_not_found(with_debugdata("", 1), "/nonexistent");
	free(packed);
}

TEST(mini_debug_info_of_absurd_size)
{
	uint8_t *packed;
	size_t len;
	int fd;

	if (!have("xz"))
		SKIP("xz is not installed");
	/* 400 MiB of zeros in a few kilobytes. */
	fd = open(in_scratch("zeros"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	MUST(fd >= 0 && ftruncate(fd, 400 << 20) == 0);
	close(fd);
	MUST(run("xz", "--force", "-0", in_scratch("zeros"), NULL));
	packed = read_bytes(in_scratch("zeros.xz"), &len);
	check_not_found(with_debugdata(packed, len), "/nonexistent");
	free(packed);
}

/* ---- memory ---- */

TEST(the_vdso_names_its_functions)
{
	const uint8_t *vdso = (const uint8_t *)getauxval(AT_SYSINFO_EHDR);
	struct place p = { .name = "__vdso_clock_gettime" };
	struct symbol_frame frames[SYMBOL_FRAMES_MAX];
	struct symbols *s;
	struct elf *e;

	if (!vdso)
		SKIP("this kernel gives no vDSO");
	e = elf__open_memory(vdso, 4096);
	MUST(e && elf__functions(e, find_offset, &p) == 1);
	s = symbols__new(
	    &(struct symbols_source){ .code = { .fd = -1, .memory = vdso, .len = 4096 } });
	CHECK_EQ(symbols__lookup(s, p.offset + 1, frames), 1);
	/* The same code has two names. */
	CHECK_STR(frames[0].func, "clock_gettime");
	symbols__free(s);
	elf__close(e);
}

TEST(no_file)
{
	struct symbols *s = symbols__new(&(struct symbols_source){ .code.fd = -1 });
	struct symbol_frame frames[SYMBOL_FRAMES_MAX];

	CHECK_EQ(symbols__lookup(s, 0x1000, frames), 0);
	CHECK_EQ(symbols__lookup(s, 0x1000, frames), 0);
	symbols__free(s);
}

/* What "cp new.so old.so" does to a library in use: reading it through a mapping would end in
 * SIGBUS. */
TEST(a_file_truncated_while_it_is_read)
{
	for (int loaded = 0; loaded < 2; loaded++) {
		struct file f;

		MUST(run("cp", whole(), in_scratch("short"), NULL));
		f = open_file(in_scratch("short"), "/nonexistent");
		if (loaded)
			CHECK_STR(name_of(&f, "main"), "main");
		MUST(truncate(in_scratch("short"), 5000) == 0);
		for (uint64_t offset = 0; offset < 20000; offset += 8)
			CHECK(symbols__lookup(f.symbols, offset, f.frames) <= SYMBOL_FRAMES_MAX);
		symbols__unload(f.symbols);
		CHECK_EQ(symbols__lookup(f.symbols, 0x1001, f.frames), 0);
		close_file(&f);
	}
}

/* Damage anywhere in a file that uses every way to find names. */
TEST(damaged_files_are_harmless)
{
	uint64_t seed = 11;
	size_t len;
	uint8_t *bytes = read_bytes(whole(), &len), *mutant = malloc(len);
	struct symbol_frame frames[SYMBOL_FRAMES_MAX];

	for (int round = 0; round < 2000; round++) {
		size_t range = round % 2 ? len : 4096;
		struct symbols *s;

		memcpy(mutant, bytes, len);
		for (int n = 0; n < 6; n++)
			mutant[random_number(&seed) % range] = (uint8_t)random_number(&seed);
		s = symbols__new(
		    &(struct symbols_source){ .code = { .fd = -1, .memory = mutant, .len = len } });
		for (uint64_t offset = 0x1000; offset < 0x1200; offset += 16)
			if (symbols__lookup(s, offset, frames) > SYMBOL_FRAMES_MAX)
				CHECK(!"there is an end");
		symbols__free(s);
	}
	free(mutant);
	free(bytes);
}
