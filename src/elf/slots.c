/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds what the dynamic loader puts into a slot of a file's data, by the relocations that it would
 * apply there. They are found through PT_DYNAMIC, which stripped files keep. */
#include <elf.h>
#include <stdio.h>
#include <string.h>

#include "elf/elf.h"
#include "elf/internal.h"

static bool find_relocation(const struct elf *e, uint64_t table, uint64_t size, uint64_t vaddr,
			    GElf_Rela *out)
{
	Elf_Data *data = table ? elf__chunk(e, table, size, ELF_T_RELA) : NULL;

	for (int i = 0; data && gelf_getrela(data, i, out); i++)
		if (out->r_offset == vaddr)
			return true;
	return false;
}

static void copy_name(const struct elf *e, const struct dynamic *d, uint64_t at, char *out,
		      size_t cap)
{
	Elf_Data *strings = elf__chunk(e, d->strtab, d->strsz, ELF_T_BYTE);

	if (strings && at < d->strsz)
		snprintf(out, cap, "%.*s",
			 (int)strnlen((const char *)strings->d_buf + at, d->strsz - at),
			 (const char *)strings->d_buf + at);
}

static bool read_symbol(const struct elf *e, const struct dynamic *d, uint64_t number,
			struct elf_slot *out)
{
	uint64_t entry = gelf_fsize(e->libelf, ELF_T_SYM, 1, EV_CURRENT);
	Elf_Data *data = d->symtab && d->strtab
			     ? elf__chunk(e, d->symtab + number * entry, entry, ELF_T_SYM)
			     : NULL;
	GElf_Sym sym;

	if (!data || !gelf_getsym(data, 0, &sym))
		return false;
	copy_name(e, d, sym.st_name, out->name, sizeof(out->name));
	out->ifunc = GELF_ST_TYPE(sym.st_info) == STT_GNU_IFUNC;
	out->vaddr = sym.st_shndx == SHN_UNDEF ? 0 : sym.st_value;
	return true;
}

bool elf__slot(const struct elf *e, uint64_t vaddr, struct elf_slot *out)
{
	struct dynamic d;
	GElf_Rela rela;

	*out = (struct elf_slot){ .name = "" };
	elf__read_dynamic(e, &d);
	if (elf__machine(e) != ELF_X86_64 ||
	    (!find_relocation(e, d.jmprel, d.pltrelsz, vaddr, &rela) &&
	     !find_relocation(e, d.rela, d.relasz, vaddr, &rela)))
		return false;
	/* Other relocations are of data, such as pointers that the program may change. */
	return (GELF_R_TYPE(rela.r_info) == R_X86_64_JUMP_SLOT ||
		GELF_R_TYPE(rela.r_info) == R_X86_64_GLOB_DAT) &&
	       read_symbol(e, &d, GELF_R_SYM(rela.r_info), out);
}

bool elf__relative(const struct elf *e, uint64_t vaddr, uint64_t *target)
{
	struct dynamic d;
	GElf_Rela rela;

	elf__read_dynamic(e, &d);
	if (elf__machine(e) != ELF_X86_64 || !find_relocation(e, d.rela, d.relasz, vaddr, &rela) ||
	    GELF_R_TYPE(rela.r_info) != R_X86_64_RELATIVE)
		return false;
	*target = (uint64_t)rela.r_addend;
	return true;
}
