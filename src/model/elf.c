/*
 * ELF structure, read through libelf.
 *
 * libelf reads with pread, never through a mapping: a file that is cut short while we look at it must
 * not end in SIGBUS. Whatever does not sit behind a section header comes through chunk(), the one
 * accessor that takes an offset from the file; libelf's own accessors check theirs.
 *
 * A file without section headers still has to tell the kernel and the dynamic loader what they need,
 * so build ID, addresses and dynamic symbols are then found through the program headers.
 */
#include "model/elf.h"

#include <elf.h>
#include <errno.h>
#include <gelf.h>
#include <libelf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "ground/util.h"

/* Tables beyond this are damage or malice (sparse files): reading them would take all our memory. */
#define TABLE_MAX (1ull << 30)
/* The longest chain of one bucket in a GNU hash table that we follow, in bytes. */
#define CHAIN_MAX (64u << 10)

struct load {
	uint64_t vaddr, offset, filesz;
	bool exec;
};

/* A copy of a symbol's name without its version. */
struct name {
	struct name *next;
	char text[];
};

struct elf {
	Elf *libelf;
	GElf_Ehdr ehdr;
	size_t file_size;
	struct load *loads;
	size_t nloads;
	uint64_t dynamic, dynamic_size;	/* file range of PT_DYNAMIC */
	bool is_dynamic;
	struct name *names;
};

/* The file's bytes [offset, offset + len), converted as `type`; NULL where the file does not have them. */
static Elf_Data *chunk(const struct elf *e, uint64_t offset, uint64_t len, Elf_Type type)
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
		if (ph.p_type == PT_INTERP || ph.p_type == PT_DYNAMIC)
			e->is_dynamic = true;
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
static struct elf *open_libelf(Elf *libelf)
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
	e = open_libelf(elf_begin(fd, ELF_C_READ, NULL));
	if (e)
		e->file_size = (size_t)st.st_size;
	return e;
}

struct elf *elf__open_memory(const void *image, size_t len)
{
	struct elf *e;

	elf_version(EV_CURRENT);
	/* libelf asks for a pointer that it may write through, but only does when told to update. */
	e = open_libelf(elf_memory((char *)(uintptr_t)image, len));
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
		struct name *next = e->names->next;

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

bool elf__is_dynamic(const struct elf *e)
{
	return e->is_dynamic;
}

/* The contents of a section that is in the file, as its type asks; NULL where there is none. */
static Elf_Data *section_data(Elf_Scn *scn, GElf_Shdr *sh)
{
	if (!scn || !gelf_getshdr(scn, sh) || sh->sh_type == SHT_NOBITS || sh->sh_size > TABLE_MAX)
		return NULL;
	return elf_getdata(scn, NULL);
}

const void *elf__section(const struct elf *e, const char *name, size_t *len)
{
	Elf_Scn *scn = NULL;
	size_t names;
	GElf_Shdr sh;

	if (elf_getshdrstrndx(e->libelf, &names) != 0)
		return NULL;
	while ((scn = elf_nextscn(e->libelf, scn))) {
		const char *n = gelf_getshdr(scn, &sh) ? elf_strptr(e->libelf, names, sh.sh_name) : NULL;
		Elf_Data *data = n && !strcmp(n, name) ? section_data(scn, &sh) : NULL;

		if (data && data->d_buf) {
			*len = data->d_size;
			return data->d_buf;
		}
	}
	return NULL;
}

static size_t build_id_of_notes(Elf_Data *notes, uint8_t *out, size_t cap)
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

/* Sections come first: in a separate debug file they are there, and the program headers lie. */
size_t elf__build_id(const struct elf *e, uint8_t *out, size_t cap)
{
	Elf_Scn *scn = NULL;
	size_t len = 0, n;
	GElf_Shdr sh;
	GElf_Phdr ph;

	while (!len && (scn = elf_nextscn(e->libelf, scn))) {
		if (gelf_getshdr(scn, &sh) && sh.sh_type == SHT_NOTE)
			len = build_id_of_notes(section_data(scn, &sh), out, cap);
	}
	if (len || elf_getphdrnum(e->libelf, &n) != 0)
		return len;
	for (size_t i = 0; !len && i < n && gelf_getphdr(e->libelf, (int)i, &ph); i++) {
		Elf_Type type = ph.p_align == 8 ? ELF_T_NHDR8 : ELF_T_NHDR;

		if (ph.p_type == PT_NOTE)
			len = build_id_of_notes(chunk(e, ph.p_offset, ph.p_filesz, type), out, cap);
	}
	return len;
}

/* Executable segments win: a page of the file may be mapped twice, once as code. */
bool elf__offset_to_vaddr(const struct elf *e, uint64_t offset, uint64_t *vaddr)
{
	const struct load *found = NULL;

	for (size_t i = 0; i < e->nloads; i++) {
		const struct load *l = &e->loads[i];

		if (offset >= l->offset && offset - l->offset < l->filesz && (!found || l->exec > found->exec))
			found = l;
	}
	if (found)
		*vaddr = offset - found->offset + found->vaddr;
	return found;
}

static const struct load *load_at(const struct elf *e, uint64_t vaddr)
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
	const struct load *l = load_at(e, vaddr);

	if (l)
		*offset = vaddr - l->vaddr + l->offset;
	return l;
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
		data = chunk(e, offset, *got, ELF_T_BYTE);
		return data ? data->d_buf : NULL;
	}
	return NULL;
}

/* ---- functions ---- */

struct visit {
	struct elf *e;
	int (*fn)(void *ctx, const struct elf_function *f);
	void *ctx;
	bool debug_file;	/* its code is elsewhere: offsets mean nothing */
};

/* The name without its version: "memcpy@@GLIBC_2.14" is memcpy. NULL: no memory. */
static const char *bare_name(struct elf *e, const char *name)
{
	const char *at = strchr(name, '@');
	size_t len = at ? (size_t)(at - name) : 0;
	struct name *copy;

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
		l = load_at(v->e, f.vaddr);
		if (!l || !l->exec)
			return 0;
		f.offset = f.vaddr - l->vaddr + l->offset;
	}
	f.name = bare_name(v->e, name);
	return f.name ? v->fn(v->ctx, &f) : -ENOMEM;
}

static int visit_section(const struct visit *v, Elf_Scn *scn)
{
	GElf_Shdr sh, strings;
	Elf_Data *data = section_data(scn, &sh);
	GElf_Sym sym;
	int ret = 0;

	if (!data || !section_data(elf_getscn(v->e->libelf, sh.sh_link), &strings))
		return 0;
	for (int i = 1; !ret && gelf_getsym(data, i, &sym); i++)
		ret = visit_symbol(v, &sym, elf_strptr(v->e->libelf, sh.sh_link, sym.st_name));
	return ret;
}

struct dynamic {
	uint64_t symtab, strtab, strsz, hash, gnu_hash;		/* file offsets; 0: none */
};

static void read_dynamic(const struct elf *e, struct dynamic *d)
{
	Elf_Data *data = chunk(e, e->dynamic, e->dynamic_size, ELF_T_DYN);
	GElf_Dyn dyn;

	for (int i = 0; data && gelf_getdyn(data, i, &dyn) && dyn.d_tag != DT_NULL; i++) {
		switch (dyn.d_tag) {
		case DT_SYMTAB:
			elf__vaddr_to_offset(e, dyn.d_un.d_ptr, &d->symtab);
			break;
		case DT_STRTAB:
			elf__vaddr_to_offset(e, dyn.d_un.d_ptr, &d->strtab);
			break;
		case DT_HASH:
			elf__vaddr_to_offset(e, dyn.d_un.d_ptr, &d->hash);
			break;
		case DT_GNU_HASH:
			elf__vaddr_to_offset(e, dyn.d_un.d_ptr, &d->gnu_hash);
			break;
		case DT_STRSZ:
			d->strsz = dyn.d_un.d_val;
			break;
		}
	}
}

/*
 * How many symbols a GNU hash table covers: it names the first symbol of each bucket's chain, so the
 * last symbol is at the end of the chain that starts last; the lowest bit marks a chain's end.
 */
static uint64_t gnu_hash_count(const struct elf *e, uint64_t offset)
{
	Elf_Data *head = chunk(e, offset, 4 * sizeof(uint32_t), ELF_T_WORD), *data;
	uint64_t buckets, chains, left, last = 0;
	const uint32_t *word;
	uint32_t nbuckets, first, bloom;

	if (!head)
		return 0;
	word = head->d_buf;
	nbuckets = word[0], first = word[1], bloom = word[2];
	buckets = offset + 16 + (uint64_t)bloom * (elf__is_64bit(e) ? 8 : 4);
	data = chunk(e, buckets, nbuckets * 4ull, ELF_T_WORD);
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
	data = chunk(e, chains, left, ELF_T_WORD);
	if (!data)
		return 0;
	word = data->d_buf;
	for (uint64_t i = 0; i < left / 4; i++)
		if (word[i] & 1)
			return last + i + 1;
	return 0;
}

/* The dynamic symbols as the dynamic loader finds them. */
static int visit_dynamic(const struct visit *v)
{
	size_t entry = gelf_fsize(v->e->libelf, ELF_T_SYM, 1, EV_CURRENT);
	Elf_Data *symbols, *strings, *head;
	struct dynamic d = { 0 };
	uint64_t count = 0;
	GElf_Sym sym;
	int ret = 0;

	read_dynamic(v->e, &d);
	if (d.gnu_hash)
		count = gnu_hash_count(v->e, d.gnu_hash);
	if (!count && d.hash) {
		head = chunk(v->e, d.hash, 2 * sizeof(uint32_t), ELF_T_WORD);
		count = head ? ((const uint32_t *)head->d_buf)[1] : 0;
	}
	if (!d.symtab || !d.strtab || !count)
		return 0;
	symbols = chunk(v->e, d.symtab, count * entry, ELF_T_SYM);
	strings = chunk(v->e, d.strtab, d.strsz, ELF_T_BYTE);
	if (!symbols || !strings)
		return 0;
	for (int i = 1; !ret && gelf_getsym(symbols, i, &sym); i++) {
		const char *name = (const char *)strings->d_buf + sym.st_name;

		if (sym.st_name < d.strsz && memchr(name, '\0', d.strsz - sym.st_name))
			ret = visit_symbol(v, &sym, name);
	}
	return ret;
}

static int visit_all(const struct visit *v)
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

	return visit_all(&v);
}

int elf__debug_functions(struct elf *e, int (*fn)(void *ctx, const struct elf_function *f), void *ctx)
{
	struct visit v = { .e = e, .fn = fn, .ctx = ctx, .debug_file = true };

	return visit_all(&v);
}
