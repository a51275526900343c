/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds the functions of an ELF file by its section headers or, if it has none, as the dynamic
 * loader finds them. */
#include "elf/elf.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "elf/internal.h"
#include "util/array.h"

/* The most that is followed of one bucket's chain in a GNU hash table, in bytes. */
#define CHAIN_MAX (64u << 10)

struct visit {
	struct elf *e;
	int (*fn)(void *ctx, const struct elf_function *f);
	void *ctx;
	bool debug_file; /* its code is in another file: offsets mean nothing */
};

/* Returns the name without its version: "memcpy" for "memcpy@@GLIBC_2.14". NULL: no memory. */
static const char *strip_version(struct elf *e, const char *name)
{
	const char *at = strchr(name, '@');
	size_t len = at ? (size_t)(at - name) : 0;
	struct bare_name *copy;

	if (len == 0)
		return name;
	copy = malloc(sizeof(*copy) + len + 1);
	if (!copy)
		return NULL;
	memcpy(copy->text, name, len);
	copy->text[len] = '\0';
	copy->next = e->names;
	e->names = copy;
	return copy->text;
}

static int visit_symbol(const struct visit *v, const GElf_Sym *sym, const char *name)
{
	struct elf_function f = {
		.vaddr = sym->st_value,
		.size = sym->st_size,
		.ifunc = GELF_ST_TYPE(sym->st_info) == STT_GNU_IFUNC,
		.binding = GELF_ST_BIND(sym->st_info),
	};
	const struct load *l;

	if (!name || !*name || sym->st_shndx == SHN_UNDEF)
		return 0;
	if (GELF_ST_TYPE(sym->st_info) != STT_FUNC && !f.ifunc)
		return 0;
	if (!v->debug_file) {
		l = elf__load_at(v->e, f.vaddr);
		if (!l || !l->exec)
			return 0;
		f.offset = f.vaddr - l->vaddr + l->offset;
	}
	f.name = strip_version(v->e, name);
	return f.name ? v->fn(v->ctx, &f) : -ENOMEM;
}

static int visit_section(const struct visit *v, Elf_Scn *scn)
{
	GElf_Shdr sh, strings;
	Elf_Data *data = elf__section_data(scn, &sh);
	GElf_Sym sym;
	int ret = 0;

	if (!data || !elf__section_data(elf_getscn(v->e->libelf, sh.sh_link), &strings))
		return 0;
	for (int i = 1; !ret && gelf_getsym(data, i, &sym); i++)
		ret = visit_symbol(v, &sym, elf_strptr(v->e->libelf, sh.sh_link, sym.st_name));
	return ret;
}

/*
 * Returns the number of symbols that a GNU hash table covers: it names the first symbol of each
 * bucket's chain, so the last symbol is at the end of the chain that starts last; the lowest bit
 * marks the end of a chain.
 */
static uint64_t gnu_hash_count(const struct elf *e, uint64_t offset)
{
	Elf_Data *head = elf__chunk(e, offset, 4 * sizeof(uint32_t), ELF_T_WORD), *data;
	uint64_t buckets, chains, left, last = 0;
	const uint32_t *word;
	uint32_t nbuckets, first, bloom;

	if (!head)
		return 0;
	word = head->d_buf;
	nbuckets = word[0], first = word[1], bloom = word[2];
	buckets = offset + 16 + (uint64_t)bloom * (elf__is_64bit(e) ? 8 : 4);
	data = elf__chunk(e, buckets, nbuckets * 4ull, ELF_T_WORD);
	if (!data)
		return 0;
	word = data->d_buf;
	for (uint32_t i = 0; i < nbuckets; i++)
		last = word[i] > last ? word[i] : last;
	if (last < first)
		return first;

	chains = buckets + nbuckets * 4ull + (last - first) * 4;
	left = chains < e->file_size ? (e->file_size - chains) & ~3ull : 0;
	left = left < CHAIN_MAX ? left : CHAIN_MAX;
	data = elf__chunk(e, chains, left, ELF_T_WORD);
	if (!data)
		return 0;
	word = data->d_buf;
	for (uint64_t i = 0; i < left / 4; i++)
		if (word[i] & 1)
			return last + i + 1;
	return 0;
}

/* Visits the dynamic symbols as the dynamic loader finds them, without section headers. */
static int visit_dynamic(const struct visit *v)
{
	size_t entry = gelf_fsize(v->e->libelf, ELF_T_SYM, 1, EV_CURRENT);
	Elf_Data *symbols, *strings, *head;
	struct dynamic d;
	uint64_t count = 0;
	GElf_Sym sym;
	int ret = 0;

	elf__read_dynamic(v->e, &d);
	if (d.gnu_hash)
		count = gnu_hash_count(v->e, d.gnu_hash);
	if (!count && d.hash) {
		head = elf__chunk(v->e, d.hash, 2 * sizeof(uint32_t), ELF_T_WORD);
		count = head ? ((const uint32_t *)head->d_buf)[1] : 0;
	}
	if (!d.symtab || !d.strtab || !count)
		return 0;
	symbols = elf__chunk(v->e, d.symtab, count * entry, ELF_T_SYM);
	strings = elf__chunk(v->e, d.strtab, d.strsz, ELF_T_BYTE);
	if (!symbols || !strings)
		return 0;
	for (int i = 1; !ret && gelf_getsym(symbols, i, &sym); i++) {
		const char *name = (const char *)strings->d_buf + sym.st_name;

		if (sym.st_name < d.strsz && memchr(name, '\0', d.strsz - sym.st_name))
			ret = visit_symbol(v, &sym, name);
	}
	return ret;
}

static int visit_tables(const struct visit *v)
{
	static const uint32_t order[] = { SHT_DYNSYM, SHT_SYMTAB };
	int ret = 0;

	for (size_t i = 0; !ret && i < ARRAY_SIZE(order); i++) {
		bool found = false;
		Elf_Scn *scn = NULL;
		GElf_Shdr sh;

		while (!ret && (scn = elf_nextscn(v->e->libelf, scn))) {
			if (gelf_getshdr(scn, &sh) && sh.sh_type == order[i]) {
				found = true;
				ret = visit_section(v, scn);
			}
		}
		if (!found && order[i] == SHT_DYNSYM && !v->debug_file)
			ret = visit_dynamic(v);
	}
	return ret;
}

int elf__functions(struct elf *e, int (*fn)(void *ctx, const struct elf_function *f), void *ctx)
{
	struct visit v = { .e = e, .fn = fn, .ctx = ctx };

	return visit_tables(&v);
}

int elf__debug_functions(struct elf *e, int (*fn)(void *ctx, const struct elf_function *f),
			 void *ctx)
{
	struct visit v = { .e = e, .fn = fn, .ctx = ctx, .debug_file = true };

	return visit_tables(&v);
}
