/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finds the call frame information of an ELF file. Section headers are the best source; a file
 * without them, or the memory image of a vDSO, still has the program header PT_GNU_EH_FRAME, whose
 * table begins with a pointer to .eh_frame.
 */
#include <errno.h>
#include <gelf.h>
#include <libelf.h>

#include "elf/elf.h"
#include "unwind/cfi_internal.h"

/* Larger sections mean damage or malice: reading them would take all our memory. */
#define SECTION_MAX (1ull << 30)
/* Larger segments are not described, for the same reason. */
#define CODE_MAX (1ull << 30)

/* Finds a section and uncompresses its contents. */
static bool find_section(Elf *e, const char *name, struct cfi_section *out)
{
	Elf_Scn *scn = NULL;
	size_t names;
	GElf_Shdr sh;

	if (elf_getshdrstrndx(e, &names) != 0)
		return false;
	while ((scn = elf_nextscn(e, scn))) {
		const char *n = gelf_getshdr(scn, &sh) ? elf_strptr(e, names, sh.sh_name) : NULL;
		Elf_Data *data;

		if (!n || strcmp(n, name) || sh.sh_type == SHT_NOBITS || sh.sh_size > SECTION_MAX)
			continue;
		if (sh.sh_flags & SHF_COMPRESSED) {
			GElf_Chdr ch;

			if (!gelf_getchdr(scn, &ch) || ch.ch_size > SECTION_MAX ||
			    elf_compress(scn, 0, 0) < 0)
				continue;
		}
		data = elf_getdata(scn, NULL);
		if (!data || !data->d_buf || !data->d_size)
			continue;
		*out = (struct cfi_section){ data->d_buf, data->d_size, sh.sh_addr };
		return true;
	}
	return false;
}

/* Finds what the file loads at an address, up to the end of the segment. */
static bool find_loaded(Elf *e, size_t nph, uint64_t vaddr, struct cfi_section *out)
{
	GElf_Phdr ph;

	for (size_t i = 0; i < nph && gelf_getphdr(e, (int)i, &ph); i++) {
		uint64_t skip = vaddr - ph.p_vaddr;
		Elf_Data *data;

		if (ph.p_type != PT_LOAD || vaddr < ph.p_vaddr || skip >= ph.p_filesz ||
		    ph.p_filesz - skip > SECTION_MAX || ph.p_filesz > INT64_MAX ||
		    ph.p_offset > INT64_MAX - ph.p_filesz)
			continue;
		/* libelf checks that the file has these bytes. */
		data = elf_getdata_rawchunk(e, (int64_t)(ph.p_offset + skip), ph.p_filesz - skip,
					    ELF_T_BYTE);
		if (!data)
			return false;
		*out = (struct cfi_section){ data->d_buf, data->d_size, vaddr };
		return true;
	}
	return false;
}

static bool find_by_header(Elf *e, size_t nph, struct cfi_source *src)
{
	struct cfi_section header;
	struct cursor b;
	uint64_t version, encoding, vaddr;
	GElf_Phdr ph;

	for (size_t i = 0; i < nph && gelf_getphdr(e, (int)i, &ph); i++) {
		if (ph.p_type != PT_GNU_EH_FRAME || !find_loaded(e, nph, ph.p_vaddr, &header))
			continue;
		b = cursor__of(header.bytes, header.len);
		version = cfi_bytes__number(&b, 1);
		encoding = cfi_bytes__number(&b, 1);
		cursor__take(&b, 2); /* the encodings of the table after the pointer */
		if (version == 1 && cfi_bytes__pointer(&header, &b, (uint8_t)encoding, &vaddr) &&
		    find_loaded(e, nph, vaddr, &src->eh_frame)) {
			src->ends_at_zero = true;
			return true;
		}
	}
	return false;
}

static void find_code(Elf *e, size_t nph, struct cfi_source *src)
{
	GElf_Phdr ph;

	for (size_t i = 0; i < nph && src->ncode < CFI_MAX_CODE && gelf_getphdr(e, (int)i, &ph);
	     i++) {
		if (ph.p_type != PT_LOAD || !(ph.p_flags & PF_X) || ph.p_filesz > CODE_MAX ||
		    ph.p_vaddr > UINT64_MAX - ph.p_filesz)
			continue;
		src->code[src->ncode++] = (struct cfi_code){
			.start = ph.p_vaddr,
			.end = ph.p_vaddr + ph.p_filesz,
			.offset = ph.p_offset,
		};
	}
}

int cfi__source(struct elf *elf, struct cfi_source *src)
{
	Elf *e = elf__handle(elf);
	GElf_Ehdr eh;
	size_t nph;

	*src = (struct cfi_source){ 0 };
	if (elf__machine(elf) != ELF_X86_64 || !elf__is_64bit(elf))
		return -ENOTSUP;
	if (!gelf_getehdr(e, &eh) || elf_getphdrnum(e, &nph) != 0)
		return -ENODATA;
	src->entry = eh.e_entry;
	find_code(e, nph, src);
	if (!find_section(e, ".eh_frame", &src->eh_frame))
		find_by_header(e, nph, src);
	find_section(e, ".debug_frame", &src->debug_frame);
	return src->ncode && (src->eh_frame.bytes || src->debug_frame.bytes) ? 0 : -ENODATA;
}
