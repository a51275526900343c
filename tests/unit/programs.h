/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Programs to look up addresses in, and how to open them. */
#ifndef PROGRAMS_H
#define PROGRAMS_H

#include "elf/elf.h"
#include "scratch.h"
#include "symbols/dwarf.h"

/* The label `here` marks one address inside four functions. */
static const char nested_source[] __attribute__((unused)) =
    "#include <stdlib.h>\n"						       /* 1 */
    "static inline __attribute__((always_inline)) int inner(int n)\n"	       /* 2 */
    "{\n"								       /* 3 */
    "	__asm__ volatile(\".globl here; .type here,@function; here: nop\");\n" /* 4 */
    "	return n * 3;\n"						       /* 5 */
    "}\n"								       /* 6 */
    "static inline __attribute__((always_inline)) int middle(int n)\n"	       /* 7 */
    "{\n"								       /* 8 */
    "	if (n > 3) {\n"							       /* 9 */
    "		int twice = n * 2;\n"					       /* 10 */
    "		return inner(twice) + 1;\n"				       /* 11 */
    "	}\n"								       /* 12 */
    "	return n;\n"							       /* 13 */
    "}\n"								       /* 14 */
    "__attribute__((noinline)) int outer(int n)\n"			       /* 15 */
    "{\n"								       /* 16 */
    "	return middle(n) + 2;\n"					       /* 17 */
    "}\n"								       /* 18 */
    "#line 700 \"elsewhere.h\"\n"
    "int other(int n) { return n + rand(); }\n" /* elsewhere.h:700 */
    "#line 30 \"nested.c\"\n"
    "int main(int argc, char **argv) { (void)argv; return outer(argc) + other(argc); }\n";

static const char cplusplus_source[] __attribute__((unused)) =
    "#include <algorithm>\n"
    "#include <functional>\n"
    "#include <map>\n"
    "#include <memory>\n"
    "#include <string>\n"
    "#include <vector>\n"
    "namespace outer { namespace {\n"
    "struct Widget {\n"
    "	std::vector<int> v; std::string name;\n"
    "	explicit Widget(int n) : name(std::to_string(n)) { for (int i = 0; i < n; i++) "
    "v.push_back(i); }\n"
    "	int total() const { int t = 0; for (int x : v) t += x; return t; }\n"
    "};\n"
    "template <typename T> inline T twice(T x)\n"
    "{ struct Local { static T go(T y) { return y + y; } }; return Local::go(x); }\n"
    "}\n"
    "class Registry {\n"
    "	std::map<std::string, std::unique_ptr<Widget>> m;\n"
    "public:\n"
    "	void add(int n) { auto w = std::make_unique<Widget>(n); auto key = w->name; m[key] "
    "= std::move(w); }\n"
    "	int sum() const { int t = 0; for (auto &p : m) t += twice(p.second->total()); "
    "return t; }\n"
    "}; }\n"
    "extern \"C\" int c_entry(int n) { return n + (int)(long)malloc(n); }\n"
    "int main(int argc, char **argv)\n"
    "{\n"
    "	outer::Registry r;\n"
    "	std::function<void(int)> f = [&](int i) { r.add(i); };\n"
    "	for (int i = 0; i < argc * 10; i++) f(i);\n"
    "	std::vector<std::string> s;\n"
    "	for (int i = 0; i < 20; i++) s.emplace_back(argv[0]);\n"
    "	std::sort(s.begin(), s.end(), [](const auto &a, const auto &b) { return a.size() < "
    "b.size(); });\n"
    "	return r.sum() + c_entry(argc);\n"
    "}\n";

struct program {
	int fd;
	struct elf *elf;
	struct dwarf *dwarf;
};

static inline struct program open_program(const char *path)
{
	struct program p = { .fd = open(path, O_RDONLY | O_CLOEXEC) };

	p.elf = elf__open(p.fd);
	p.dwarf = p.elf ? dwarf__open(p.elf, NULL, NULL) : NULL;
	return p;
}

static inline void close_program(struct program *p)
{
	dwarf__close(p->dwarf);
	elf__close(p->elf);
	close(p->fd);
}

static inline void free_frames(struct dwarf_frame *frames, int n)
{
	for (int i = 0; i < n; i++)
		free(frames[i].func);
}

struct wanted {
	const char *name;
	uint64_t vaddr, size;
};

static inline int find_function(void *ctx, const struct elf_function *f)
{
	struct wanted *w = ctx;

	if (strcmp(f->name, w->name))
		return 0;
	w->vaddr = f->vaddr;
	w->size = f->size;
	return 1;
}

static inline struct wanted function(struct program *p, const char *name)
{
	struct wanted w = { .name = name };

	MUST(p->elf && elf__functions(p->elf, find_function, &w) == 1);
	return w;
}

static inline const char *base_name(const char *path)
{
	const char *slash = path ? strrchr(path, '/') : NULL;

	return slash ? slash + 1 : path;
}

/* The C++ program made by a compiler, once. */
static inline const char *cplusplus_program(const char *compiler)
{
	const char *path;
	char name[32];

	snprintf(name, sizeof(name), "by-%s", compiler);
	path = in_scratch(name);
	if (access(path, F_OK) != 0)
		MUST(run(compiler, "-O2", "-g", "-o", path,
			 write_source("cplusplus.cc", cplusplus_source), NULL));
	return path;
}

/* Puts a file below the debug directory under its own build ID. */
static inline void install_by_build_id(const char *path, const char *dir)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct elf *e = elf__open(fd);
	uint8_t id[20];
	char to[PATH_MAX], *p;

	MUST(e && elf__build_id(e, id, sizeof(id)) == sizeof(id));
	p = to + snprintf(to, sizeof(to), "%s/.build-id/%02x/", dir, id[0]);
	MUST(run("mkdir", "-p", to, NULL));
	for (size_t i = 1; i < sizeof(id); i++)
		p += sprintf(p, "%02x", id[i]);
	strcpy(p, ".debug");
	MUST(rename(path, to) == 0);
	elf__close(e);
	close(fd);
}

#endif
