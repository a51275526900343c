/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mutates ELF files section by section. The bytes of a file as a whole are mostly code and padding,
 * and a change of its length moves everything behind it away from where the headers say it is. So
 * most mutations stay inside one section of interest, or one header, and keep its length.
 */
#ifndef ELF_MUTATOR_H
#define ELF_MUTATOR_H

#include <elf.h>
#include <stdbool.h>

#include "fuzz.h"

struct piece_of_elf {
	size_t at, len;
};

/* The i-th piece of the file that is worth mutating by itself; false: there are not so many. */
static bool elf_piece(const uint8_t *data, size_t size, size_t i, struct piece_of_elf *p)
{
	Elf64_Ehdr eh;
	Elf64_Shdr sh;

	if (size < sizeof(eh))
		return false;
	memcpy(&eh, data, sizeof(eh));
	if (i == 0)
		*p = (struct piece_of_elf){ 0, sizeof(eh) };
	else if (i == 1)
		*p = (struct piece_of_elf){ eh.e_phoff, eh.e_phnum * sizeof(Elf64_Phdr) };
	else if (i == 2)
		*p = (struct piece_of_elf){ eh.e_shoff, eh.e_shnum * sizeof(sh) };
	else if (i - 3 >= eh.e_shnum || eh.e_shoff > size ||
		 (i - 2) * sizeof(sh) > size - eh.e_shoff)
		return false;
	else {
		memcpy(&sh, data + eh.e_shoff + (i - 3) * sizeof(sh), sizeof(sh));
		*p = (struct piece_of_elf){ sh.sh_type == SHT_NOBITS ? 0 : sh.sh_offset,
					    sh.sh_type == SHT_NOBITS ? 0 : sh.sh_size };
	}
	if (p->at > size || p->len > size - p->at)
		p->len = 0;
	return true;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned int seed)
{
	struct piece_of_elf p;
	size_t n = 0, len;

	while (n < 100 && elf_piece(data, size, n, &p))
		n++;
	if (!n || seed % 16 == 0 || !elf_piece(data, size, seed / 16 % n, &p) || !p.len)
		return LLVMFuzzerMutate(data, size, max);
	/* A small window, so that what is read before it stays whole. */
	len = seed & 1 << 12 && p.len > 64 ? 64 : p.len;
	p.at += len < p.len ? (seed >> 13) % (p.len - len) : 0;
	LLVMFuzzerMutate(data + p.at, len, len);
	return size;
}

#endif
