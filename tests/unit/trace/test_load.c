/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The BPF objects as every installed clang compiles them: the kernel's verifier accepts each in
 * every form that the tracer loads it in. A compiler may drop what only the verifier needs, so that
 * an object loads or not depending on who compiled it. The objects are in B/load/COMPILER/, made by
 * the Makefile.
 */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <unistd.h>

#include "abi/shared.h"
#include "util/array.h"
#include "test.h"
#include "trace/unwind_maps.h"

#define SESSION_TYPE                                                                               \
	((enum bpf_attach_type)57) /* BPF_TRACE_UPROBE_SESSION, newer than the headers */

/* How the probes on functions attach; and, apart from these because they are the same in each and
 * slow to verify, the rest. */
enum form { SESSION = 1, MULTI = 2, PERF = 4, PROCESSES = 8, SYSCALLS = 16 };

/* Which forms load a program; the same rows as the tracer's. */
static const struct {
	const char *name;
	int forms;
} programs[] = {
	{ "session_call", SESSION },
	{ "multi_enter", SESSION | MULTI },
	{ "multi_return", MULTI },
	{ "multi_exit", SESSION | MULTI },
	{ "multi_free", SESSION | MULTI },
	{ "multi_files", SESSION | MULTI },
	{ "perf_enter", PERF },
	{ "perf_return", PERF },
	{ "perf_exit", PERF },
	{ "perf_free", PERF },
	{ "perf_files", PERF },
	{ "multi_unwind", SESSION | MULTI },
	{ "perf_unwind", PERF },
	{ "on_fork", PROCESSES },
	{ "on_exec", PROCESSES },
	{ "on_exit", PROCESSES },
	{ "list_code", PROCESSES },
	{ "list_target", PROCESSES },
	{ "on_sys_enter", SYSCALLS },
	{ "on_sys_exit", SYSCALLS },
	{ "on_translated", SYSCALLS },
};

static const char *const modes[] = {
	[STACK_DWARF] = "dwarf",
	[STACK_FP] = "fp",
	[STACK_OFF] = "none",
};

static char *compilers[64];
static int ncompilers;

__attribute__((constructor)) static void read_compilers(void)
{
	const char *env = getenv("CLANGS");
	char *rest = env ? strdup(env) : NULL, *name;

	while (rest && (name = strsep(&rest, " ")))
		if (*name && ncompilers < (int)ARRAY_SIZE(compilers))
			compilers[ncompilers++] = name;
}

#define NEED_OBJECTS()                                                                             \
	do {                                                                                       \
		if (!getenv("CLANGS"))                                                             \
			SKIP("the objects are built and named (CLANGS) by make check");            \
		CHECK(ncompilers > 0);                                                             \
	} while (0)

static const char *object_path(const char *compiler, const char *object)
{
	static char path[PATH_MAX];
	const char *build = getenv("B");

	snprintf(path, sizeof(path), "%s/load/%s/%s.bpf.o", build ? build : "build", compiler,
		 object);
	return path;
}

/* ---- the log of the verifier, of the last load ---- */

static char last_words[4096];

static int keep_last_words(enum libbpf_print_level level, const char *fmt, va_list args)
{
	char *text = NULL;
	size_t n;

	if (level == LIBBPF_DEBUG || vasprintf(&text, fmt, args) < 0)
		return 0;
	n = strlen(text);
	/* The verifier gives its reason at the end of a log that may have megabytes. */
	if (n > 300) {
		snprintf(last_words, sizeof(last_words), "…%s",
			 n > sizeof(last_words) - 8 ? text + n - (sizeof(last_words) - 8) : text);
	}
	free(text);
	return 0;
}

static void print_last_words(void)
{
	char *rest = last_words, *line;

	while ((line = strsep(&rest, "\n")))
		if (*line)
			printf("# %s\n", line);
}

/* ---- loading ---- */

/* Sets a 32-bit or smaller constant of the object's, by its name in the BTF. */
static int set_constant(struct bpf_object *obj, const char *name, uint32_t value)
{
	struct btf *btf = bpf_object__btf(obj);
	int id = btf__find_by_name_kind(btf, ".rodata", BTF_KIND_DATASEC);
	const struct btf_type *sec = id < 0 ? NULL : btf__type_by_id(btf, (uint32_t)id);
	struct bpf_map *map;
	char *data = NULL;
	size_t size;

	bpf_object__for_each_map(map, obj) if (strstr(bpf_map__name(map), ".rodata")) data =
	    bpf_map__initial_value(map, &size);
	if (!sec || !data)
		return -ENOENT;
	for (int i = 0; i < btf_vlen(sec); i++) {
		const struct btf_var_secinfo *v = btf_var_secinfos(sec) + i;
		const struct btf_type *var = btf__type_by_id(btf, v->type);

		if (!strcmp(btf__name_by_offset(btf, var->name_off), name) &&
		    v->offset + v->size <= size) {
			memcpy(data + v->offset, &value, v->size < 4 ? v->size : 4);
			return 0;
		}
	}
	return -ENOENT;
}

static void choose_programs(struct bpf_object *obj, enum form form)
{
	struct bpf_program *p;

	bpf_object__for_each_program (p, obj) {
		int forms = 0;

		for (size_t i = 0; i < ARRAY_SIZE(programs); i++)
			if (!strcmp(programs[i].name, bpf_program__name(p)))
				forms = programs[i].forms;
		bpf_program__set_autoload(p, (forms & (int)form) != 0);
		if (form == SESSION && !strcmp(bpf_program__name(p), "session_call"))
			bpf_program__set_expected_attach_type(p, SESSION_TYPE);
	}
}

/* 0 or a negative errno. mode < 0: the object has no stack modes. */
static int load(const char *path, enum form form, int mode, bool holding)
{
	struct bpf_object *obj = bpf_object__open_file(path, NULL);
	int err = obj ? 0 : -errno;

	last_words[0] = 0;
	if (err)
		return err;
	choose_programs(obj, form);
	if (mode >= 0) {
		err = set_constant(obj, "stack_mode", (uint32_t)mode) ?: set_constant(obj, "holding", holding)
			?: set_constant(obj, "can_hold", holding)
			?: set_constant(obj, "per_file", holding)
			?: set_constant(obj, "watches_maps", holding)
			?: unwind_maps__prepare(obj, UNWIND_MEMORY_MIN);
	}
	if (!err)
		err = bpf_object__load(obj);
	bpf_object__close(obj);
	return err;
}

/*
 * The verifier follows no branch that a constant rules out. Between them, these forms leave it
 * every branch of each program.
 */
static bool most_code(enum form form, int mode, bool holding)
{
	return mode < 0 || (mode == STACK_DWARF && holding) ||
	       (mode == STACK_FP && form == SESSION);
}

/* Loads an object of every compiler in one form. */
static void load_all(const char *object, enum form form, int mode, bool holding)
{
	int n = getenv("LOAD_ALL") || most_code(form, mode, holding) ? ncompilers : 1;

	NEED_OBJECTS();
	for (int i = 0; i < n; i++) {
		int err = load(object_path(compilers[i], object), form, mode, holding);

		if (err == -EPERM && geteuid() != 0)
			SKIP("loading BPF programs needs root");
		if (err && strstr(last_words, "cannot use helper bpf_probe_write_user"))
			SKIP("this kernel does not let BPF write to a process's memory (lockdown)");
		if (err) {
			print_last_words();
			printf("# %s.bpf.o by %s, stacks %s: %s\n", object, compilers[i],
			       mode < 0 ? "-" : modes[mode], strerror(-err));
		}
		CHECK_EQ(err, 0);
	}
}

#define LOADS(name, form)                                                                          \
	TEST(name##_dwarf)                                                                         \
	{                                                                                          \
		load_all("memtrace", form, STACK_DWARF, false);                                    \
	}                                                                                          \
	TEST(name##_dwarf_holding)                                                                 \
	{                                                                                          \
		load_all("memtrace", form, STACK_DWARF, true);                                     \
	}                                                                                          \
	TEST(name##_fp)                                                                            \
	{                                                                                          \
		load_all("memtrace", form, STACK_FP, true);                                        \
	}                                                                                          \
	TEST(name##_none)                                                                          \
	{                                                                                          \
		load_all("memtrace", form, STACK_OFF, true);                                       \
	}                                                                                          \
	TEST(name##_exceptions)                                                                    \
	{                                                                                          \
		load_all("exceptions", form, -1, false);                                           \
	}

LOADS(session, SESSION)
LOADS(multi, MULTI)
LOADS(perf, PERF)

TEST(processes)
{
	load_all("memtrace", PROCESSES, STACK_DWARF, false);
}
TEST(processes_holding)
{
	load_all("memtrace", PROCESSES, STACK_DWARF, true);
}
TEST(syscalls_dwarf)
{
	load_all("memtrace", SYSCALLS, STACK_DWARF, true);
}
TEST(syscalls_fp)
{
	load_all("memtrace", SYSCALLS, STACK_FP, true);
}
TEST(syscalls_none)
{
	load_all("memtrace", SYSCALLS, STACK_OFF, false);
}

/* ---- what needs no privilege ---- */

/*
 * The compiler may infer what a function returns that is neither static nor weak; the verifier does
 * not (bpf/global.bpf.h).
 */
static void check_globals_are_weak(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), functions = 0;
	Elf *elf = fd < 0 ? NULL : elf_begin(fd, ELF_C_READ, NULL);
	Elf_Scn *scn = NULL;
	size_t names = 0, n = 0;

	CHECK(elf && elf_getshdrstrndx(elf, &names) == 0);
	while (elf && (scn = elf_nextscn(elf, scn))) {
		GElf_Shdr sh, in;
		GElf_Sym sym;
		Elf_Data *data = elf_getdata(scn, NULL);

		if (!gelf_getshdr(scn, &sh) || sh.sh_type != SHT_SYMTAB || !data)
			continue;
		n = sh.sh_size / sh.sh_entsize;
		for (size_t i = 0; i < n && gelf_getsym(data, (int)i, &sym); i++) {
			const char *name = elf_strptr(elf, sh.sh_link, sym.st_name), *section;

			if (GELF_ST_TYPE(sym.st_info) != STT_FUNC)
				continue;
			functions++;
			gelf_getshdr(elf_getscn(elf, sym.st_shndx), &in);
			section = elf_strptr(elf, names, in.sh_name);
			/* Programs have sections of their own. */
			if (strcmp(section, ".text") || GELF_ST_BIND(sym.st_info) != STB_GLOBAL)
				continue;
			printf("# %s: %s is global and not weak; declare it GLOBAL_FUNC\n", path,
			       name);
			CHECK(false);
		}
	}
	CHECK(functions > 0);
	elf_end(elf);
	close(fd);
}

TEST(global_functions_are_weak)
{
	NEED_OBJECTS();
	elf_version(EV_CURRENT);
	for (int i = 0; i < ncompilers; i++) {
		check_globals_are_weak(object_path(compilers[i], "memtrace"));
		check_globals_are_weak(object_path(compilers[i], "exceptions"));
	}
}

/* A program without a row would never be loaded here. */
TEST(every_program_has_its_form)
{
	static const char *const objects[] = { "memtrace", "exceptions" };
	size_t met = 0;

	NEED_OBJECTS();
	for (size_t o = 0; o < ARRAY_SIZE(objects) && ncompilers; o++) {
		struct bpf_object *obj =
		    bpf_object__open_file(object_path(compilers[0], objects[o]), NULL);
		struct bpf_program *p;

		CHECK(obj);
		bpf_object__for_each_program (p, obj) {
			const char *name = bpf_program__name(p);
			bool row = false;

			for (size_t i = 0; i < ARRAY_SIZE(programs); i++)
				row |= !strcmp(programs[i].name, name);
			met += row;
			CHECK(row);
		}
		bpf_object__close(obj);
	}
	CHECK_EQ(met, ARRAY_SIZE(programs));
}

__attribute__((constructor)) static void listen(void)
{
	libbpf_set_print(keep_last_words);
}
