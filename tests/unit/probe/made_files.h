/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ELF files made by the test, whose symbols are all known, and the probe sites found in them. */
#ifndef MADE_FILES_H
#define MADE_FILES_H

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
static inline void fill_file(struct file *f, uint16_t machine, const struct sym *syms, size_t n)
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

static inline struct probe_file *discover_path(const char *path)
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

static inline struct probe_file *discover_bytes(const void *data, size_t len, const void *text,
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

static inline struct probe_file *discover_made(uint16_t machine, const struct sym *syms, size_t n,
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
static inline const struct probe_site *site_named(const struct probe_file *f, const char *name)
{
	for (size_t i = 0; i < f->n; i++) {
		if (!strcmp(f->sites[i].name, name))
			return &f->sites[i];
	}
	return &no_site;
}

/* test rdi, rdi; je +0: the point is at +3 */
#define PROLOGUE "\x48\x85\xff\x74\x00\xc3"

#endif
