/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by the files that read ELF structure. */
#ifndef MEMTRACE_ELF_INTERNAL_H
#define MEMTRACE_ELF_INTERNAL_H

#include <gelf.h>
#include <libelf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct load {
	uint64_t vaddr, offset, filesz;
	bool exec;
};

/* A copy of a symbol's name without its version. */
struct bare_name {
	struct bare_name *next;
	char text[];
};

struct elf {
	Elf *libelf;
	GElf_Ehdr ehdr;
	size_t file_size;
	struct load *loads;
	size_t nloads;
	uint64_t dynamic, dynamic_size; /* file range of PT_DYNAMIC */
	struct bare_name *names;
};

/* Returns the file's bytes [offset, offset + len), converted as `type`; NULL if it does not have
 * them. */
Elf_Data *elf__chunk(const struct elf *e, uint64_t offset, uint64_t len, Elf_Type type);
/* Returns a section's contents, converted as its type requires, and its header. NULL: not in the
 * file. */
Elf_Data *elf__section_data(Elf_Scn *scn, GElf_Shdr *sh);
/* Returns the segment that loads an address from the file; NULL: none. */
const struct load *elf__load_at(const struct elf *e, uint64_t vaddr);

/* What the dynamic loader reads of a file: file offsets, 0: none, and sizes in bytes. */
struct dynamic {
	uint64_t symtab, strtab, strsz, hash, gnu_hash;
	uint64_t rela, relasz, jmprel, pltrelsz;
};

void elf__read_dynamic(const struct elf *e, struct dynamic *d);

#endif
