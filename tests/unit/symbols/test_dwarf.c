/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "programs.h"
#include "symbols/debug_file.h"
#include "symbols/roots.h"
#include "test.h"

static void check_nested(const char *compiler, const char *option)
{
	struct dwarf_frame f[8];
	struct program p;
	int n;

	MUST(run(compiler, "-O2", "-g", option, "-o", in_scratch("nested"),
		 write_source("nested.c", nested_source), NULL));
	p = open_program(in_scratch("nested"));
	CHECK(p.dwarf);
	if (!p.dwarf)
		return;
	n = dwarf__lookup(p.dwarf, function(&p, "here").vaddr, f, 8);
	CHECK_EQ(n, 3);
	if (n == 3) {
		CHECK_STR(f[0].func, "inner");
		CHECK_STR(base_name(f[0].file), "nested.c");
		CHECK_EQ(f[0].line, 4);
		CHECK_STR(f[1].func, "middle");
		CHECK_EQ(f[1].line, 11);
		CHECK_STR(f[2].func, "outer");
		CHECK_STR(f[2].file, f[1].file);
		CHECK_EQ(f[2].line, 17);
		CHECK(!f[0].built && !f[1].built && !f[2].built);
	}
	free_frames(f, n);

	/* With less room, the innermost frames are kept. */
	n = dwarf__lookup(p.dwarf, function(&p, "here").vaddr, f, 2);
	CHECK_EQ(n, 2);
	CHECK_STR(f[0].func, "inner");
	CHECK_STR(f[1].func, "middle");
	free_frames(f, n);

	/* -gmlt leaves out functions without inlined calls. */
	n = dwarf__lookup(p.dwarf, function(&p, "other").vaddr, f, 8);
	CHECK_EQ(n, 1);
	if (strcmp(option, "-gmlt"))
		CHECK_STR(f[0].func, "other");
	else
		CHECK(!f[0].func);
	CHECK_STR(base_name(f[0].file), "elsewhere.h");
	CHECK_EQ(f[0].line, 700);
	free_frames(f, n);

	CHECK_EQ(dwarf__lookup(p.dwarf, 0, f, 8), 0);
	CHECK_EQ(dwarf__lookup(p.dwarf, UINT64_MAX, f, 8), 0);
	CHECK_EQ(dwarf__lookup(p.dwarf, function(&p, "_start").vaddr, f, 8), 0);
	CHECK(dwarf__memory(p.dwarf) > 100);
	close_program(&p);
}

/* What libdw makes of a string without a NUL, if it is the section's last one, is in other memory.
 */
static void check_strings_without_end(const char *option, const char *section)
{
	const char *path = in_scratch("endless"), *strings = in_scratch("strings");
	char dump[256], update[256];
	struct program p;
	struct stat st;

	snprintf(dump, sizeof(dump), "%s=%s", section, strings);
	MUST(run("gcc", "-O2", "-g", option, "-o", path, write_source("nested.c", nested_source),
		 NULL));
	MUST(run("objcopy", "--dump-section", dump, path, NULL));
	p = open_program(path);
	CHECK(p.dwarf);
	close_program(&p);
	MUST(stat(strings, &st) == 0 && st.st_size > 1);
	MUST(truncate(strings, st.st_size - 1) == 0);
	snprintf(update, sizeof(update), "%s=%s", section, strings);
	MUST(run("objcopy", "--update-section", update, path, NULL));
	p = open_program(path);
	CHECK(!p.dwarf);
	close_program(&p);
}

TEST(sections_of_strings_that_do_not_end)
{
	check_strings_without_end("-gdwarf-4", ".debug_str");
	check_strings_without_end("-gdwarf-5", ".debug_line_str");
}

TEST(inlined_calls_as_gcc_describes_them)
{
	check_nested("gcc", "-gdwarf-5");
	check_nested("gcc", "-gdwarf-4");
	check_nested("gcc", "-gdwarf-3");
	check_nested("gcc", "-gz");
}

TEST(inlined_calls_as_clang_describes_them)
{
	if (!have("clang"))
		SKIP("clang is not installed");
	check_nested("clang", "-gdwarf-5");
	check_nested("clang", "-gdwarf-4");
	check_nested("clang", "-gmlt");
}

TEST(files_without_dwarf)
{
	struct program p;

	MUST(run("gcc", "-o", in_scratch("plain"),
		 write_source("plain.c", "int main(void) { return 0; }\n"), NULL));
	errno = 0;
	p = open_program(in_scratch("plain"));
	CHECK(p.elf && !p.dwarf);
	CHECK_EQ(errno, ENODATA);
	close_program(&p);
}

/* ---- names ---- */

struct seen {
	struct program *p;
	const char *const *names;
	bool found[16];
};

static int look_through(void *ctx, const struct elf_function *f)
{
	struct seen *s = ctx;
	struct dwarf_frame frames[32];

	for (uint64_t a = f->vaddr; a < f->vaddr + f->size; a++) {
		int n = dwarf__lookup(s->p->dwarf, a, frames, 32);

		for (int k = 0; k < n; k++)
			for (int i = 0; s->names[i]; i++)
				if (frames[k].func && !strcmp(frames[k].func, s->names[i]))
					s->found[i] = true;
		free_frames(frames, n);
	}
	return 0;
}

static void check_names(const char *compiler, const char *const *names)
{
	struct seen s = { .names = names };
	struct program p;

	p = open_program(cplusplus_program(compiler));
	s.p = &p;
	elf__functions(p.elf, look_through, &s);
	for (int i = 0; names[i]; i++) {
		if (!s.found[i]) {
			printf("# %s: no frame is named %s\n", compiler, names[i]);
			CHECK(s.found[i]);
		}
	}
	close_program(&p);
}

TEST(names_include_their_scopes)
{
	/* gcc gives no linkage names to functions that it only inlined: the scopes are all there
	 * is. */
	static const char *const by_gcc[] = {
		"main",
		"c_entry",
		"outer::Registry::add(int)",
		"main::{lambda}::operator()",
		"outer::(anonymous namespace)::Widget::~Widget",
		"std::make_unique<outer::(anonymous namespace)::Widget, int&>",
		"outer::Registry::sum() const",
		NULL,
	};
	static const char *const by_clang[] = {
		"main",
		"c_entry",
		"outer::Registry::add(int)",
		"main::$_0::operator()(int) const",
		"outer::(anonymous namespace)::Widget::~Widget()",
		"outer::Registry::sum() const",
		"outer::(anonymous namespace)::Widget::total() const",
		NULL,
	};

	check_names("g++", by_gcc);
	if (have("clang++"))
		check_names("clang++", by_clang);
}

/* ---- damage ---- */

/* A program whose .debug_info ends inside a string: that of its unit, or of a function in it. */
static struct program program_with_open_string(const char *attributes, const char *values)
{
	static const char format[] =
	    "	.text\n"
	    "	.globl main\n	.type main,@function\n"
	    "main:	xor %%eax, %%eax\n	ret\n"
	    "	.size main, . - main\n"
	    "	.section .debug_abbrev,\"\",@progbits\n"
	    "	.uleb128 1\n	.uleb128 0x11\n	.byte 1\n"
	    "	.uleb128 0x11\n	.uleb128 1\n	.uleb128 0x12\n	.uleb128 7\n"
	    "	%s\n"
	    "	.section .debug_info,\"\",@progbits\n"
	    "	.long end - start\n"
	    "start:	.short 4\n	.long 0\n	.byte 8\n"
	    "	.uleb128 1\n	.quad main\n	.quad 3\n"
	    "	%s\n"
	    "end:\n"
	    "	.section .note.GNU-stack,\"\",@progbits\n";
	char text[2048];

	snprintf(text, sizeof(text), format, attributes, values);
	MUST(run("gcc", "-Wl,--build-id=none", "-no-pie", "-nostartfiles", "-Wl,-e,main", "-o",
		 in_scratch("open-string"), write_source("open.s", text), NULL));
	return open_program(in_scratch("open-string"));
}

TEST(a_name_that_does_not_end_in_its_section)
{
	struct program p = program_with_open_string(
	    /* A function, whose last attribute is its name. */
	    ".byte 0, 0; .uleb128 2; .uleb128 0x2e; .byte 0; .uleb128 0x11; .uleb128 1; "
	    ".uleb128 0x12; .uleb128 7; .uleb128 3; .uleb128 8; .byte 0, 0, 0",
	    ".uleb128 2; .quad main; .quad 3; .ascii \"overrun\"");
	struct dwarf_frame f[8];

	CHECK(p.dwarf);
	if (p.dwarf) {
		CHECK_EQ(dwarf__lookup(p.dwarf, function(&p, "main").vaddr, f, 8), 1);
		CHECK(!f[0].func);
		free(f[0].func);
	}
	close_program(&p);
	/* The same with its NUL. */
	p = program_with_open_string(
	    ".byte 0, 0; .uleb128 2; .uleb128 0x2e; .byte 0; .uleb128 0x11; .uleb128 1; "
	    ".uleb128 0x12; .uleb128 7; .uleb128 3; .uleb128 8; .byte 0, 0, 0",
	    ".uleb128 2; .quad main; .quad 3; .asciz \"whole\"");
	CHECK(p.dwarf);
	if (p.dwarf) {
		CHECK_EQ(dwarf__lookup(p.dwarf, function(&p, "main").vaddr, f, 8), 1);
		CHECK_STR(f[0].func, "whole");
		free(f[0].func);
	}
	close_program(&p);
}

/* libdw itself would read past the end. */
TEST(a_units_directory_that_does_not_end_in_its_section)
{
	struct program p = program_with_open_string(".uleb128 0x1b; .uleb128 8; .byte 0, 0, 0",
						    ".ascii \"/overrun\"");

	CHECK(p.elf && !p.dwarf);
	close_program(&p);
	p = program_with_open_string(".uleb128 0x1b; .uleb128 8; .byte 0, 0, 0",
				     ".asciz \"/whole\"");
	CHECK(p.dwarf);
	close_program(&p);
}

/* ---- the file that several share ---- */

/* Two programs whose DWARF is in a file that they name "shared". */
static void make_twins(const char *name)
{
	for (int i = 0; i < 2; i++)
		MUST(run("gcc", "-O2", "-gdwarf-4", "-o", in_scratch(i ? "twin" : "nested"),
			 write_source("nested.c", nested_source), NULL));
	MUST(run("dwz", "-m", in_scratch("shared"), "-M", name, in_scratch("nested"),
		 in_scratch("twin"), NULL));
}

/* Whether the shared file is found from a program at `path`. */
static bool finds_shared(const char *path, struct debug_places *places)
{
	struct program p = open_program(in_scratch("nested"));
	struct dwarf_frame f[8];
	int n;

	CHECK(p.elf && !p.dwarf);
	p.dwarf = dwarf__open(p.elf, path, places);
	if (!p.dwarf) {
		CHECK_EQ(errno, ENODATA);
		close_program(&p);
		return false;
	}
	n = dwarf__lookup(p.dwarf, function(&p, "here").vaddr, f, 8);
	CHECK_EQ(n, 3);
	CHECK_STR(f[0].func, "inner");
	CHECK_STR(f[2].func, "outer");
	CHECK_EQ(f[2].line, 17);
	free_frames(f, n);
	close_program(&p);
	return true;
}

TEST(dwarf_in_a_shared_file)
{
	struct debug_places places = { .root = ROOT_OWN, .dir = in_scratch("debug") };
	char dir[PATH_MAX + 256];

	if (!have("dwz"))
		SKIP("dwz is not installed");
	snprintf(dir, sizeof(dir), "%s", in_scratch("debug"));
	places.dir = dir;
	places.roots = roots__new(4);
	MUST(places.roots);

	make_twins("../elsewhere/common");
	CHECK(!finds_shared(in_scratch("nested"), NULL));
	CHECK(!finds_shared(in_scratch("nested"), &places));
	install_by_build_id(in_scratch("shared"), dir);
	CHECK(finds_shared(NULL, &places));
	MUST(run("rm", "-r", dir, NULL));
	CHECK(!finds_shared(in_scratch("nested"), &places));

	/* Relative to the program's path; of another build, or missing. */
	make_twins("../elsewhere/common");
	MUST(mkdir(in_scratch("bin"), 0700) == 0 && mkdir(in_scratch("elsewhere"), 0700) == 0);
	MUST(rename(in_scratch("shared"), in_scratch("elsewhere/common")) == 0);
	CHECK(finds_shared(in_scratch("bin/nested"), &places));
	CHECK(!finds_shared(in_scratch("bin/deeper/nested"), &places));
	CHECK(!finds_shared(NULL, &places));
	places.root = -1;
	CHECK(!finds_shared(in_scratch("bin/nested"), &places));
	places.root = ROOT_OWN;
	make_twins("../elsewhere/common");
	MUST(run("gcc", "-g", "-o", in_scratch("elsewhere/common"), in_scratch("nested.c"), NULL));
	CHECK(!finds_shared(in_scratch("bin/nested"), &places));
	MUST(unlink(in_scratch("elsewhere/common")) == 0);
	MUST(mkfifo(in_scratch("elsewhere/common"), 0600) == 0);
	CHECK(!finds_shared(in_scratch("bin/nested"), &places));

	/* From anywhere. */
	make_twins(in_scratch("shared"));
	CHECK(finds_shared(in_scratch("bin/nested"), &places));
	CHECK(finds_shared(NULL, &places));
	roots__free(places.roots);
}

/* ---- hostile DWARF ---- */

struct range {
	uint64_t lo, hi;
};

static void use(const uint8_t *bytes, size_t len, const struct range *r)
{
	struct elf *e = elf__open_memory(bytes, len);
	struct dwarf *d = e ? dwarf__open(e, NULL, NULL) : NULL;
	struct dwarf_frame f[32];

	for (uint64_t a = r->lo; d && a < r->hi; a += 3) {
		int n = dwarf__lookup(d, a, f, 32);

		for (int i = 0; i < n; i++)
			if (f[i].file && strlen(f[i].file) > 1 << 20)
				CHECK(!"names are sane");
		free_frames(f, n);
	}
	dwarf__close(d);
	elf__close(e);
}

/* Damages a few bytes at a time in [from, to) of the file. */
static void mutate(const uint8_t *bytes, size_t len, size_t from, size_t to, const struct range *r,
		   int rounds)
{
	uint8_t *mutant = malloc(len);
	uint64_t seed = from;

	while (rounds--) {
		memcpy(mutant, bytes, len);
		for (unsigned int n = random_number(&seed) % 6 + 1; n; n--)
			mutant[from + random_number(&seed) % (to - from)] =
			    random_number(&seed) % 3 ? (uint8_t)random_number(&seed) : 0xff;
		use(mutant, len, r);
	}
	free(mutant);
}

TEST(damaged_dwarf_is_harmless)
{
	static const char *const sections[] = {
		".debug_info",	   ".debug_abbrev",	 ".debug_line",
		".debug_rnglists", ".debug_ranges",	 ".debug_str",
		".debug_addr",	   ".debug_str_offsets", ".debug_line_str",
	};
	static const char *const builds[][2] = {
		{ "gcc", "-gdwarf-5" },
		{ "gcc", "-gdwarf-4" },
		{ "clang", "-gdwarf-5" },
	};

	for (size_t b = 0; b < 3; b++) {
		struct program p;
		struct range r;
		uint8_t *bytes;
		size_t len;

		if (!have(builds[b][0]))
			continue;
		MUST(run(builds[b][0], "-O2", builds[b][1], "-o", in_scratch("nested"),
			 write_source("nested.c", nested_source), NULL));
		p = open_program(in_scratch("nested"));
		r.lo = function(&p, "outer").vaddr;
		r.hi = r.lo + function(&p, "outer").size;
		bytes = read_bytes(in_scratch("nested"), &len);
		for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
			size_t size = 0;
			const uint8_t *data = elf__section(p.elf, sections[i], &size);
			const uint8_t *at = data && size ? memmem(bytes, len, data, size) : NULL;

			if (at)
				mutate(bytes, len, (size_t)(at - bytes),
				       (size_t)(at - bytes) + size, &r, 300);
		}
		for (size_t end = 0; end < len; end += 64) {
			uint8_t *exact = malloc(end ? end : 1);

			memcpy(exact, bytes, end);
			use(exact, end, &r);
			free(exact);
		}
		free(bytes);
		close_program(&p);
	}
}
