/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libelf reads with pread, never through a mapping: a file that is truncated while it is read must
 * not end in SIGBUS. Whatever has no section header is read through elf__chunk(), the only accessor
 * that takes an offset from the file; libelf's own accessors check theirs.
 *
 * A file without section headers still has what the kernel and the dynamic loader need, so its
 * build ID, addresses and dynamic symbols are then found through the program headers.
 */
#include "elf/elf.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "elf/internal.h"
#include "util/array.h"

/* Larger tables mean damage or malice (sparse files), and would take all our memory. */
#define TABLE_MAX (1ull << 30)

Elf_Data *elf__chunk(const struct elf *e, uint64_t offset, uint64_t len, Elf_Type type)
{
	if (len == 0 || len > TABLE_MAX || offset > e->file_size || len > e->file_size - offset)
		return NULL;
	return elf_getdata_rawchunk(e->libelf, (int64_t)offset, len, type);
}

static int read_segments(struct elf *e)
{
	size_t n;

	if (elf_getphdrnum(e->libelf, &n) != 0)
		return 0;
	e->loads = calloc(n ? n : 1, sizeof(*e->loads));
	if (!e->loads)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		GElf_Phdr ph;

		if (!gelf_getphdr(e->libelf, (int)i, &ph))
			break;
		if (ph.p_type == PT_DYNAMIC) {
			e->dynamic = ph.p_offset;
			e->dynamic_size = ph.p_filesz;
		}
		if (ph.p_type != PT_LOAD || ph.p_filesz > UINT64_MAX - ph.p_offset ||
		    ph.p_filesz > UINT64_MAX - ph.p_vaddr)
			continue;
		e->loads[e->nloads++] = (struct load){
			.vaddr = ph.p_vaddr,
			.offset = ph.p_offset,
			.filesz = ph.p_filesz,
			.exec = ph.p_flags & PF_X,
		};
	}
	return 0;
}

/* Takes over `libelf`, which may be NULL. */
static struct elf *wrap_libelf(Elf *libelf)
{
	struct elf *e = calloc(1, sizeof(*e));
	int err = ENOMEM;

	if (!e)
		goto out;
	e->libelf = libelf;
	err = ENOEXEC;
	if (!libelf || elf_kind(libelf) != ELF_K_ELF || !gelf_getehdr(libelf, &e->ehdr))
		goto out;
	err = -read_segments(e);
	if (!err)
		return e;
out:
	if (!e)
		elf_end(libelf);
	elf__close(e);
	errno = err;
	return NULL;
}

struct elf *elf__open(int fd)
{
	struct stat st;
	struct elf *e;

	if (fstat(fd, &st) != 0)
		return NULL;
	elf_version(EV_CURRENT);
	e = wrap_libelf(elf_begin(fd, ELF_C_READ, NULL));
	if (e)
		e->file_size = (size_t)st.st_size;
	return e;
}

struct elf *elf__open_memory(const void *bytes, size_t len)
{
	struct elf *e;

	elf_version(EV_CURRENT);
	/* libelf takes a pointer to writable memory, but writes only when asked to update the
	 * file. */
	e = wrap_libelf(elf_memory((char *)(uintptr_t)bytes, len));
	if (e)
		e->file_size = len;
	return e;
}

void elf__close(struct elf *e)
{
	if (!e)
		return;
	elf_end(e->libelf);
	while (e->names) {
		struct bare_name *next = e->names->next;

		free(e->names);
		e->names = next;
	}
	free(e->loads);
	free(e);
}

struct Elf *elf__handle(const struct elf *e)
{
	return e->libelf;
}

enum elf_machine elf__machine(const struct elf *e)
{
	switch (e->ehdr.e_machine) {
	case EM_X86_64:
		return ELF_X86_64;
	case EM_386:
		return ELF_I386;
	case EM_AARCH64:
		return ELF_ARM64;
	default:
		return ELF_OTHER;
	}
}

bool elf__is_64bit(const struct elf *e)
{
	return e->ehdr.e_ident[EI_CLASS] == ELFCLASS64;
}

Elf_Data *elf__section_data(Elf_Scn *scn, GElf_Shdr *sh)
{
	if (!scn || !gelf_getshdr(scn, sh) || sh->sh_type == SHT_NOBITS || sh->sh_size > TABLE_MAX)
		return NULL;
	return elf_getdata(scn, NULL);
}

static const char *section_name(const struct elf *e, Elf_Scn *scn, size_t names, GElf_Shdr *sh)
{
	return gelf_getshdr(scn, sh) ? elf_strptr(e->libelf, names, sh->sh_name) : NULL;
}

const void *elf__section_at(const struct elf *e, const char *name, size_t *len, uint64_t *vaddr)
{
	Elf_Scn *scn = NULL;
	size_t names;
	GElf_Shdr sh;

	if (elf_getshdrstrndx(e->libelf, &names) != 0)
		return NULL;
	while ((scn = elf_nextscn(e->libelf, scn))) {
		const char *n = section_name(e, scn, names, &sh);
		Elf_Data *data = n && !strcmp(n, name) ? elf__section_data(scn, &sh) : NULL;

		if (data && data->d_buf) {
			*len = data->d_size;
			*vaddr = sh.sh_addr;
			return data->d_buf;
		}
	}
	return NULL;
}

const void *elf__section(const struct elf *e, const char *name, size_t *len)
{
	uint64_t vaddr;

	return elf__section_at(e, name, len, &vaddr);
}

/* Returns the size of a section once uncompressed, by either way of compressing; its contents may
 * be anything. */
static uint64_t uncompressed_size(Elf_Scn *scn, const GElf_Shdr *sh, bool gnu_style)
{
	GElf_Chdr ch;
	GElf_Shdr copy;
	Elf_Data *data;
	const uint8_t *b;
	uint64_t size = 0;

	if (sh->sh_flags & SHF_COMPRESSED)
		return gelf_getchdr(scn, &ch) ? ch.ch_size : 0;
	if (!gnu_style)
		return sh->sh_size;
	/* "ZLIB" and a big-endian number. */
	data = elf__section_data(scn, &copy);
	if (!data || data->d_size < 12)
		return 0;
	b = data->d_buf;
	for (int i = 4; i < 12; i++)
		size = size << 8 | b[i];
	return size;
}

uint64_t elf__debug_size(const struct elf *e)
{
	uint64_t sum = 0, size;
	Elf_Scn *scn = NULL;
	size_t names;
	GElf_Shdr sh;

	if (elf_getshdrstrndx(e->libelf, &names) != 0)
		return 0;
	while ((scn = elf_nextscn(e->libelf, scn))) {
		const char *n = section_name(e, scn, names, &sh);
		bool gnu_style = n && !strncmp(n, ".zdebug_", 8);

		if (!n || sh.sh_type == SHT_NOBITS || (!gnu_style && strncmp(n, ".debug_", 7)))
			continue;
		size = uncompressed_size(scn, &sh, gnu_style);
		sum = size > UINT64_MAX - sum ? UINT64_MAX : sum + size;
	}
	return sum;
}

static size_t build_id_in_notes(Elf_Data *notes, uint8_t *out, size_t cap)
{
	size_t pos = 0, name, desc;
	GElf_Nhdr nh;

	while (notes && (pos = gelf_getnote(notes, pos, &nh, &name, &desc)) > 0) {
		const uint8_t *bytes = notes->d_buf;

		if (nh.n_type == NT_GNU_BUILD_ID && nh.n_namesz == sizeof(ELF_NOTE_GNU) &&
		    !memcmp(bytes + name, ELF_NOTE_GNU, sizeof(ELF_NOTE_GNU)) && nh.n_descsz) {
			size_t len = nh.n_descsz < cap ? nh.n_descsz : cap;

			memcpy(out, bytes + desc, len);
			return len;
		}
	}
	return 0;
}

/* Sections come first: a separate debug file has them, while its program headers describe bytes
 * that it does not hold. */
size_t elf__build_id(const struct elf *e, uint8_t *out, size_t cap)
{
	Elf_Scn *scn = NULL;
	size_t len = 0, n;
	GElf_Shdr sh;
	GElf_Phdr ph;

	while (!len && (scn = elf_nextscn(e->libelf, scn))) {
		if (gelf_getshdr(scn, &sh) && sh.sh_type == SHT_NOTE)
			len = build_id_in_notes(elf__section_data(scn, &sh), out, cap);
	}
	if (len || elf_getphdrnum(e->libelf, &n) != 0)
		return len;
	for (size_t i = 0; !len && i < n && gelf_getphdr(e->libelf, (int)i, &ph); i++) {
		Elf_Type type = ph.p_align == 8 ? ELF_T_NHDR8 : ELF_T_NHDR;

		if (ph.p_type == PT_NOTE)
			len = build_id_in_notes(elf__chunk(e, ph.p_offset, ph.p_filesz, type), out,
						cap);
	}
	return len;
}

/* Executable segments take precedence: a page of the file may be mapped twice, once as code. */
bool elf__offset_to_vaddr(const struct elf *e, uint64_t offset, uint64_t *vaddr)
{
	const struct load *found = NULL;

	for (size_t i = 0; i < e->nloads; i++) {
		const struct load *l = &e->loads[i];

		if (offset >= l->offset && offset - l->offset < l->filesz &&
		    (!found || l->exec > found->exec))
			found = l;
	}
	if (found)
		*vaddr = offset - found->offset + found->vaddr;
	return found;
}

const struct load *elf__load_at(const struct elf *e, uint64_t vaddr)
{
	for (size_t i = 0; i < e->nloads; i++) {
		const struct load *l = &e->loads[i];

		if (vaddr >= l->vaddr && vaddr - l->vaddr < l->filesz)
			return l;
	}
	return NULL;
}

bool elf__vaddr_to_offset(const struct elf *e, uint64_t vaddr, uint64_t *offset)
{
	const struct load *l = elf__load_at(e, vaddr);

	if (l)
		*offset = vaddr - l->vaddr + l->offset;
	return l;
}

void elf__read_dynamic(const struct elf *e, struct dynamic *d)
{
	Elf_Data *data = elf__chunk(e, e->dynamic, e->dynamic_size, ELF_T_DYN);
	const struct {
		int64_t tag;
		uint64_t *offset; /* the entry is an address */
		uint64_t *value;
	} rows[] = {
		{ DT_SYMTAB, &d->symtab, NULL },     { DT_STRTAB, &d->strtab, NULL },
		{ DT_HASH, &d->hash, NULL },	     { DT_GNU_HASH, &d->gnu_hash, NULL },
		{ DT_RELA, &d->rela, NULL },	     { DT_JMPREL, &d->jmprel, NULL },
		{ DT_STRSZ, NULL, &d->strsz },	     { DT_RELASZ, NULL, &d->relasz },
		{ DT_PLTRELSZ, NULL, &d->pltrelsz },
	};
	GElf_Dyn dyn;

	*d = (struct dynamic){ 0 };
	for (int i = 0; data && gelf_getdyn(data, i, &dyn) && dyn.d_tag != DT_NULL; i++) {
		for (size_t k = 0; k < ARRAY_SIZE(rows); k++) {
			if (dyn.d_tag != rows[k].tag)
				continue;
			if (rows[k].offset)
				elf__vaddr_to_offset(e, dyn.d_un.d_ptr, rows[k].offset);
			else
				*rows[k].value = dyn.d_un.d_val;
		}
	}
}

const uint8_t *elf__code(const struct elf *e, uint64_t offset, size_t want, size_t *got)
{
	for (size_t i = 0; i < e->nloads; i++) {
		const struct load *l = &e->loads[i];
		uint64_t left = offset - l->offset;
		Elf_Data *data;

		if (!l->exec || offset < l->offset || left >= l->filesz || offset >= e->file_size)
			continue;
		left = l->filesz - left;
		if (left > e->file_size - offset)
			left = e->file_size - offset;
		*got = want < left ? want : left;
		data = elf__chunk(e, offset, *got, ELF_T_BYTE);
		return data ? data->d_buf : NULL;
	}
	return NULL;
}
