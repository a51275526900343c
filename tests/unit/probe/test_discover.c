/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files made by the test, whose symbols are all known, and this machine's own libraries where they
 * are installed. */
#include "probe/discover.h"
#include "probe/explain.h"

#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "abi/event.h"
#include "probe/alloc_functions.h"
#include "probe/spec.h"
#include "symbols/module.h"
#include "util/array.h"

#include "test.h"

#define TEXT_AT 0x1000 /* file offset of the code; its address is BASE + TEXT_AT */
#define BASE 0x400000
#define TEXT_SIZE 0x1000

struct sym {
	const char *name;
	uint64_t at; /* in the code */
	uint64_t size;
	int type, bind;
};

/* clang-format off */
#define FUNC(name, at, size) { name, at, size, STT_FUNC, STB_GLOBAL }
/* clang-format on */

struct file {
	Elf64_Ehdr eh;
	Elf64_Phdr ph;
	Elf64_Shdr sh[4]; /* none, .symtab, .strtab, .shstrtab */
	Elf64_Sym syms[64];
	char strings[2048];
	char section_names[32];
};

/* One load segment for all of it, and a symbol table. */
static void fill_file(struct file *f, uint16_t machine, const struct sym *syms, size_t n)
{
	size_t used = 1;

	memcpy(f->eh.e_ident, ELFMAG "\x02\x01\x01", 7);
	f->eh.e_type = ET_DYN;
	f->eh.e_machine = machine;
	f->eh.e_version = EV_CURRENT;
	f->eh.e_phoff = offsetof(struct file, ph);
	f->eh.e_shoff = offsetof(struct file, sh);
	f->eh.e_ehsize = sizeof(f->eh);
	f->eh.e_phentsize = sizeof(f->ph);
	f->eh.e_phnum = 1;
	f->eh.e_shentsize = sizeof(f->sh[0]);
	f->eh.e_shnum = ARRAY_SIZE(f->sh);
	f->eh.e_shstrndx = 3;
	f->ph = (Elf64_Phdr){ .p_type = PT_LOAD,
			      .p_flags = PF_R | PF_X,
			      .p_vaddr = BASE,
			      .p_filesz = TEXT_AT + TEXT_SIZE,
			      .p_memsz = TEXT_AT + TEXT_SIZE };
	for (size_t i = 0; i < n; i++) {
		f->syms[i + 1] = (Elf64_Sym){ .st_name = (Elf64_Word)used,
					      .st_shndx = 1,
					      .st_info = (unsigned char)ELF64_ST_INFO(syms[i].bind,
										      syms[i].type),
					      .st_value = BASE + TEXT_AT + syms[i].at,
					      .st_size = syms[i].size };
		used += (size_t)snprintf(f->strings + used, sizeof(f->strings) - used, "%s",
					 syms[i].name) +
			1;
	}
	memcpy(f->section_names, "\0.symtab\0.strtab\0.shstrtab", 27);
	f->sh[1] = (Elf64_Shdr){ .sh_name = 1,
				 .sh_type = SHT_SYMTAB,
				 .sh_link = 2,
				 .sh_offset = offsetof(struct file, syms),
				 .sh_info = 1,
				 .sh_size = (n + 1) * sizeof(Elf64_Sym),
				 .sh_entsize = sizeof(Elf64_Sym) };
	f->sh[2] = (Elf64_Shdr){ .sh_name = 9,
				 .sh_type = SHT_STRTAB,
				 .sh_size = used,
				 .sh_offset = offsetof(struct file, strings) };
	f->sh[3] = (Elf64_Shdr){ .sh_name = 17,
				 .sh_type = SHT_STRTAB,
				 .sh_size = 27,
				 .sh_offset = offsetof(struct file, section_names) };
}

static struct probe_specs *specs; /* functions named by the user; NULL: none */

static struct probe_file *discover_path(const char *path)
{
	struct modules *mods = modules__new();
	int64_t id = modules__add_path(mods, path);
	struct probe_file *f = NULL;

	CHECK(id >= 0);
	if (id >= 0)
		f = discover__file(modules__get(mods, (uint32_t)id), specs);
	if (!f) {
		printf("# cannot look at %s\n", path);
		exit(1);
	}
	modules__free(mods); /* nothing in the result points into the module */
	return f;
}

static struct probe_file *discover_bytes(const void *data, size_t len, const void *text,
					 size_t text_len)
{
	char path[] = "/tmp/memtrace-test-XXXXXX";
	int fd = mkostemp(path, O_CLOEXEC);
	struct probe_file *f;

	CHECK(fd >= 0);
	CHECK_EQ(pwrite(fd, data, len, 0), len);
	CHECK_EQ(pwrite(fd, text, text_len, TEXT_AT), text_len);
	f = discover_path(path);
	close(fd);
	unlink(path);
	return f;
}

static struct probe_file *discover_made(uint16_t machine, const struct sym *syms, size_t n,
					const void *code, size_t len)
{
	static struct file file;
	static uint8_t text[TEXT_SIZE];

	memset(&file, 0, sizeof(file));
	fill_file(&file, machine, syms, n);
	memset(text, 0x90, sizeof(text));
	memcpy(text, code, len);
	return discover_bytes(&file, sizeof(file), text, sizeof(text));
}

#define MADE(syms, code) discover_made(EM_X86_64, syms, ARRAY_SIZE(syms), code, sizeof(code) - 1)

static const struct probe_site no_site;

/* no_site if there is none. */
static const struct probe_site *site_named(const struct probe_file *f, const char *name)
{
	for (size_t i = 0; i < f->n; i++) {
		if (!strcmp(f->sites[i].name, name))
			return &f->sites[i];
	}
	return &no_site;
}

/* test rdi, rdi; je +0: the point is at +3 */
#define PROLOGUE "\x48\x85\xff\x74\x00\xc3"

TEST(one_site_for_each_address_named_by_the_first_row)
{
	static const struct sym syms[] = {
		FUNC("__libc_malloc", 0, 6),	 FUNC("malloc", 0, 6),
		FUNC("tc_malloc", 0, 6),	 FUNC("memalign", 0x40, 16),
		FUNC("aligned_alloc", 0x40, 16), FUNC("cfree", 0x20, 6),
		FUNC("free", 0x20, 6),		 FUNC("main", 0x60, 6),
	};
	struct probe_file *f = MADE(syms, PROLOGUE);

	CHECK_EQ(f->error, 0);
	CHECK_EQ(f->n, 3);
	CHECK_EQ(f->nskipped, 0);
	CHECK_EQ(f->linker_notify, 0);
	CHECK_STR(f->sites[0].name, "malloc");
	CHECK_EQ(f->sites[0].entry, TEXT_AT);
	CHECK_EQ(f->sites[0].api, alloc_functions__find("malloc"));
	CHECK_EQ(f->sites[0].point.offset, 3);
	CHECK_STR(f->sites[0].point.insn, "jz 0x401005");
	CHECK_STR(f->sites[1].name, "free");
	CHECK_EQ(f->sites[1].entry, TEXT_AT + 0x20);
	CHECK_STR(f->sites[2].name, "aligned_alloc");
	discover__free(f);
}

TEST(local_functions_count_but_data_does_not)
{
	static const struct sym syms[] = {
		{ "_rjem_malloc", 0, 6, STT_FUNC, STB_LOCAL },
		{ "malloc", 0x20, 8, STT_OBJECT, STB_GLOBAL },
	};
	struct probe_file *f = MADE(syms, PROLOGUE);

	CHECK_EQ(f->n, 1);
	CHECK_STR(f->sites[0].name, "_rjem_malloc");
	discover__free(f);
}

TEST(the_row_decides_which_argument_matters)
{
	/* xor edi, edi; nop: overwrites malloc's size and free's block, but not memalign's size */
	static const struct sym syms[] = {
		FUNC("malloc", 0, 3),
		FUNC("free", 3, 3),
		FUNC("memalign", 6, 3),
		FUNC("posix_memalign", 9, 3),
	};
	struct probe_file *f = MADE(syms, "\x31\xff\x90\x31\xff\x90\x31\xff\x90\x31\xff\x90");

	CHECK_EQ(f->n, 4);
	CHECK(!site_named(f, "malloc")->point.emulated);
	CHECK(!site_named(f, "free")->point.emulated);
	CHECK_EQ(site_named(f, "memalign")->point.offset, 2);
	CHECK(!site_named(f, "posix_memalign")->point.emulated);
	discover__free(f);
}

TEST(operators_of_a_file_without_an_allocator)
{
	static const struct sym syms[] = {
		FUNC("_Znwm", 0, 6),
		FUNC("_ZdlPv", 0x10, 6),
		FUNC("free", 0x20, 6),
	};
	struct probe_file *f = MADE(syms, PROLOGUE);

	CHECK_EQ(f->n, 1);
	CHECK_STR(f->sites[0].name, "free");
	CHECK_EQ(f->nskipped, 2);
	CHECK_STR(f->skipped[0].name, "_Znwm");
	CHECK_EQ(f->skipped[0].entry, TEXT_AT);
	CHECK_STR(f->skipped[0].why, "calls an allocator in another file");
	CHECK_STR(f->skipped[1].name, "_ZdlPv");
	discover__free(f);
}

TEST(operators_of_an_allocator)
{
	static const struct sym syms[] = {
		FUNC("_Znwm", 0, 6),
		FUNC("_Znam", 0, 6),
		FUNC("_ZdlPv", 0x10, 6),
		FUNC("je_malloc", 0x20, 6),
	};
	struct probe_file *f = MADE(syms, PROLOGUE);

	CHECK_EQ(f->n, 3);
	CHECK_EQ(f->nskipped, 0);
	CHECK_STR(f->sites[0].name, "_Znwm");
	CHECK_STR(alloc_functions__get(f->sites[0].api)->name, "operator new");
	/* It may throw, and no call frame information says where it ends. */
	CHECK(f->throws);
	CHECK(!f->sites[0].exits);
	CHECK_STR(f->sites[0].why_return, "no call frame information describes it");
	discover__free(f);
}

/* operator new[] jumps to operator new, which jumps to malloc; operator delete has code of its
 * own. */
TEST(operators_that_only_call_a_probed_function)
{
	static const struct sym syms[] = {
		FUNC("_Znam", 0, 5),   FUNC("_Znwm", 8, 5),	FUNC("malloc", 0x10, 6),
		FUNC("free", 0x20, 6), FUNC("_ZdlPv", 0x18, 8),
	};
	static const char code[] = "\xe9\x03\0\0\0\x90\x90\x90"
				   "\xe9\x03\0\0\0\x90\x90\x90" PROLOGUE "\x90\x90"
				   "\x48\x8b\x07\xe9\0\0\0\0" PROLOGUE;
	struct probe_file *f = MADE(syms, code);

	CHECK_EQ(f->n, 3);
	CHECK(site_named(f, "_ZdlPv") != &no_site);
	CHECK_EQ(f->nskipped, 2);
	CHECK_STR(f->skipped[0].name, "_Znam");
	CHECK_STR(f->skipped[1].name, "_Znwm");
	CHECK_STR(f->skipped[1].why, "only calls a function that is probed");
	CHECK(!f->throws);
	discover__free(f);
}

TEST(unwinders_are_found)
{
	static const struct sym syms[] = {
		FUNC("_Unwind_RaiseException", 0x20, 8), /* twice, as in two symbol tables */
		FUNC("_Unwind_RaiseException", 0x20, 8),
		FUNC("_Unwind_ForcedUnwind", 0x30, 8),
		FUNC("_Unwind_Resume", 0x40, 8),
		FUNC("_Znwm", 0, 6),
		FUNC("je_malloc", 8, 6),
	};
	struct probe_file *f = MADE(syms, PROLOGUE);

	CHECK(f->throws);
	CHECK_EQ(f->nunwinders, 2);
	CHECK_EQ(f->unwinders[0], TEXT_AT + 0x20);
	CHECK_EQ(f->unwinders[1], TEXT_AT + 0x30);
	discover__free(f);
}

TEST(an_ifunc_is_not_probed)
{
	static const struct sym syms[] = {
		{ "malloc", 0, 6, STT_GNU_IFUNC, STB_GLOBAL },
		FUNC("_Znwm", 0x10, 6),
	};
	struct probe_file *f = MADE(syms, PROLOGUE);

	CHECK_EQ(f->n, 0);
	CHECK_EQ(f->nskipped, 2);
	CHECK_STR(f->skipped[0].name, "malloc");
	CHECK_STR(f->skipped[0].why, "an IFUNC: its address is the resolver's");
	discover__free(f);
}

/* Its loop into the prologue is found although the symbol has no size; that of the next function is
 * not. */
TEST(a_function_of_unknown_size_ends_at_the_next)
{
	static const struct sym syms[] = {
		FUNC("malloc", 0, 0),
		FUNC("helper", 8, 0),
		FUNC("free", 0x10, 0),
		FUNC("other", 0x16, 6),
	};
	static const char code[] = PROLOGUE "\xeb\xf9" /* malloc jumps to its +1 */
					    "\x90\x90\x90\x90\x90\x90\x90\x90" PROLOGUE
					    "\xeb\xf9"; /* other jumps to free's +1 */
	struct probe_file *f = MADE(syms, code);

	CHECK_EQ(f->n, 2);
	CHECK(!site_named(f, "malloc")->point.emulated);
	CHECK_STR(site_named(f, "malloc")->point.why, "+6 branches back before +3");
	CHECK_EQ(site_named(f, "free")->point.offset, 3);
	discover__free(f);
}

TEST(hostile_symbols)
{
	static const struct sym syms[] = {
		FUNC("malloc", 0, UINT64_MAX),
		FUNC("free", TEXT_SIZE - 1, 0x100000),
		FUNC("calloc", 0x7fffffff, 5),
		FUNC("realloc", UINT64_MAX - BASE - TEXT_AT, 5),
		FUNC("_dl_debug_state", 0x80000000, 1),
	};
	struct probe_file *f = MADE(syms, PROLOGUE);

	CHECK_EQ(f->error, 0);
	CHECK(site_named(f, "malloc") != &no_site);
	CHECK(site_named(f, "free") != &no_site);
	CHECK(site_named(f, "calloc") == &no_site);
	CHECK(site_named(f, "realloc") == &no_site);
	CHECK_EQ(f->linker_notify, 0);
	discover__free(f);
}

TEST(the_loaders_notification)
{
	static const struct sym syms[] = { FUNC("_dl_debug_state", 0x30, 1) };
	struct probe_file *f = MADE(syms, PROLOGUE);

	CHECK_EQ(f->n, 0);
	CHECK_EQ(f->linker_notify, TEXT_AT + 0x30);
	discover__free(f);
}

TEST(other_machines)
{
	static const struct sym syms[] = { FUNC("malloc", 0, 6) };
	static const char text[] = "text\n";
	struct probe_file *f = discover_made(EM_386, syms, 1, PROLOGUE, 6);

	CHECK_EQ(f->error, -EOPNOTSUPP);
	CHECK_EQ(f->n, 0);
	discover__free(f);
	f = discover_made(EM_AARCH64, syms, 1, PROLOGUE, 6);
	CHECK_EQ(f->error, 0);
	CHECK_EQ(f->n, 1);
	CHECK_EQ(f->sites[0].point.offset, 0);
	CHECK(!f->sites[0].point.emulated);
	discover__free(f);
	f = discover_bytes(text, sizeof(text), "", 0);
	CHECK_EQ(f->error, -ENOEXEC);
	CHECK_EQ(f->n, 0);
	discover__free(f);
}

/* ---- what the user names ---- */

static struct probe_specs named;

static struct probe_file *discover_named(const char *what, const struct sym *syms, size_t n,
					 const char *code, size_t len)
{
	char why[256] = "";
	struct probe_file *f;

	CHECK_EQ(probe_specs__add(&named, what, why, sizeof(why)), 0);
	specs = &named;
	f = discover_made(EM_X86_64, syms, n, code, len);
	specs = NULL;
	probe_specs__release(&named);
	return f;
}

#define NAMED(what, syms, code) discover_named(what, syms, ARRAY_SIZE(syms), code, sizeof(code) - 1)

TEST(functions_that_the_user_names)
{
	static const struct sym syms[] = {
		FUNC("pool_alloc", 0, 6),
		{ "pool_free", 0x10, 6, STT_FUNC, STB_LOCAL },
		FUNC("malloc", 0x20, 6),
		FUNC("_ZN4Pool3getEm", 0x30, 6),
	};
	struct probe_file *f =
	    NAMED("pool_alloc(size=2) pool_free(ptr=2) Pool::get(size=2,count=3)", syms, PROLOGUE);
	const struct probe_site *site = site_named(f, "pool_free");

	CHECK_EQ(f->n, 4);
	CHECK_EQ(f->nskipped, 0);
	CHECK_EQ(f->sites[0].api, alloc_functions__count());
	CHECK_EQ(f->sites[0].shape, SHAPE_ALLOC);
	CHECK_EQ(f->sites[0].point.offset, 3);
	CHECK_EQ(f->sites[0].cookie,
		 COOKIE(alloc_functions__count(), SHAPE_ALLOC, 1, ARG_NONE, ARG_NONE) |
		     COOKIE_CUSTOM);
	CHECK_EQ(site->shape, SHAPE_FREE_CALL);
	CHECK_EQ(site->cookie,
		 COOKIE(alloc_functions__count() + 1, SHAPE_FREE_CALL, ARG_NONE, ARG_NONE, 1) |
		     COOKIE_CUSTOM);
	CHECK_EQ(site_named(f, "_ZN4Pool3getEm")->cookie,
		 COOKIE(alloc_functions__count() + 2, SHAPE_ALLOC, 1, 2, ARG_NONE) | COOKIE_CUSTOM);
	CHECK_EQ(site_named(f, "malloc")->cookie,
		 COOKIE(alloc_functions__find("malloc"), SHAPE_ALLOC, 0, ARG_NONE, ARG_NONE));
	CHECK(!f->throws && !f->nameless);
	discover__free(f);
}

TEST(sizes_and_numbers_in_the_cookie)
{
	static const struct sym syms[] = { FUNC("node", 0, 6), FUNC("open_it", 0x10, 6) };
	struct probe_file *f = NAMED("node(bytes=48) open_it(size=1,int)", syms, PROLOGUE);

	CHECK_EQ(COOKIE_BYTES(f->sites[0].cookie), 48);
	CHECK(!(f->sites[0].cookie & COOKIE_INT));
	CHECK_EQ(COOKIE_BYTES(f->sites[1].cookie), 0);
	CHECK(f->sites[1].cookie & COOKIE_INT);
	discover__free(f);
}

TEST(the_user_takes_precedence_over_the_table)
{
	static const struct sym syms[] = { FUNC("malloc", 0, 6), FUNC("get", 0, 6),
					   FUNC("_Znwm", 0x10, 6) };
	struct probe_file *f = NAMED("get(size=2) malloc(size=3) _Znwm(size=1)", syms, PROLOGUE);

	CHECK_EQ(f->n, 2);
	CHECK_STR(f->sites[0].name, "get");
	CHECK_EQ(COOKIE_SIZE(f->sites[0].cookie), 1);
	CHECK_STR(f->sites[1].name, "_Znwm");
	CHECK_EQ(f->sites[1].api, alloc_functions__count() + 2);
	CHECK(!f->sites[1].throws);
	CHECK_EQ(f->nskipped, 1);
	CHECK_STR(f->skipped[0].name, "malloc");
	CHECK_EQ(f->skipped[0].api, alloc_functions__count() + 1);
	CHECK_STR(f->skipped[0].why, "the same function as another one of --probe");
	discover__free(f);
}

TEST(a_pool_does_not_make_operators_an_allocator)
{
	static const struct sym syms[] = { FUNC("pool_alloc", 0, 6), FUNC("_Znwm", 0x10, 6) };
	struct probe_file *f = NAMED("pool_alloc(size=1)", syms, PROLOGUE);

	CHECK_EQ(f->n, 1);
	CHECK_EQ(f->nskipped, 1);
	CHECK_STR(f->skipped[0].why, "calls an allocator in another file");
	discover__free(f);
}

TEST(copies_by_the_compiler_are_reported)
{
	static const struct sym syms[] = { FUNC("get", 0, 6), FUNC("get.constprop.0", 0x10, 6) };
	struct probe_file *f = NAMED("get(size=2)", syms, PROLOGUE);

	CHECK_EQ(f->n, 1);
	CHECK_EQ(f->nskipped, 1);
	CHECK_EQ(f->skipped[0].api, alloc_functions__count());
	CHECK_STR(f->skipped[0].name, "get.constprop.0");
	discover__free(f);
	f = NAMED("get(size=2) get.constprop.0(size=1)", syms, PROLOGUE);
	CHECK_EQ(f->n, 2);
	CHECK_STR(f->sites[1].name, "get.constprop.0");
	CHECK_EQ(f->sites[1].api, alloc_functions__count() + 1);
	discover__free(f);
}

TEST(functions_of_other_files)
{
	static const struct sym syms[] = { FUNC("get", 0, 6) };
	struct probe_file *f =
	    NAMED("libother.so*:get(size=2) /no/such/file:get(size=2)", syms, PROLOGUE);

	CHECK_EQ(f->n, 0);
	CHECK_EQ(f->nskipped, 0);
	discover__free(f);
	f = NAMED("memtrace-test-*:get(size=2)", syms, PROLOGUE);
	CHECK_EQ(f->n, 1);
	discover__free(f);
}

TEST(functions_by_offset)
{
	static const struct sym syms[] = { FUNC("main", 0, 6) };
	struct probe_file *f = NAMED(
	    "memtrace-test-*:0x1003(size=1) memtrace-test-*:0x7fffffff(ptr=1)", syms, PROLOGUE);

	CHECK_EQ(f->n, 1);
	CHECK_STR(f->sites[0].name, "memtrace-test-*+0x1003");
	CHECK_EQ(f->sites[0].entry, TEXT_AT + 3);
	CHECK_STR(f->sites[0].point.insn, "jz 0x401005");
	CHECK_EQ(f->nskipped, 1);
	CHECK_STR(f->skipped[0].why, "the file has no code there");
	discover__free(f);
}

TEST(files_without_names)
{
	struct probe_file *f = discover_made(EM_X86_64, NULL, 0, PROLOGUE, 6);

	CHECK(f->nameless);
	CHECK_EQ(f->n, 0);
	discover__free(f);
}

TEST(explanation)
{
	static const struct sym syms[] = {
		FUNC("malloc", 0, 6),
		FUNC("free", 0x10, 1),
		{ "calloc", 0x20, 6, STT_GNU_IFUNC, STB_GLOBAL },
		FUNC("_dl_debug_state", 0x30, 1),
	};
	static const struct sym nothing[] = { FUNC("main", 0, 6) };
	struct probe_file *f = MADE(syms, PROLOGUE);
	struct probe_file *g = MADE(nothing, PROLOGUE);
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	explain__file(f, "/lib/a\x1b[2J.so", out);
	explain__file(g, "/bin/b", out);
	g->error = -EOPNOTSUPP;
	explain__file(g, "/bin/c", out);
	g->error = -ENOEXEC;
	explain__file(g, "/bin/d", out);
	fclose(out);
	CHECK_STR(
	    text,
	    "/lib/a\\x1b[2J.so:\n"
	    "  malloc           0x1000+3      jz 0x401005                  first emulated "
	    "instruction\n"
	    "  free             0x1010        nop                          the entry is emulated\n"
	    "  calloc           0x1020        not probed                   an IFUNC: its address "
	    "is the resolver's\n"
	    "  _dl_debug_state  0x1030        -                            called when libraries "
	    "are loaded or unloaded\n"
	    "/bin/b: defines no allocation function\n"
	    "/bin/c: not 64-bit code for this machine\n"
	    "/bin/d: Exec format error\n");
	free(text);
	discover__free(f);
	discover__free(g);
}

TEST(explanation_of_a_user_function)
{
	static const struct sym syms[] = { FUNC("get", 0, 6) };
	struct probe_file *f = NAMED("get(size=2)", syms, PROLOGUE);
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	explain__file(f, "/x", out);
	fclose(out);
	CHECK_STR(
	    text,
	    "/x:\n  get  0x1000+3      jz 0x401005                  first emulated instruction; "
	    "by --probe\n");
	free(text);
	discover__free(f);
}

TEST(free_of_nothing)
{
	discover__free(NULL);
}

/* ---- this machine's own ---- */

TEST(this_c_library)
{
	static const char *const names[] = { "malloc",	      "calloc", "realloc", "posix_memalign",
					     "aligned_alloc", "valloc", "free" };
	void *glibc = dlsym(RTLD_DEFAULT, "gnu_get_libc_version");
	struct probe_file *f;
	Dl_info info;

	/* A sanitizer has functions of that name, too, but not glibc's own. */
	if (!dladdr(glibc ? glibc : dlsym(RTLD_DEFAULT, "malloc_usable_size"), &info))
		SKIP("the C library's file is not known");
	f = discover_path(info.dli_fname);
	CHECK_EQ(f->error, 0);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		CHECK(site_named(f, names[i])->point.emulated);
	}
	for (size_t i = 1; i < f->n; i++)
		CHECK(f->sites[i - 1].entry < f->sites[i].entry);
	if (glibc)
		CHECK_EQ(f->nlibc_frees, 2); /* the blocks in a thread's cache, and the cache */
	discover__free(f);
}

static struct probe_file *discover_installed(const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "/usr/lib/x86_64-linux-gnu/%s", name);
	return access(path, R_OK) ? NULL : discover_path(path);
}

TEST(installed_allocators)
{
	static const char *const libraries[] = { "libjemalloc.so.2", "libtcmalloc_minimal.so.4",
						 "libmimalloc.so.2" };
	static const char *const names[] = { "malloc", "calloc", "realloc",
					     "free",   "_Znwm",	 "_ZdlPvm" };
	int seen = 0;

	for (size_t i = 0; i < ARRAY_SIZE(libraries); i++) {
		struct probe_file *f = discover_installed(libraries[i]);

		if (!f)
			continue;
		seen++;
		CHECK_EQ(f->nskipped, 0);
		CHECK(!f->throws);
		CHECK(f->nexits >= 4);
		CHECK(site_named(f, "_Znwm")->exits);
		for (size_t j = 0; j < ARRAY_SIZE(names); j++) {
			const struct probe_site *site = site_named(f, names[j]);

			if (!site->point.emulated)
				printf("# %s of %s: %s\n", names[j], libraries[i], site->point.why);
			CHECK(site->point.emulated);
		}
		discover__free(f);
	}
	if (!seen)
		SKIP("no allocator is installed");
}

TEST(installed_libstdcxx)
{
	struct probe_file *f = discover_installed("libstdc++.so.6");

	if (!f)
		SKIP("libstdc++.so.6 is not installed");
	CHECK_EQ(f->n, 0);
	CHECK(f->nskipped >= 12);
	discover__free(f);
}

TEST(installed_loader)
{
	struct probe_file *f;

	if (access("/lib64/ld-linux-x86-64.so.2", R_OK))
		SKIP("no /lib64/ld-linux-x86-64.so.2");
	f = discover_path("/lib64/ld-linux-x86-64.so.2");
	CHECK(f->linker_notify != 0);
	discover__free(f);
}
