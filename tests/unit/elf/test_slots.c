/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A library whose functions jump to its own and to another file's. */
#include "elf/elf.h"

#include <fcntl.h>

#include "programs.h"
#include "scratch.h"
#include "test.h"

static const char source[] = "int own(int a) { __asm__ volatile(\"\"); return a + 1; }\n"
			     "extern int other(int);\n"
			     "int call_own(int a) { return own(a); }\n"
			     "int call_other(int a) { return other(a); }\n"
			     "int (*pointer)(int) = own;\n";

/* Data of so small a file lies below. */
#define END 0x10000

/* How many slots lead to a function, and where it is. */
static size_t count_slots(const struct elf *e, const char *name, uint64_t *vaddr)
{
	struct elf_slot s;
	size_t n = 0;

	for (uint64_t at = 0; at < END; at += 8) {
		if (!elf__slot(e, at, &s) || strcmp(s.name, name))
			continue;
		CHECK(!s.ifunc);
		*vaddr = s.vaddr;
		n++;
	}
	return n;
}

static void check_slots(const char *name, const char *option)
{
	const char *path = in_scratch(name);
	struct wanted own = { .name = "own" };
	uint64_t vaddr = 1;
	struct elf *e;
	int fd;

	MUST(run("gcc", "-O2", "-s", "-shared", "-fPIC", "-fno-inline", option, "-o", path,
		 write_source("slots.c", source), NULL));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	e = elf__open(fd);
	MUST(e);
	CHECK_EQ(elf__functions(e, find_function, &own), 1);
	CHECK_EQ(count_slots(e, "other", &vaddr), 1);
	CHECK_EQ(vaddr, 0);
	/* Not the pointer, which the program may change. */
	CHECK_EQ(count_slots(e, "own", &vaddr), 1);
	CHECK_EQ(vaddr, own.vaddr);
	elf__close(e);
	close(fd);
}

TEST(slots_of_the_plt)
{
	check_slots("lazy.so", "-Wl,-z,lazy");
}

TEST(slots_without_a_plt)
{
	check_slots("direct.so", "-fno-plt");
}
